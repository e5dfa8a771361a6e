#!/bin/sh
# Packs this build, its tests and their libraries for a machine with a card, a Java runtime and no Maven.
#   pack.sh OUTPUT_DIR    here, after `mvn package -Dmaven.test.skip=true test-compile`: part-0, part-1, … and unpack.sh
#   PART_MB=40            size of a part at most
#   . OUTPUT_DIR/unpack.sh    there, in the project's root, as often as parts arrive; then ./quire and `quire_tests CLASS...` work
# oneDNN stays behind: it serves the CPU alone.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
root=$(CDPATH='' cd -- "$here/../../.." && pwd -P)
mkdir -p "$1"
output=$(CDPATH='' cd -- "$1" && pwd -P)
cd "$root"
[ -f target/quarkus-app/quarkus-run.jar ] && [ -d target/test-classes ] ||
    { echo 'pack.sh: build first: mvn package -Dmaven.test.skip=true && mvn test-compile' >&2; exit 1; }
[ -f target/classes/cuda/quire.fatbin ] || echo 'pack.sh: this build has no CUDA kernels' >&2

tests=$(mktemp -d)
trap 'rm -rf "$tests"' EXIT
# What the tests of kernels and of whole models need beside the application.
mvn -q -B -ntp -o dependency:copy-dependencies -DoutputDirectory="$tests/lib" -DincludeScope=test \
    -DincludeGroupIds=org.junit.jupiter,org.junit.platform,org.opentest4j,org.apiguardian,org.assertj,net.bytebuddy >/dev/null
rm -f "$output"/part-*
tar -cf - --exclude='*dnnl*linux-x86_64.jar' target/quarkus-app target/test-classes target/classes/cuda -C "$tests" lib |
    xz -T0 -6 | split -b "${PART_MB:-40}M" -d -a 1 - "$output/part-"
cat >"$output/unpack.sh" <<'UNPACK'
# Collects parts in /tmp/quire-parts; when all NUM are there, unpacks them into the current directory.
mkdir -p /tmp/quire-parts
cp DIR/part-* /tmp/quire-parts/ 2>/dev/null || true
if [ "$(ls /tmp/quire-parts | wc -l)" = NUM ] && [ ! -f target/quarkus-app/quarkus-run.jar ]; then
    cat /tmp/quire-parts/part-* | tar -xJf -
    find target lib -exec touch {} +
fi
quire_tests() {
    java --add-modules jdk.incubator.vector --enable-native-access=ALL-UNNAMED -Dquire.test.device=gpu \
        -cp "target/test-classes:target/quarkus-app/app/*:target/quarkus-app/lib/main/*:target/quarkus-app/lib/boot/*:lib/*" \
        dev.quire.RunTests "$@"
}
UNPACK
parts=$(ls "$output"/part-* | wc -l)
sed -i "s#NUM#$parts#; s#NUM#$parts#; s#DIR#${1%/}#" "$output/unpack.sh"
ls -l "$output"
