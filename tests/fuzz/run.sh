#!/bin/sh
# Looks for new failing inputs with libFuzzer, each target for a number of seconds, starting from
# its corpus. New inputs are kept in build/fuzz/NAME; one that fails is left in
# build/fuzz/crash-NAME-* and belongs, made small, into tests/fuzz/corpus/fuzz_NAME with the fix.
#
#   run.sh SECONDS [NAME...]    FUZZ_TIMEOUT: seconds an input may take (10)
set -eu

cd "$(dirname "$0")/../.."
seconds=${1:-60}
[ $# -eq 0 ] || shift
command -v clang >/dev/null || { echo "fuzz: clang with libFuzzer is needed" >&2; exit 1; }
[ $# -gt 0 ] || set -- $(ls tests/fuzz/fuzz_*.c 2>/dev/null | sed 's|.*/fuzz_||; s|\.c$||')
[ $# -gt 0 ] || { echo "fuzz: no targets in tests/fuzz" >&2; exit 1; }

san=fuzzer-no-link,address,undefined
out=build/san-$(echo "$san" | tr , -)
failed=
for name in "$@"; do
    make --no-print-directory CC=clang CXX=clang++ SAN="$san" "$out/tests/fuzz/fuzz_$name"
    mkdir -p "build/fuzz/$name"
    echo "fuzz: $name, $seconds s"
    set -- "build/fuzz/$name"
    [ ! -d "tests/fuzz/corpus/fuzz_$name" ] || set -- "$@" "tests/fuzz/corpus/fuzz_$name"
    log=build/fuzz/$name.log
    "$out/tests/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout="${FUZZ_TIMEOUT:-10}" -rss_limit_mb=2048 \
        -artifact_prefix="build/fuzz/crash-$name-" "$@" >"$log" 2>&1 || {
        tail -n 40 "$log" >&2
        failed="$failed $name"
    }
    sed -n 's/^Done \([0-9]*\) runs in \([0-9]*\) second.*/fuzz: \1 inputs tried in \2 s/p' "$log"
done
[ -z "$failed" ] || { echo "fuzz: failing inputs for:$failed (build/fuzz/crash-*)" >&2; exit 1; }
