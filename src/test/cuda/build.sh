#!/bin/sh
# Compiles the kernels as host code into OUT_DIR/libcuda.so.1, a CUDA driver without a GPU.
# KERNELS names another folder of kernel sources.
set -eu
[ $# -eq 1 ] || { echo "usage: build.sh OUT_DIR" >&2; exit 2; }
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
kernels=${KERNELS:-$here/../../main/cuda}
mkdir -p "$1"
out=$(CDPATH= cd -- "$1" && pwd)
cxx=${CXX:-g++}

# fmaf must be one instruction: the function call costs ten times as much.
machine=
if [ "$(uname -m)" = x86_64 ] && grep -q ' fma ' /proc/cpuinfo && grep -q ' avx2 ' /proc/cpuinfo; then
  machine=-march=x86-64-v3
fi
flags="-std=c++17 -O2 -Wall -Wextra -Wno-unknown-pragmas -Wno-unused-parameter -Wno-sign-compare"
flags="$flags -fPIC -fvisibility=hidden -ffp-contract=off $machine -I$kernels -I$here"

objects=
compile() { # object source flags...
  object=$out/$1.o
  source=$2
  shift 2
  objects="$objects $object"
  # shellcheck disable=SC2086
  "$cxx" $flags "$@" -c "$here/$source" -o "$object" &
}

# Two at a time.
count=0
for name in fibers fake_device fake_driver fake_transfer fake_launch fake_memory fake_streams \
    fake_layout host_modules; do
  compile "$name" "$name.cpp"
  count=$((count + 1))
  [ $((count % 2)) -ne 0 ] || wait
done
wait
for name in ${DIVERGENCES:-reverse_kl forward_kl js alpha chi2 hellinger2}; do
  compile "$name" host_module.cpp -DCLIPKL_HOST "-Dclipkl=clipkl_$name" "-DMODULE=module_$name" \
    "-DCLIPKL_DIVERGENCE=\"divergence/$name.cuh\""
  count=$((count + 1))
  [ $((count % 2)) -ne 0 ] || wait
done
wait
# shellcheck disable=SC2086
"$cxx" -shared -Wl,-soname,libcuda.so.1 -Wl,--no-undefined $objects -o "$out/libcuda.so.1"
rm -f $objects
