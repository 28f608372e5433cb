#!/usr/bin/env bash
# Packs what a machine with an NVIDIA GPU needs to check and time the engine cuda, when it has
# neither a JDK nor a network: a small JDK, clipkl, the checks, and the peers' script.
#
#   src/bench/gpu/bundle.sh [FILE.tar.xz]      (default: target/clipkl-gpu.tar.xz)
#
# JAVA_HOME must be a JDK 25. There: tar -xf FILE.tar.xz && clipkl-gpu/check.sh OUT
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../.." && pwd)
file=${1:-$root/target/clipkl-gpu.tar.xz}
most_bytes=$((60 << 20))

fail() {
  printf 'bundle: %s\n' "$1" >&2
  exit 1
}

java_home=${JAVA_HOME:-}
[ -x "$java_home/bin/jlink" ] && grep -q '^JAVA_VERSION="\(2[5-9]\|[3-9][0-9]\)' "$java_home/release" ||
  fail "JAVA_HOME must be a JDK 25 or newer with jlink, got '$java_home'"
"$root/run.sh" --version >/dev/null

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
bundle=$folder/clipkl-gpu
mkdir -p "$bundle/lib"
cp "$root/target/clipkl.jar" "$bundle/"
for jar in "$root"/target/lib/*.jar; do
  case ${jar##*/} in
    # ND4J and Deeplearning4j with what they bring, the corpus, and what makes pages or talks to
    # servers: no check reads them.
    nd4j* | javacpp* | openblas* | guava-1.0* | jackson-1.0* | protobuf-1.0* | flatbuffers*) ;;
    deeplearning4j* | resources-1.0* | commons-math3* | extjwnl* | jtokkit*) ;;
    mlflow* | uplot* | jmustache* | xchart* | batik*) ;;
    *) cp "$jar" "$bundle/lib/" ;;
  esac
done
# The jars refer to optional libraries that nobody has: the compiler need not say so.
"$java_home/bin/javac" -proc:none -Xlint:-options -d "$bundle/classes" \
  --add-modules jdk.incubator.vector -cp "$root/target/clipkl.jar:$root/target/lib/*" \
  "$root"/src/bench/java/dev/clipkl/gpu/*.java 2>"$folder/javac.log" ||
  fail "the checks do not compile: $(cat "$folder/javac.log")"
"$java_home/bin/jlink" --output "$bundle/jdk" --strip-debug --no-header-files --no-man-pages \
  --compress zip-0 --add-modules \
  java.base,java.logging,java.management,java.xml,jdk.incubator.vector,jdk.unsupported,jdk.management
cp "$root"/src/bench/gpu/{check.sh,peers.py,import_file.py,report.py} "$bundle/"
mkdir -p "$(dirname "$file")"
tar -C "$folder" -cf - clipkl-gpu | xz -T0 -6 >"$file"
bytes=$(wc -c <"$file")
[ "$bytes" -le "$most_bytes" ] || fail "$file has $bytes bytes, expected at most $most_bytes"
printf '%s: %d MiB\n' "$file" $((bytes >> 20))
