#!/bin/sh
# Puts what make.sh made into the repository: the file, its log, curves, scores and the figures that
# tests/cli/nano.t compares with.
#
#   box.sh DIR        DIR: the output folder of make.sh
set -eu
here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
dir=$(cd "$1" && pwd)
python=${NANO_PYTHON:-$dir/venv/bin/python}
results=$here/results
mkdir -p "$results" "$repo/examples/nano"
cp "$dir/slimlm-nano-q4_0.gguf" "$repo/examples/nano/"
cp "$dir/slimlm-nano/log.jsonl" "$results/log.jsonl"
cp "$dir/curves.svg" "$dir/scores/scores.md" "$results/"
cd "$repo"
# Prompts and answers, as the model was trained to write them: the circuits need <document>.
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
DOCASSIST=build/docassist sh "$here/written.sh" "$made"
{
    echo "# What PyTorch says (reference.py): text, weights, perplexity, tokens."
    for weights in "$dir/slimlm-nano" examples/nano/slimlm-nano-q4_0.gguf; do
        name=F32
        case $weights in *.gguf) name=decoded ;; esac
        "$python" "$here/reference.py" "$weights" --tokenizer "$dir/slimlm-nano/tokenizer.json" \
            --separator "== next ==" "$made/prompts.txt" >"$made/said"
        awk -v name=$name '{ sub(/,$/, "", $3); print "prompts", name, $2, $3, $4 }' "$made/said"
    done
} >"$results/reference.txt"
# The card's tables stand between two marks.
perl -0pi -e 'BEGIN { local $/; open my $f, "<", shift or die; $new = <$f> }
    s/(<!-- scores -->\n).*?(<!-- end of scores -->)/$1\n$new\n$2/s' \
    "$results/scores.md" examples/nano/README.md
