#!/bin/sh
# From the example documents to a leaderboard, offline, in a minute: what `make demo` runs. Each
# command is printed before it runs, so that it can be copied; everything lands in build/demo.
#
#   demo.sh [--model FILE.gguf] [--out DIR] [--program FILE]
#
# Without --model the engine runs a small file of the SlimLM form with seeded random weights, which
# shows the path and the speed, not quality; its row in the leaderboard says so.
set -eu

cd "$(dirname "$0")/.."
program=build/docassist
out=build/demo
model=

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
[ -z "$model" ] || [ -r "$model" ] || { echo "demo: cannot read model '$model'" >&2; exit 1; }

now() { perl -MTime::HiRes=time -e 'printf "%.2f\n", time'; }
since() { perl -MTime::HiRes=time -e 'printf "%.1f s\n", time - $ARGV[0]' "$1"; }

title() { printf '\n%s\n' "$*"; }

# run STATUSES ARGUMENTS...   Prints and runs a command of docassist; its exit status must be one
# of STATUSES (3: some records failed, which a demonstration on real files may well have).
run()
{
    allowed=$1
    shift
    printf '  $ %s %s\n' "$program" "$*"
    began=$(now)
    code=0
    "$program" "$@" >"$out/stdout" 2>"$out/stderr" || code=$?
    sed 's/^/    /' "$out/stdout" "$out/stderr"
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

title "Three systems answer: two baselines and a model run by the engine"
run 0 generate --baseline lead3 "$test_set" -o "$out/lead3.jsonl"
run 0 generate --baseline extractive "$test_set" -o "$out/extractive.jsonl"
if [ -z "$model" ]; then
    model=$out/slimlm-random.gguf
    run 0 model random --shape slimlm-125m --seed 1 -o "$model"
fi
run 0 generate -m "$model" "$test_set" -o "$out/model.jsonl"

title "Scores with confidence intervals"
for name in lead3 extractive model; do
    run 0 eval "$test_set" "$out/$name.jsonl" -o "$out/$name.json"
done

title "The leaderboard"
run 0 leaderboard "$out/lead3.json" "$out/extractive.json" "$out/model.json" \
    --published slimlm -o "$out/leaderboard.html"
echo
"$program" leaderboard "$out/lead3.json" "$out/extractive.json" "$out/model.json" --format md
printf '\nThe same as a page: %s (%s in all)\n' "$out/leaderboard.html" "$(since "$start")"
