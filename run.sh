#!/usr/bin/env bash
# Finds a JDK, builds clipkl when its sources changed, and runs it:
#   ./run.sh ARGUMENTS              runs clipkl ARGUMENTS in the caller's folder
#   ./run.sh --nd4j-cuda ARGUMENTS  the same with ND4J's CUDA backend on the class path
#   ./run.sh test [...]             runs all tests; further arguments go to Maven
#   ./run.sh benchmarks [...]       compares clipkl with LibTorch and ND4J (--help: the options)
#   ./run.sh benchmarks jmh [...]   runs the JMH benchmarks of kernels; arguments go to JMH
#   ./run.sh benchmarks sequence CONFIG [...]   times the parts of a sequence problem's iterations
# CLIPKL_JAVA_HOME names the JDK to use; CLIPKL_JAVA_OPTS adds JVM options, such as -Xmx8g.
# Kept to what bash 3.2 knows, which is the bash of macOS.
set -euo pipefail
unset CDPATH

required=25
environment_failure=3

fail() {
  printf 'clipkl: %s\n' "$1" >&2
  exit $environment_failure
}

# The folder of this script, behind symbolic links.
script=${BASH_SOURCE[0]}
while [ -L "$script" ]; do
  link=$(readlink "$script")
  case $link in
    /*) script=$link ;;
    *) script=$(dirname "$script")/$link ;;
  esac
done
root=$(cd "$(dirname "$script")" && pwd -P)
target=$root/target
download="280 MB"
profile=''
# A build of its own, so that going from one to the other builds nothing.
if [ "${1:-}" = --nd4j-cuda ]; then
  shift
  target=$root/target/nd4j-cuda
  download="890 MB"
  profile=-Pnd4j-cuda
fi

# ---- The JDK ----------------------------------------------------------------------------------

# Sets `feature` to the feature version of the JDK in a folder (0: none, or a runtime without a
# compiler). Reads the JDK's `release` file, because starting a JVM would take longer than the
# command itself; asks java only where that file is missing.
feature_version() {
  feature=0
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] || return 0
  local version='' line
  if [ -r "$1/release" ]; then
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in JAVA_VERSION=*) version=${line#*=} && break ;; esac
    done <"$1/release"
  else
    line=$("$1/bin/java" -version 2>&1) || return 0
    version=${line#*version }
    version=${version%%[[:space:]]*}
  fi
  version=${version//\"/}
  version=${version#1.}
  version=${version%%[!0-9]*}
  feature=${version:-0}
}

# The home of the java on the PATH, behind symbolic links. macOS has a stub there instead, which
# its own tool resolves.
java_home_on_path() {
  local java link
  if [ -x /usr/libexec/java_home ]; then
    /usr/libexec/java_home -v "$required+" 2>/dev/null || true
    return
  fi
  java=$(command -v java) || return 0
  while [ -L "$java" ]; do
    link=$(readlink "$java")
    case $link in
      /*) java=$link ;;
      *) java=$(dirname "$java")/$link ;;
    esac
  done
  dirname "$(dirname "$java")"
}

# Sets `java_home`. A JDK that the user named comes first; of those in install folders the oldest
# that will do, as it is the best tested one.
find_jdk() {
  if [ -n "${CLIPKL_JAVA_HOME:-}" ]; then
    feature_version "$CLIPKL_JAVA_HOME"
    [ "$feature" -ge "$required" ] ||
      fail "CLIPKL_JAVA_HOME must be the folder of a JDK $required or newer, got $CLIPKL_JAVA_HOME ($(found "$feature"))"
    java_home=$CLIPKL_JAVA_HOME
    java_feature=$feature
    return
  fi
  local candidate
  for candidate in "${JAVA_HOME:-}" "$(java_home_on_path)"; do
    [ -n "$candidate" ] || continue
    feature_version "$candidate"
    if [ "$feature" -ge "$required" ]; then
      java_home=$candidate
      java_feature=$feature
      return
    fi
  done
  java_home=''
  java_feature=0
  # CLIPKL_JDK_FOLDERS (separated by colons) replaces the usual install folders.
  local folders=${CLIPKL_JDK_FOLDERS-/usr/lib/jvm:/Library/Java/JavaVirtualMachines:$HOME/Library/Java/JavaVirtualMachines:$HOME/.sdkman/candidates/java:$HOME/.jdks:/opt}
  local folder IFS=:
  for folder in $folders; do
    for candidate in "$folder"/*/Contents/Home "$folder"/*; do
      feature_version "$candidate"
      if [ "$feature" -ge "$required" ] && { [ "$java_feature" -eq 0 ] || [ "$feature" -lt "$java_feature" ]; }; then
        java_home=$candidate
        java_feature=$feature
      fi
    done
  done
  [ -n "$java_home" ] ||
    fail "no JDK $required or newer found: install one (https://adoptium.net/temurin/releases/?version=$required) and set CLIPKL_JAVA_HOME to its folder if it is in an unusual place"
}

found() {
  if [ "$1" -eq 0 ]; then echo "no JDK there"; else echo "JDK $1"; fi
}

# ---- The build --------------------------------------------------------------------------------

stamp=$target/clipkl.sources
log=$target/build.log

# A checksum over the names and contents of everything that goes into the jar: unlike times, it
# survives copies, container layers and switching branches.
sources() {
  (cd "$root" && find pom.xml src/main -type f -exec cksum {} + | LC_ALL=C sort | cksum)
}

is_built() {
  [ -f "$target/clipkl.jar" ] && [ -r "$stamp" ] && [ "$(cat "$stamp")" = "$1" ]
}

# Only one build at a time: the lock is the kernel's where flock exists, so that it ends with its
# process, and elsewhere a symbolic link that names its process.
lock() {
  mkdir -p "$target" 2>/dev/null && [ -w "$target" ] || fail "cannot write to $target, which the build needs"
  local waiting="clipkl: waiting for another build in $root ..." owner
  if command -v flock >/dev/null; then
    exec 9>"$target/build.lock"
    flock -n 9 || { echo "$waiting" >&2 && flock 9; }
    return
  fi
  until ln -s $$ "$target/build.owner" 2>/dev/null; do
    owner=$(readlink "$target/build.owner") || continue
    if kill -0 "$owner" 2>/dev/null; then
      [ -z "$waiting" ] || echo "$waiting" >&2
      waiting=''
      sleep 0.2
    else
      rm -f "$target/build.owner"
    fi
  done
  trap 'rm -f "$target/build.owner"' EXIT
}

unlock() {
  exec 9>&-
  if [ "$(readlink "$target/build.owner" 2>/dev/null)" = $$ ]; then
    rm -f "$target/build.owner"
    trap - EXIT
  fi
}

# The wrapper pins the checksum of Maven's zip; without unzip it would fetch another archive and
# refuse it. The JDK can unpack the zip as well.
provide_unzip() {
  command -v unzip >/dev/null && return
  mkdir -p "$target/tools"
  cat >"$target/tools/unzip" <<'UNZIP'
#!/bin/sh
# unzip [-q] FILE -d FOLDER, by the JDK's jar, which does not keep the executable bit.
[ "$1" = -q ] && shift
cd "$3" && "$JAVA_HOME/bin/jar" -xf "$1" && chmod +x ./*/bin/*
UNZIP
  chmod +x "$target/tools/unzip"
  PATH=$target/tools:$PATH
}

maven() {
  (
    # Maven's children must not keep the lock.
    exec 9>&-
    export JAVA_HOME=$java_home
    # Maven's own libraries would otherwise make the JVM print warnings.
    export MAVEN_OPTS="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow ${MAVEN_OPTS:-}"
    provide_unzip
    cd "$root"
    # A newer JDK may warn about what this one does not.
    [ "$java_feature" -eq "$required" ] || set -- -Dmaven.compiler.failOnWarning=false "$@"
    # A running clipkl keeps the jar it started from; writing over it would break that process.
    rm -f "$target/clipkl.jar"
    if [ -n "$profile" ]; then set -- "$profile" "-Dbuild.folder=$target" "$@"; fi
    ./mvnw -B -ntp "$@"
  )
}

build() {
  local wanted
  wanted=$(sources)
  if is_built "$wanted"; then return; fi
  lock
  wanted=$(sources)
  if ! is_built "$wanted"; then
    if [ -d "$target/lib" ]; then
      echo "clipkl: building, because the sources changed ..." >&2
    else
      echo "clipkl: building; the first time this downloads about $download ..." >&2
    fi
    # Formatting is for those who change the sources; the tests are run by ./run.sh test.
    if ! maven -Dorg.slf4j.simpleLogger.defaultLogLevel=warn -DskipTests -Dspotless.check.skip=true package >"$log" 2>&1; then
      tail -n 25 "$log" >&2
      fail "the build failed; its last lines are above, all of it is in $log"
    fi
    printf '%s\n' "$wanted" >"$stamp"
  fi
  unlock
}

run_tests() {
  lock
  local wanted status=0
  wanted=$(sources)
  # Only warnings and Surefire's summary lines are printed.
  maven -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
    -Dorg.slf4j.simpleLogger.log.org.apache.maven.plugin.surefire=info \
    "$@" verify || status=$?
  [ $status -ne 0 ] || printf '%s\n' "$wanted" >"$stamp"
  unlock
  exit $status
}

# ---- The program ------------------------------------------------------------------------------

# Sets `flags`: what the JVM needs, and how a user's JVM runs. The heap is moderate because tables
# live outside it. Its young part is fixed: while the Vector API still runs interpreted it makes
# garbage, for which the JVM would take 600 MB.
jvm_flags() {
  local pom
  pom=$(<"$root/pom.xml")
  flags=${pom#*<jvm.flags>}
  flags="${flags%%</jvm.flags>*} -Xmx2g -Xmn64m -XX:+UseParallelGC"
}

run_benchmarks() {
  lock
  local classes=$target/bench main=dev.clipkl.comparison.Comparison flags
  [ -d "$classes" ] || echo "clipkl: building the benchmarks; the first time this downloads about 220 MB ..." >&2
  if ! maven -Pbench -DskipTests -Dspotless.check.skip=true test-compile \
    dependency:build-classpath -Dmdep.outputFile="$classes/classpath" >"$log" 2>&1; then
    tail -n 25 "$log" >&2
    fail "the build failed; its last lines are above, all of it is in $log"
  fi
  unlock
  jvm_flags
  case ${1:-} in
    jmh)
      shift
      main=org.openjdk.jmh.Main
      ;;
    sequence)
      shift
      main=dev.clipkl.sequence.SequenceScale
      ;;
  esac
  # Reports go to docs/benchmarks of the project.
  cd "$root"
  # shellcheck disable=SC2086 # lists of options
  exec "$java_home/bin/java" $flags ${CLIPKL_JAVA_OPTS:-} \
    -cp "$classes/test-classes:$classes/classes:$(<"$classes/classpath")" "$main" "$@"
}

run_program() {
  build
  local flags
  jvm_flags
  # In the C locale Java would neither print nor open names outside ASCII.
  case ${LC_ALL:-${LC_CTYPE:-${LANG:-}}} in
    '' | C | POSIX) export LC_ALL=C.UTF-8 ;;
  esac
  # ND4J's threads would otherwise wait for work by spinning, and take the processor from others.
  export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive}
  # The JVM has no option against its warning about the Vector API, so a filter drops that line;
  # clipkl itself then puts the real standard error, kept as descriptor 3, back in its place.
  # shellcheck disable=SC2086 # lists of options
  exec "$java_home/bin/java" $flags -Dclipkl.stderr=3 -Dclipkl.home="$root" ${CLIPKL_JAVA_OPTS:-} \
    -jar "$target/clipkl.jar" "$@" 3>&2 2> >(
      trap '' HUP INT TERM
      exec grep --line-buffered -v '^WARNING: Using incubator modules: jdk.incubator.vector$' >&2
    )
}

find_jdk
case ${1:-} in
  test)
    shift
    run_tests "$@"
    ;;
  benchmarks)
    shift
    run_benchmarks "$@"
    ;;
  *) run_program "$@" ;;
esac
