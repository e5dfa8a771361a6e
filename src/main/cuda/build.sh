#!/bin/sh
# Compiles the kernels into one fatbin; called by Maven. Without nvcc it says so, and the jar has the CPU backend only.
#   build.sh OUTPUT     the fatbin to write
#   NVCC, CUDA_HOME     where to look for the compiler before PATH and /usr/local/cuda
set -eu

sources=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
output=$1

find_nvcc() {
    for candidate in "${NVCC:-}" "${CUDA_HOME:-/nonexistent}/bin/nvcc" "$(command -v nvcc 2>/dev/null || true)" \
        /usr/local/cuda/bin/nvcc; do
        if [ -n "$candidate" ] && [ -x "$candidate" ]; then
            echo "$candidate"
            return
        fi
    done
}

nvcc=$(find_nvcc)
if [ -z "$nvcc" ]; then
    rm -f "$output"
    echo "[INFO] CUDA kernels: no nvcc found (install CUDA 13, or set CUDA_HOME): this build has the CPU backend only"
    exit 0
fi
if [ -f "$output" ] && [ -z "$(find "$sources" -type f -newer "$output" -print | head -n 1)" ]; then
    echo "[INFO] CUDA kernels: up to date"
    exit 0
fi
version=$("$nvcc" --version | sed -n 's/.*release \([0-9]*\).*/\1/p')
if [ "${version:-0}" -lt 13 ]; then
    rm -f "$output"
    echo "[INFO] CUDA kernels: $nvcc is CUDA ${version:-of unknown version}, 13 is needed: CPU backend only"
    exit 0
fi
mkdir -p "$(dirname -- "$output")"
echo "[INFO] CUDA kernels: compiling with $nvcc (a minute or two)"
partial=$output.partial
# Machine code for Hopper with its own instructions, for Ampere and its successors, and PTX for what comes.
"$nvcc" -O3 -std=c++17 --Werror all-warnings -t 3 --compress-mode=size -fatbin \
    -gencode arch=compute_90a,code=sm_90a \
    -gencode arch=compute_80,code=sm_80 \
    -gencode arch=compute_80,code=compute_80 \
    -o "$partial" "$sources/quire.cu"
mv -f "$partial" "$output"
echo "[INFO] CUDA kernels: $(wc -c <"$output") bytes in $output"
