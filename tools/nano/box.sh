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
# A prompt and its answer, as the model was trained to write them: the circuits need <document>.
made=$(mktemp -d)
docassist=build/docassist
$docassist ingest -q examples/docs -o "$made/docs.jsonl" --errors "$made/errors.jsonl"
$docassist annotate -q "$made/docs.jsonl" --backend written \
    --written examples/reference/written.jsonl -o "$made/written.jsonl"
$docassist export -q "$made/written.jsonl" --split 0/0/100 -o "$made/data"
text=tools/nano/results/prompt.txt
perl -MJSON::PP -ne 'my $e = decode_json($_); next if $e->{id} ne "51b62d7810e15873/summ";
    my @m = @{$e->{messages}}; my $t = "$m[0]{content}\n\n $m[1]{content}$m[2]{content}\n";
    utf8::encode($t); print $t' "$made/data/test.jsonl" >$text
rm -r "$made"
{
    echo "# What PyTorch says (reference.py): text, weights, perplexity, tokens."
    for weights in "$dir/slimlm-nano" examples/nano/slimlm-nano-q4_0.gguf; do
        name=F32
        case $weights in *.gguf) name=decoded ;; esac
        "$python" "$here/reference.py" "$weights" --tokenizer "$dir/slimlm-nano/tokenizer.json" \
            $text | awk -v name=$name '{ sub(/,$/, "", $3); print $1, name, $2, $3, $4 }'
    done
} >"$results/reference.txt"
# The card's tables stand between two marks.
perl -0pi -e 'BEGIN { local $/; open my $f, "<", shift or die; $new = <$f> }
    s/(<!-- scores -->\n).*?(<!-- end of scores -->)/$1\n$new\n$2/s' \
    "$results/scores.md" examples/nano/README.md
