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
variants=0

# run_set FOLDER SET LABEL COMMAND…: runs it in both environments, output into FOLDER.
run_set() {
	local folder=$1 set=$2 label=$3 environment name status
	shift 3
	for environment in "" hostile; do
		name=$folder/$set-${environment:-ordinary}
		status=0
		"$@" "$set" $environment > "$name.output" || status=$?
		echo $status > "$name.status"
		echo "$label, $set${environment:+, $environment environment}" > "$name.label"
		echo "$name" >> "$folder/runs"
	done
}

# build_and_run FOLDER LABEL SETS RUNNER COMPILER FLAGS…: builds, then runs every set.
build_and_run() {
	local folder=$1 label=$2 sets=$3 runner=$4 compiler=$5 set
	shift 5
	if ! command -v "$compiler" > "$folder/which"; then
		echo "skipped    $label (no $compiler)" > "$folder/verdict"
	elif ! "$compiler" "${flags[@]}" "${sources[@]}" "$@" -lm -o "$folder/program" 2> "$folder/log"; then
		cat "$folder/log" > "$folder/verdict"
		echo "FAILED     $label (does not compile)" >> "$folder/verdict"
	else
		for set in $sets; do
			run_set "$folder" "$set" "$label" $runner "$folder/program"
		done
		echo "ran        $label" > "$folder/verdict"
	fi
}

# variant LABEL SETS RUNNER COMPILER FLAGS…: starts it, as many side by side as there are processors.
variant() {
	local folder=$work/$variants
	variants=$((variants + 1))
	mkdir "$folder"
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	build_and_run "$folder" "$@" &
}

# compare NAME: one run's output with the first output of all.
compare() {
	local label status
	label=$(cat "$1.label")
	status=$(cat "$1.status")
	if [ "$status" = 3 ]; then
		echo "skipped    $label (not on this machine)"
		return
	elif [ "$status" != 0 ]; then
		echo "FAILED     $label (exit status $status)"
		failed=1
		return
	fi
	if [ ! -e "$work/expected" ]; then
		mv "$1.output" "$work/expected"
		echo "reference  $label ($(stat -c %s "$work/expected") bytes)"
	elif cmp -s "$1.output" "$work/expected"; then
		echo "same       $label"
	else
		echo "DIFFERENT  $label"
		failed=1
	fi
	count=$((count + 1))
}

# compare_all: every variant in the order in which they were named.
compare_all() {
	local number name verdict
	for ((number = 0; number < variants; number++)); do
		if [ ! -e "$work/$number/verdict" ]; then
			echo "FAILED     variant $number (ended before its last run)"
			failed=1
			continue
		fi
		verdict=$(cat "$work/$number/verdict")
		case $verdict in
			ran*)
				while read -r name; do
					compare "$name"
				done < "$work/$number/runs"
				;;
			skipped*) echo "$verdict" ;;
			*)
				echo "$verdict"
				failed=1
				;;
		esac
	done
}

all="portable avx2 avxvnni avx512 avx512vnni neon"
cc=${CC:-gcc}
clang=${CLANG:-clang}

# The two slowest first, so that neither runs alone at the end.
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
variant "$cc -O0" "$all" "" "$cc" -O0
variant "$cc -O2" "$all" "" "$cc" -O2
variant "$cc -O3" "$all" "" "$cc" -O3
variant "$cc -O3 -march=native" "$all" "" "$cc" -O3 -march=native
variant "$clang -O2" "$all" "" "$clang" -O2
variant "$clang -O3 -march=native" "$all" "" "$clang" -O3 -march=native

wait
compare_all
if [ $failed != 0 ]; then
	echo "FAILED"
	exit 1
fi
echo "ok: $count outputs, all the same"
