#!/bin/sh
# Compiles the kernels for this processor: libquire-emulated.so (see library.cpp) and the kernel tests as programs.
#   build.sh OUTPUT_DIR [TEST ...]   only the library, or only these tests (norm, rope, ...), when named: "library norm"
#   the library comes with stand-ins of CUDA's libraries, on which the CUDA backend runs: see libraries.sh
#   CXX, CUDA_HOME                   the compiler (g++) and where the CUDA headers are (/usr/local/cuda)
#   RACES=1                          the tests report races on shared memory (race.cpp)
#   SANITIZE=1                       out-of-bounds, misaligned and overflowing accesses end the program
# A new kernel needs nothing here; a new family is included by src/main/cuda/quire.cu, its PTX stands in ptx.cuh and ptx.h,
# and its test is src/test/cuda/FAMILY_test.cu. Run the tests with QUIRE_EMULATED_SEED=1, 2, ... for other schedules.
set -euf

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
tests=$(dirname -- "$here")
sources=$(CDPATH='' cd -- "$tests/../../main/cuda" && pwd -P)
output=$1
shift
cxx=${CXX:-g++}
cuda=${CUDA_HOME:-/usr/local/cuda}/include

if ! command -v "$cxx" >/dev/null 2>&1; then
    echo "[INFO] Emulated kernels: no $cxx found: left out"
    exit 0
fi
if [ ! -f "$cuda/cuda_bf16.h" ]; then
    echo "[INFO] Emulated kernels: no CUDA headers in $cuda (set CUDA_HOME): left out"
    exit 0
fi
if [ "$(uname -m)" != x86_64 ]; then
    echo "[INFO] Emulated kernels: for x86-64 only: left out"
    exit 0
fi

flags="-std=c++17 -O2 -march=native -ffp-contract=off -fno-strict-aliasing -fPIC -fvisibility=hidden -w -Wno-psabi -x c++"
if [ -n "${SANITIZE:-}" ]; then
    flags="$flags -g -fsanitize=address,alignment,bounds,shift,signed-integer-overflow -fno-sanitize-recover=all"
    flags="$flags -ftrivial-auto-var-init=pattern"
fi
observed=
[ -z "${RACES:-}" ] || observed="-g -fsanitize=thread -fno-sanitize=address"
link=$(echo "$flags" | tr ' ' '\n' | grep -e '^-fsanitize' || true)
includes="-I $here -I $tests -I $sources -I $cuda -include $here/builtins.h"
mkdir -p "$output"

# newer RESULT PATTERN ...: a source with such a name is newer.
newer() {
    result=$1
    shift
    [ -f "$result" ] || return 0
    for pattern in "$@"; do
        [ -z "$(find "$sources" "$tests" -type f -name "$pattern" -newer "$result" -print | head -n 1)" ] || return 0
    done
    return 1
}

# Only what is included by everything; other tests' sources do not matter.
headers="*.h *.cuh build.sh"

compile_core() {
    for unit in core ptx sm90; do
        if newer "$output/$unit.o" $headers "$unit.cpp"; then
            "$cxx" $flags -O3 $includes -c "$here/$unit.cpp" -o "$output/$unit.o"
        fi
    done
    core="$output/core.o $output/ptx.o $output/sm90.o"
    if [ -n "$observed" ]; then
        "$cxx" $flags -O3 $includes -c "$here/race.cpp" -o "$output/race.o"
        core="$core $output/race.o"
    fi
}

# linked RESULT OBJECT ...: the result is newer than all of its objects.
linked() {
    result=$1
    shift
    [ -f "$result" ] && [ -z "$(find "$@" -newer "$result" -print)" ]
}

# The names and the largest blocks of all kernels, found behind the preprocessor as many names are made by macros.
list_kernels() {
    "$cxx" -x c++ -std=c++17 -E -P -w -DQUIRE_LIST_KERNELS $includes "$sources/quire.cu" |
        tr '\n' ' ' | sed 's/extern "C"/\n&/g' |
        sed -n 's/^extern "C" *void *__launch_bounds__ *(\([^()]*\)) *\([A-Za-z0-9_]*\) *(.*/KERNEL(\2, \1)/p'
}

build_library() {
    library=$output/libquire-emulated.so
    if newer "$output/library.o" $headers library.cpp "*.cu"; then
        list_kernels >"$output/kernels.inc"
        echo "[INFO] Emulated kernels: compiling $(grep -c KERNEL "$output/kernels.inc") kernels"
        "$cxx" $flags $includes -I "$output" -c "$here/library.cpp" -o "$output/library.o"
    fi
    if ! linked "$library" "$output/library.o" $core; then
        echo '{ global: emulated_*; local: *; };' >"$output/exports"
        "$cxx" -shared $link -Wl,--version-script="$output/exports" "$output/library.o" $core -o "$library.partial"
        mv -f "$library.partial" "$library"
    fi
    sh "$here/libraries.sh" "$output"
}

build_test() {
    program=$output/$1_test
    kernels=$(cd "$sources" && set +f && ls ./*.cu | sed 's/^..//')
    source=$tests/$1_test.cu
    [ "$1" = emulator ] && source=$here/emulator_test.cpp
    if newer "$program.o" $headers $kernels "$(basename -- "$source")"; then
        "$cxx" $flags $observed -fvisibility=default $includes -c "$source" -o "$program.o"
    fi
    linked "$program" "$program.o" $core || "$cxx" $link "$program.o" $core -rdynamic -lpthread -ldl -o "$program"
}

if [ $# = 0 ]; then
    set -- library emulator $(cd "$tests" && set +f && ls ./*_test.cu | sed 's/.*\/\(.*\)_test\.cu/\1/')
fi
compile_core
for name in "$@"; do
    case $name in
        library) build_library ;;
        *) build_test "$name" ;;
    esac
done
