#!/bin/bash
#
# The same bits from every compiler, optimization, instruction set and
# floating-point environment.
#
#   test/parity/same_bits.sh          (from anywhere; CC and CLANG may be set)
#
# Builds test/parity/same_bits.c with the core several times, runs each with
# every set of kernels in an ordinary and in a hostile environment, and compares
# the output byte by byte.  One build links a software fmaf of ours; where
# aarch64-linux-gnu-gcc and qemu-aarch64 are there, that machine takes part.
set -euo pipefail
cd "$(dirname "$0")/../.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

sources=(test/parity/same_bits.c)
for name in attention attention_int8 canonical_json config encoder fpenv gemm gemm_int8 \
	int8_portable int8_avx2 int8_avx_vnni int8_avx512 int8_avx512_vnni kernels kernels_portable \
	kernels_avx2 kernels_avx512 kernels_neon linear pooler pooling quantize status table widen; do
	if [ -f "src/core/$name.c" ]; then
		sources+=("src/core/$name.c")
	fi
done
flags=(-std=c11 -D_GNU_SOURCE -Isrc -Isrc/core -Itest/unit -ffp-contract=off -fno-fast-math -fno-lto)
failed=0
count=0

# compare LABEL COMMAND…: runs it, compares with the first output of all.
compare() {
	local label=$1 status=0
	shift
	"$@" > "$work/output" || status=$?
	if [ $status = 3 ]; then
		echo "skipped    $label (not on this machine)"
		return
	elif [ $status != 0 ]; then
		echo "FAILED     $label (exit status $status)"
		failed=1
		return
	fi
	if [ ! -e "$work/expected" ]; then
		mv "$work/output" "$work/expected"
		echo "reference  $label ($(stat -c %s "$work/expected") bytes)"
	elif cmp -s "$work/output" "$work/expected"; then
		echo "same       $label"
	else
		echo "DIFFERENT  $label"
		failed=1
	fi
	count=$((count + 1))
}

# variant LABEL SETS RUNNER COMPILER FLAGS…: builds, then runs every set in both environments.
variant() {
	local label=$1 sets=$2 runner=$3 compiler=$4
	shift 4
	if ! command -v "$compiler" > "$work/which"; then
		echo "skipped    $label (no $compiler)"
		return
	fi
	if ! "$compiler" "${flags[@]}" "${sources[@]}" "$@" -lm -o "$work/program" 2> "$work/log"; then
		cat "$work/log"
		echo "FAILED     $label (does not compile)"
		failed=1
		return
	fi
	for set in $sets; do
		compare "$label, $set" $runner "$work/program" "$set"
		compare "$label, $set, hostile environment" $runner "$work/program" "$set" hostile
	done
}

all="portable avx2 avxvnni avx512 avx512vnni neon"
cc=${CC:-gcc}
clang=${CLANG:-clang}

variant "$cc -O0" "$all" "" "$cc" -O0
variant "$cc -O2" "$all" "" "$cc" -O2
variant "$cc -O3" "$all" "" "$cc" -O3
variant "$cc -O3 -march=native" "$all" "" "$cc" -O3 -march=native
variant "$clang -O2" "$all" "" "$clang" -O2
variant "$clang -O3 -march=native" "$all" "" "$clang" -O3 -march=native
if [ "$(uname -m)" = x86_64 ]; then
	variant "$cc -O2 -mno-fma, software fmaf" "$all" "" "$cc" -O2 -mno-fma -fno-builtin-fmaf test/parity/exact_fmaf.c
fi
if command -v qemu-aarch64 > "$work/which" && aarch64-linux-gnu-gcc -x c -o "$work/probe" -static - \
	<<< '#include <math.h>
int main(void) { return 0; }' 2> "$work/log"; then
	variant "aarch64 -O2" "portable neon" qemu-aarch64 aarch64-linux-gnu-gcc -O2 -static
else
	echo "skipped    aarch64 (no compiler with C library, or no qemu-aarch64)"
fi

if [ $failed != 0 ]; then
	echo "FAILED"
	exit 1
fi
echo "ok: $count outputs, all the same"
