#!/bin/sh
# From the example documents to a leaderboard, offline, in a minute: what `make demo` runs. Each
# command is printed before it runs, so that it can be copied; everything lands in build/demo.
#
#   demo.sh [--model FILE.gguf] [--out DIR] [--program FILE]
#
# Without --model the engine runs SlimLM-nano, the small trained model of examples/nano: a
# demonstration, whose row in the leaderboard stands where it stands.
set -eu

cd "$(dirname "$0")/.."
program=build/docassist
out=build/demo
model=examples/nano/slimlm-nano-q4_0.gguf

usage() { echo "usage: demo.sh [--model FILE.gguf] [--out DIR] [--program FILE]" >&2; exit 2; }
while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
    --model) model=$2 ;;
    --out) out=$2 ;;
    --program) program=$2 ;;
    *) usage ;;
    esac
    shift 2
done
[ -x "$program" ] || { echo "demo: no '$program' yet: run 'make build' first" >&2; exit 1; }
[ -r "$model" ] || { echo "demo: cannot read model '$model'" >&2; exit 1; }

now() { perl -MTime::HiRes=time -e 'printf "%.2f\n", time'; }
since() { perl -MTime::HiRes=time -e 'printf "%.1f s\n", time - $ARGV[0]' "$1"; }

title() { printf '\n%s\n' "$*"; }

# run STATUSES[>FILE] ARGUMENTS...   Prints and runs a command of docassist; its exit status must
# be one of STATUSES (3: some records failed, which a demonstration on real files may well have).
# Its stdout is shown, or goes to FILE.
run()
{
    allowed=${1%%>*}
    file=${1#"$allowed"}
    shift
    printf '  $ %s %s\n' "$program" "$*${file:+ $file}"
    began=$(now)
    code=0
    "$program" "$@" >"$out/stdout" 2>"$out/stderr" || code=$?
    if [ -n "$file" ]; then mv "$out/stdout" "${file#>}"; else sed 's/^/    /' "$out/stdout"; fi
    sed 's/^/    /' "$out/stderr"
    case " $allowed " in
    *" $code "*) printf '    done in %s\n' "$(since "$began")" ;;
    *)
        echo "demo: docassist $1 ended with exit code $code" >&2
        exit 1
        ;;
    esac
}

rm -rf "$out"
mkdir -p "$out"
start=$(now)
echo "docassist demo: the documents of examples/docs on their way to a leaderboard"

title "Documents into records: extract, clean, cut to 1,000 tokens"
run "0 3" ingest examples/docs -o "$out/docs.jsonl" --errors "$out/errors.jsonl"

title "Near copies: keep one of each cluster"
run 0 dedup "$out/docs.jsonl" --drop -o "$out/unique.jsonl"

title "The three tasks for each document, here written by hand"
run 0 annotate "$out/unique.jsonl" --backend written --written examples/reference/written.jsonl \
    -o "$out/annotations.jsonl"

title "Examples in the model's own format, all of them for testing"
run 0 export "$out/annotations.jsonl" --split 0/0/100 -o "$out/data"
test_set=$out/data/test.jsonl

title "Four systems answer: three baselines and a model run by the engine"
run 0 generate --baseline lead3 "$test_set" -o "$out/lead3.jsonl"
run 0 generate --baseline textrank "$test_set" -o "$out/textrank.jsonl"
run 0 generate --baseline extractive "$test_set" -o "$out/extractive.jsonl"
run 0 generate -m "$model" "$test_set" -o "$out/model.jsonl"

title "Scores with confidence intervals"
run 0 eval "$test_set" "$out/lead3.jsonl" "$out/textrank.jsonl" "$out/extractive.jsonl" \
    "$out/model.jsonl" -o "$out/scores.jsonl"

title "How fast the model runs here (once a row, for speed)"
run "0>$out/bench.json" bench -m "$model" --reps 1 --new-tokens 32 --documents 0 --json

title "The leaderboard, as a page and as text"
run 0 leaderboard "$out/scores.jsonl" --bench "$out/bench.json" --published slimlm \
    -o "$out/leaderboard.html"
run 0 leaderboard "$out/scores.jsonl" --bench "$out/bench.json" -o "$out/leaderboard.md"
echo
awk '/^##/ { show = !/further measures$/ } show' "$out/leaderboard.md"
echo "More measures, the signatures and the published rows are in the page:"
echo "$out/leaderboard.html ($(since "$start") in all)"
