#!/bin/sh
# Links the stand-ins of CUDA's libraries: libraries.sh FOLDER, which holds libquire-emulated.so. All of them is in
# libcuda.so.1; the others bring only the version names that the JNI libraries ask for.
set -eu
sources=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
folder=$1
newest=$folder/libcublas.so.13
if [ -f "$newest" ] && [ -z "$(find "$sources" "$folder/libquire-emulated.so" -type f -newer "$newest" -print | head -n 1)" ]; then
    exit 0
fi
flags="-std=c++17 -O2 -fopenmp-simd -Wall -Wextra -fPIC -shared -I${CUDA_HOME:-/usr/local/cuda}/include"
# shellcheck disable=SC2086
g++ $flags -Wl,-soname,libcuda.so.1 -Wl,-rpath,'$ORIGIN' -o "$folder/libcuda.so.1" \
    "$sources/driver.cpp" "$sources/runtime.cpp" "$sources/blaslt.cpp" -L"$folder" -lquire-emulated
for name in cudart cublasLt cublas; do
    printf 'int quire_emulated_%s = 1;\n' "$name" >"$folder/$name.c"
    printf 'lib%s.so.13 { global: quire_emulated_%s; };\n' "$name" "$name" >"$folder/$name.map"
    gcc -fPIC -shared -Wl,-soname,"lib$name.so.13" -Wl,--version-script,"$folder/$name.map" \
        -Wl,-rpath,'$ORIGIN' -o "$folder/lib$name.so.13" "$folder/$name.c" \
        -Wl,--no-as-needed -L"$folder" -l:libcuda.so.1
done
# The tokenizers' loader looks for a CUDA runtime by itself, under this name.
ln -sf libcudart.so.13 "$folder/libcudart.so"
