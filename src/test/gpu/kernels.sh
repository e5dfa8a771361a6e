#!/bin/sh
# The kernels' tests on the card of this machine: built by nvcc, run whole, then measured, then under compute-sanitizer.
#   kernels.sh OUTPUT_DIR [FAMILY ...]   all families, or these
#   BUILD_ONLY=1                         where there is nvcc and no card; SANITIZE_ONLY=1 and BENCH_ONLY=1 skip the rest
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root=$(CDPATH='' cd -- "$here/../../.." && pwd -P)
output=$1
shift
[ $# != 0 ] || set -- $(cd "$root/src/test/cuda" && ls ./*_test.cu | sed 's/.*\/\(.*\)_test\.cu/\1/')
mkdir -p "$output"
if command -v nvcc >/dev/null 2>&1; then
    for family in "$@"; do
        test="$output/${family}_test"
        if [ ! -x "$test" ] || [ -n "$(find "$root/src/main/cuda" "$root/src/test/cuda" -type f -newer "$test" -print | head -n 1)" ]; then
            echo "$family: compiling"
            nvcc -O3 -std=c++17 -lineinfo --Werror all-warnings -gencode arch=compute_90a,code=sm_90a \
                -I "$root/src/main/cuda" -I "$root/src/test/cuda" -o "$test" "$root/src/test/cuda/${family}_test.cu"
        fi
    done
fi
[ -z "${BUILD_ONLY:-}" ] || exit 0
failed=0
for family in "$@"; do
    test="$output/${family}_test"
    if [ -z "${SANITIZE_ONLY:-}${BENCH_ONLY:-}" ]; then
        echo "== $family"
        "$test" || failed=1
    fi
    if [ -z "${SANITIZE_ONLY:-}" ]; then
        echo "== $family, measured"
        "$test" bench || failed=1
    fi
    if [ -z "${BENCH_ONLY:-}" ] && command -v compute-sanitizer >/dev/null 2>&1; then
        for tool in memcheck racecheck; do
            echo "== $family, $tool"
            compute-sanitizer --tool "$tool" --error-exitcode 9 "$test" small || failed=1
        done
    fi
done
exit $failed
