#!/bin/sh
# dedup at scale: time and memory over generated documents (tests/tools/makedocs.c), a fifth of them
# near copies, and the share of copies found.
#
#   bench/dedup/run.sh [DOCUMENTS] [WORDS]      default: 1,000,000 documents of 200 words, 1.3 GB
#
# Measured: 1,000,000 documents, one thread of an AMD EPYC at 2.6 GHz shared with other work: 63 s
# of CPU time, 64 MB resident, 87 % of the copies found (a word in fifty replaced leaves a
# resemblance of about 0.8; the threshold is 0.7).
set -eu

cd "$(dirname "$0")/../.."
docs=${1:-1000000}
words=${2:-200}
make --no-print-directory build build/release/tests/tools/makedocs >/dev/null
dir=$(mktemp -d "${TMPDIR:-/tmp}/docassist-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
build/release/tests/tools/makedocs "$docs" 20 "$words" >"$dir/docs.jsonl"
echo "$docs documents of $words words, $(wc -c <"$dir/docs.jsonl") bytes"
# CPU time of the program alone.
perl -e '
    system(@ARGV) == 0 or die "dedup failed\n";
    my (undef, undef, $user, $system) = times;
    printf "%.1f s of CPU time\n", $user + $system;
' build/docassist dedup --threads 1 -v "$dir/docs.jsonl" -o "$dir/out.jsonl"
sed -n 's/.*"id":"\([0-9]*\)\(~[0-9]*\)*".*"cluster_id":"\([0-9]*\)\(~[0-9]*\)*".*/\1 \2 \3 \4/p' \
    "$dir/out.jsonl" | awk '
    $2 ~ /~/ { copies++; found += $3 == $1 && $4 == "" }
    END {
        printf "%d copies, %.1f %% in the cluster of their original\n", copies,
            100 * found / copies
    }'
