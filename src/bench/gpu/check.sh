#!/usr/bin/env bash
# Checks and times the engine cuda on this machine's GPU; part of what bundle.sh packs.
#
#   ./check.sh OUT [STEP ...]
#
# Steps, in this order when none is named: contract sanitizer speed peers training report.
# OUT takes what they write; report sums it up in OUT/README.md. ROWS, VOCABULARY, TRAIN_ROWS change
# the sizes. Needs: the driver; compute-sanitizer for its step; Python with PyTorch, NumPy and Triton
# for peers and training.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[ $# -ge 1 ] || { sed -n '2,10p' "${BASH_SOURCE[0]}" >&2; exit 2; }
mkdir -p "$1"
out=$(cd "$1" && pwd)
shift
steps=${*:-contract sanitizer speed peers training report}
rows=${ROWS:-8192}
vocabulary=${VOCABULARY:-128256}
train_rows=${TRAIN_ROWS:-16384}
flags="--enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow --add-modules jdk.incubator.vector -XX:CompileCommand=quiet -XX:CompileCommand=inline,dev.clipkl.engine.vector.FloatLanes::exp -Xmx4g -XX:+UseParallelGC ${CLIPKL_JAVA_OPTS:-}"
status=0

java() {
  # shellcheck disable=SC2086 # a list of options
  "$here/jdk/bin/java" $flags "$@"
}

check() {
  local class=$1
  shift
  java -cp "$here/classes:$here/clipkl.jar:$here/lib/*" "dev.clipkl.gpu.$class" "$@"
}

# Runs a command beside a sampling of the device's used memory: MiB, every tenth of a second.
sampled() {
  local file=$1 sampler=''
  shift
  if command -v nvidia-smi >/dev/null; then
    nvidia-smi --query-gpu=memory.used --format=csv,noheader,nounits -lms 100 >"$file" &
    sampler=$!
  fi
  "$@"
  local result=$?
  [ -z "$sampler" ] || { kill "$sampler" && wait "$sampler"; } 2>/dev/null
  return $result
}

sanitizer() {
  local tool result=0
  command -v compute-sanitizer >/dev/null || { echo "no compute-sanitizer here"; return 1; }
  for tool in memcheck racecheck; do
    # The tools look into the process that they start, so java is started without a shell between.
    # shellcheck disable=SC2086 # a list of options
    compute-sanitizer --tool "$tool" --target-processes all --error-exitcode 9 \
      "$here/jdk/bin/java" $flags -cp "$here/classes:$here/clipkl.jar:$here/lib/*" \
      dev.clipkl.gpu.GpuContract --vocabulary 77,1003 --large 3000 \
      --out "$out/contract-$tool.json" >"$out/$tool.txt" 2>&1 || result=1
    grep -E 'ERROR SUMMARY|RACECHECK SUMMARY|hold$' "$out/$tool.txt"
  done
  return $result
}

training() {
  python3 "$here/import_file.py" --rows "$train_rows" --columns "$vocabulary" "$out/problem.safetensors" || return
  rm -rf "$out/run"
  cat >"$out/training.yaml" <<CONFIG
problem: {import: $out/problem.safetensors}
objective: {divergence: reverse-kl, lambda: 0.1}
optimizer: {outer-iterations: 400, tolerance: 1e-6}
CONFIG
  java -jar "$here/clipkl.jar" train --engine cuda --out "$out/run" "$out/training.yaml"
  local result=$?
  rm -f "$out/problem.safetensors" "$out/run/policy.safetensors"
  return $result
}

for step in $steps; do
  printf '\n== %s\n' "$step"
  case $step in
    contract) check GpuContract --out "$out/contract.json" ;;
    sanitizer) sanitizer ;;
    speed)
      sampled "$out/speed-memory.txt" check GpuSpeed --rows "$rows" --vocabulary "$vocabulary" \
        --out "$out/speed.json" --problem "$out/problem.bin"
      ;;
    peers) python3 "$here/peers.py" --rows "$rows" --problem "$out/problem.bin" --out "$out/peers.json" ;;
    training) training ;;
    report)
      nvidia-smi >"$out/nvidia-smi.txt" 2>/dev/null
      python3 "$here/report.py" "$out"
      ;;
    *) echo "no such step" >&2 && false ;;
  esac || { status=1 && echo "FAILED: $step"; }
done
rm -f "$out/problem.bin"
exit $status
