#!/bin/sh
# Builds and runs all kernel tests without a GPU: check.sh OUTPUT_DIR [SEED ...]; the seeds are schedules (0 1 2).
# With SANITIZE=1 or RACES=1 (see build.sh) give another OUTPUT_DIR.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
output=$1
shift
[ $# != 0 ] || set -- 0 1 2
tests=$(cd "$here/.." && ls ./*_test.cu | sed 's/.*\/\(.*\)_test\.cu/\1/')
# shellcheck disable=SC2086
"$here/build.sh" "$output" emulator $tests
failed=0
for name in emulator $tests; do
    program=$output/${name}_test
    [ -x "$program" ] || continue  # no compiler here: build.sh has said so
    for seed in "$@"; do
        if ! result=$(QUIRE_EMULATED_SEED=$seed "$program" small 2>&1); then
            failed=1
            echo "$result" | grep -v ' passed, ' | head -n 20
        fi
        echo "$name, schedule $seed: $(echo "$result" | tail -n 1)"
    done
done
exit $failed
