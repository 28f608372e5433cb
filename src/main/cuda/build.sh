#!/bin/sh
# Compiles the kernels to the PTX that the program carries, one module for each divergence and
# target, assembles each for the chips it may meet, and prints registers, spills and sizes.
#
# Modules for compute_80 have the kernels that put a row on one block, those for compute_90 the one
# that puts it on a cluster: a chip with clusters loads both.
#
#   build.sh            writes src/main/resources/dev/clipkl/engine/cuda/*.ptx
#   build.sh --check    fails when the committed PTX isn't what the sources give
#
# Needs nvcc of CUDA 13.0: another version gives other PTX. NVCC and PTXAS name others.
set -eu
export LC_ALL=C
here=$(CDPATH= cd -- "$(dirname -- "$0")" && pwd)
resources=$here/../resources/dev/clipkl/engine/cuda
check=false
case "${1-}" in
  "") ;;
  --check) check=true ;;
  *) echo "usage: build.sh [--check]" >&2; exit 2 ;;
esac

find_tool() { # name
  if command -v "$1" >/dev/null 2>&1; then command -v "$1"; return; fi
  for folder in "${CUDA_HOME:-/usr/local/cuda}/bin" /usr/local/cuda-13.0/bin; do
    if [ -x "$folder/$1" ]; then echo "$folder/$1"; return; fi
  done
  echo "build.sh: no $1; install CUDA 13.0's compiler or name it in CUDA_HOME" >&2
  exit 3
}
nvcc=${NVCC:-$(find_tool nvcc)}
ptxas=${PTXAS:-$(find_tool ptxas)}
expected="release 13.0"
if ! "$nvcc" --version | grep -q "$expected"; then
  echo "build.sh: the PTX is that of nvcc $expected, got: $("$nvcc" --version | grep release)" >&2
  exit 3
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# used_bytes_mask is a hint that older versions do not know.
#
# The oldest version of the PTX language that has what the code uses, so that old drivers take it.
version_of() { [ "$1" = 80 ] && echo 7.0 || echo 7.8; }
chips_of() { [ "$1" = 80 ] && echo "80 90 100" || echo "90 100"; }

compile() { # name target
  file=$(echo "$1" | tr _ -).sm_$2.ptx
  kernels=CLIPKL_BLOCKS
  [ "$2" = 80 ] || kernels=CLIPKL_CLUSTERS
  # In its own folder, so that no path gets into the PTX.
  (cd "$here" && "$nvcc" -ptx -std=c++17 --expt-relaxed-constexpr -fmad=false \
    "-arch=compute_$2" "-D$kernels" "-DCLIPKL_DIVERGENCE=\"divergence/$1.cuh\"" kernels.cu \
    -o "$work/$file.raw")
  {
    echo "// clipkl $(echo "$1" | tr _ -) sm_$2"
    sed -e "s/^\.version .*/.version $(version_of "$2")/" -e 's://.*$::' \
      -e 's/^[[:space:]]*//' -e 's/[[:space:]]*$//' -e '/^\.pragma "used_bytes_mask/d' -e '/^$/d' "$work/$file.raw"
  } > "$work/$file"
}

report() { # name target
  file=$(echo "$1" | tr _ -).sm_$2.ptx
  for chip in $(chips_of "$2"); do
    "$ptxas" -v "-arch=sm_$chip" "$work/$file" -o /dev/null > "$work/ptxas" 2>&1 || {
      cat "$work/ptxas" >&2
      exit 1
    }
    awk -v file="$(echo "$1" | tr _ -)" -v target="$2" -v chip="$chip" -v bytes="$(wc -c < "$work/$file")" '
      /Function properties for/ { name = $NF; kernel = name !~ /^_Z/ }
      /bytes stack frame/ { if (kernel) { stack = $1 }; spills += $5 + $9 }
      /Used .* registers/ {
        printf "%-11s sm_%-3s sm_%-4s %-17s %9s %7s %7s %8s\n",
            file, target, chip, name, $5, stack, spills, bytes
        spills = 0
      }' "$work/ptxas"
  done
}

names="reverse_kl forward_kl js alpha chi2 hellinger2"
printf '%-11s %-6s %-7s %-17s %9s %7s %7s %8s\n' \
  module target chip kernel registers stack spills PTX
changed=
for target in 80 90; do
  for name in $names; do
    compile "$name" "$target"
    report "$name" "$target"
    file=$(echo "$name" | tr _ -).sm_$target.ptx
    if $check; then
      cmp -s "$work/$file" "$resources/$file" || changed="$changed $file"
    else
      mkdir -p "$resources"
      cp "$work/$file" "$resources/$file"
    fi
  done
done
# By this a test without nvcc sees that the sources have changed since.
(cd "$here" && find . -type f | sort | xargs sha256sum) | sha256sum | cut -c1-64 > "$work/sources.sha256"
if $check; then
  cmp -s "$work/sources.sha256" "$resources/sources.sha256" || changed="$changed sources.sha256"
else
  cp "$work/sources.sha256" "$resources/sources.sha256"
fi
if [ -n "$changed" ]; then
  echo "build.sh: not what the sources give:$changed; run src/main/cuda/build.sh" >&2
  exit 1
fi
