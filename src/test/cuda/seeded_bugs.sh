#!/bin/sh
# Shows that the checks find bugs: each of those below is put into a copy of the kernels, and must
# make check_reductions or check_kernels fail; the kernels as they are must pass.
#
#   seeded_bugs.sh OUT_DIR [NAME...]
set -eu
[ $# -ge 1 ] || { echo "usage: seeded_bugs.sh OUT_DIR [NAME...]" >&2; exit 2; }
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
sources=$here/../../main/cuda
mkdir -p "$1"
out=$(CDPATH= cd -- "$1" && pwd)
shift
wanted=" $* "
cxx=${CXX:-g++}
machine=
if [ "$(uname -m)" = x86_64 ] && grep -q ' fma ' /proc/cpuinfo && grep -q ' avx2 ' /proc/cpuinfo; then
  machine=-march=x86-64-v3
fi
flags="-std=c++17 -O1 -w -ffp-contract=off $machine -I$here"

# name | file | sed program
bugs() {
  cat <<'BUGS'
missing-block-barrier|reductions.cuh|s/^    blockBarrier();$//
missing-cluster-barrier|reductions.cuh|s/^      clusterBarrier();$/      blockBarrier();/
barrier-for-half-of-the-block|reductions.cuh|s/^    blockBarrier();$/    if (warp < WARPS \/ 2) blockBarrier();/
barrier-for-all-but-the-leader|reductions.cuh|s/^    blockBarrier();$/    if (threadIndex() != 0) blockBarrier();/
two-barriers-for-one|reductions.cuh|s/^    blockBarrier();$/    if (warp == 0)\n      blockBarrier();\n    else\n      blockBarrier();/
slots-used-again-too-soon|reductions.cuh|s/^    half ^= 1;$//
wrong-lane|reductions.cuh|s/shuffleDown(values, delta, other)/shuffleDown(values, delta - 1, other)/
tree-without-its-last-level|reductions.cuh|s/delta > 0; delta >>= 1/delta > 1; delta >>= 1/
lane-of-another-value|reductions.cuh|s/int mineOf = lane < N ? lane : 0;/int mineOf = lane + 1 < N ? lane + 1 : 0;/
last-warp-left-out|reductions.cuh|s/combine(ofWarps + mineOf, WARPS,/combine(ofWarps + mineOf, WARPS - 1,/
last-rank-left-out|reductions.cuh|s/combine(ofRanks + mineOf, ranks,/combine(ofRanks + mineOf, ranks - 1,/
wrong-rank-order|reductions.cuh|s/ofRank(ofRanks, other)\[rank \* MOST_VALUES/ofRank(ofRanks, other)[(rank + other) % ranks * MOST_VALUES/
every-rank-into-one-slot|reductions.cuh|s/ofRank(ofRanks, other)\[rank \* MOST_VALUES/ofRank(ofRanks, other)[0 * MOST_VALUES/
own-slots-only|reductions.cuh|s/ofRank(ofRanks, other)\[/ofRank(ofRanks, rank)[/
ticket-read-before-it-is-there|reductions.cuh|/After: the leader/{n;s/barrier();//}
ticket-taken-while-it-is-read|reductions.cuh|/Before: nobody/{n;s/barrier();//}
ticket-for-one-rank-only|reductions.cuh|s/\*ofRank(ticketSlot, other) = row;/*ticketSlot = row;/
finished-row-goes-on|row_loop.cuh|s/bool finished = parameters.finished\[row\] != 0;/bool finished = false;/
tolerance-forgotten|row_loop.cuh|s/finished = metrics\[GAP\] <= parameters.tolerance;/finished = metrics[GAP] < 0.0;/
clip-not-seen-by-the-fused-sweep|fused.cuh|s/bool staysInside = /bool staysInside = true || /
last-step-forgotten|fused.cuh|s/    to = row.arrays.tableRow(row.parameters.logits);/;/
counter-read-after-it-may-be-written|row_loop.cuh|s/^    momentumSteps = parameters.momentumSteps\[row\];$//;s/^    loadRow(at, row);$/&\n    momentumSteps = parameters.momentumSteps[row];/
moments-not-cleared|row_loop.cuh|s/if (++momentumSteps == 1)/if (++momentumSteps == 0)/
thread-leaves-early|normalize.cuh|s/^  const float\* actionValues = row.arrays.actionValues();$/&\n  if (threadIndex() * QUAD >= row.arrays.part.length) return;/
mass-beyond-the-rows-end|normalize.cuh|s/^  clearBeyond(result, live);$//
row-ends-one-too-soon|row_storage.cuh|s/int rest = length - i;/int rest = length - 1 - i;/
last-quad-left-out|row_storage.cuh|s/i < length; i +=/i + QUAD < length; i +=/
store-beyond-the-rows-end|row_storage.cuh|s/^  if (live == QUAD) {/  if (live > 0) {/
extreme-of-the-padding|row_storage.cuh|s/quad.v\[j\] = j < live ? quad.v\[j\] : quad.v\[j - 1\];/;/
parts-overlap|arrays.cuh|s/part.length = min(stride, /part.length = min(stride + 4, /
scratch-shared-by-blocks|arrays.cuh|s/blockIndex() \* parameters.scratchBytesPerBlock/0 * parameters.scratchBytesPerBlock/
arrays-overlap|arrays.cuh|s/working(2 + logitSlots + slot)/working(1 + logitSlots + slot)/
proposal-over-p-old|row.cuh|s/return 3 - current.slot - old.slot;/return old.slot;/
tie-is-clipped|clip.cuh|s/!(move <= logUpper)/!(move < -logUpper)/
normaliser-of-p-old|measure_policy.cuh|s/change(policy.logNormalizer - row.old.logNormalizer)/change(0.0 * policy.logNormalizer)/
leader-of-every-rank|reductions.cuh|s/return rank == 0 \&\& threadIndex() == 0;/return threadIndex() == 0;/
half-precision-bias|row_storage.cuh|s/5.192296858534828e33f/2.596148429267414e33f/
groups-of-one-column-skipped|group_masses.cuh|s/^    keep(bin, sumOfBin(bin, 0, 1));$/    if (groups.starts[bin + 1] - groups.starts[bin] > 1) keep(bin, sumOfBin(bin, 0, 1));/
group-begins-one-column-late|group_masses.cuh|s/groups.starts\[bin\] + first,/groups.starts[bin] + 1 + first,/
masses-divided-by-the-row-normaliser|group_masses.cuh|s/masses\[group\] \/= all\[0\];/masses[group] *= row.current.inverse;/
warps-group-without-its-last-level|group_masses.cuh|s/delta > 0; delta >>= 1/delta > 1; delta >>= 1/
every-lane-keeps-a-warps-group|group_masses.cuh|s/^    if (lane == 0) {$/    if (lane >= 0) {/
every-thread-keeps-a-blocks-group|group_masses.cuh|s/^    if (thread == 0) {$/    if (thread >= 0) {/
no-group-taken-for-a-group|group_masses.cuh|s/groups.groupOf\[bin\] < groups.count/groups.groupOf[bin] <= groups.count/
masses-of-every-row-in-one-place|group_masses.cuh|s/(long long)row.arrays.row \* groups.count/0 * groups.count/
masses-without-their-offset|group_masses.cuh|s/const int offset = row.current.offset;/const int offset = 0;/
layer-counted-from-the-placed-row|row_storage.cuh|s/int layer = (view.firstState + row)/int layer = (view.firstState - view.placedState + row)/
layers-not-repeated|row_storage.cuh|s/(view.firstState - view.placedState + row) % view.layerRows/view.firstState - view.placedState + row/
shared-number-rounded-first|row_storage.cuh|s/float(double(quad.v\[j\]) + add.x)/quad.v[j] + float(add.x)/
shared-row-of-another-part|row_storage.cuh|s/int(sizeof(double))) + firstColumn;/int(sizeof(double)));/
shared-row-forgotten-off-the-chip|row_storage.cuh|s/ \&\& view.shared == nullptr;/;/
shared-numbers-of-the-padding|row_storage.cuh|/add.y);/,/repeatLast/s/repeatLast(quad, live);/;/
one-row-for-all-by-row|row_storage.cuh|s/view.rowBytes == 0 ? 0 : row/0/
BUGS
}

# What does not depend on the kernels.
for source in fibers fake_memory oracle host_modules check_kernels; do
  # shellcheck disable=SC2086
  "$cxx" $flags "-I$sources" -c "$here/$source.cpp" -o "$out/$source.o" &
done
wait
common="$out/check_kernels.o $out/fibers.o $out/fake_memory.o $out/oracle.o $out/host_modules.o"

# Builds the checks over a folder of kernels and runs them; leaves the complaint in its log.
passes() { # kernels
  # shellcheck disable=SC2086
  "$cxx" $flags -DCLIPKL_HOST "-I$1" "$here/check_reductions.cpp" "$out/fibers.o" \
    -o "$1/check_reductions"
  timeout 60 "$1/check_reductions" > "$1/log" 2>&1 || return 1
  # shellcheck disable=SC2086
  "$cxx" $flags -DCLIPKL_HOST -Dclipkl=clipkl_reverse_kl -DMODULE=module_reverse_kl \
    '-DCLIPKL_DIVERGENCE="divergence/reverse_kl.cuh"' "-I$1" \
    -c "$here/host_module.cpp" -o "$1/module.o"
  # shellcheck disable=SC2086
  "$cxx" "$1/module.o" $common -o "$1/check_kernels"
  timeout 240 "$1/check_kernels" --quick reverse-kl > "$1/log" 2>&1
}

failures=0
rm -rf "$out/kernels"
cp -R "$sources" "$out/kernels"
if passes "$out/kernels"; then
  echo "as they are: pass"
else
  echo "as they are: $(tail -1 "$out/kernels/log")" >&2
  exit 1
fi
bugs > "$out/bugs"
count=0
while IFS='|' read -r name file program; do
  case "$wanted" in "  " | *" $name "*) ;; *) continue ;; esac
  rm -rf "$out/kernels"
  cp -R "$sources" "$out/kernels"
  sed -i -e "$program" "$out/kernels/$file"
  count=$((count + 1))
  if cmp -s "$sources/$file" "$out/kernels/$file"; then
    echo "$name: there is no longer a place for it in $file" >&2
    failures=$((failures + 1))
  elif passes "$out/kernels"; then
    echo "$name: NOT CAUGHT" >&2
    failures=$((failures + 1))
  else
    echo "$name: caught: $(tail -1 "$out/kernels/log" | cut -c1-150)"
  fi
done < "$out/bugs"
echo "$((count - failures)) of $count bugs caught"
[ "$failures" -eq 0 ]
