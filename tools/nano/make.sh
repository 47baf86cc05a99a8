#!/bin/sh
# Makes SlimLM-nano again from nothing: corpus, tokenizer, data, training, files, scores.
#
#   make.sh [--smoke] [--minutes M] [--out DIR] [--packages DIR]
#
# Needs Debian's apt-get and dpkg-deb for the documents (or, in --packages, .deb files that are
# already there), `make build` done, and Python 3 with torch, numpy and tokenizers: NANO_PYTHON, by
# default an environment of its own in DIR/venv. Every stage leaves a file and is skipped when that
# is there, so that the same command goes on where it stopped. --smoke: a few packages, two minutes
# of training, to see that everything works; its model is of no use.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
repo=$(cd "$here/../.." && pwd)
out=$repo/build/nano
debs=
minutes=50
smoke=
while [ $# -gt 0 ]; do
    case $1 in
    --smoke) smoke=1 ;;
    --minutes) minutes=$2; shift ;;
    --out) out=$2; shift ;;
    --packages) debs=$2; shift ;;
    *) echo "usage: make.sh [--smoke] [--minutes M] [--out DIR] [--packages DIR]" >&2; exit 2 ;;
    esac
    shift
done
docassist=${DOCASSIST:-$repo/build/docassist}
[ -x "$docassist" ] || { echo "make.sh: no '$docassist': run 'make build' first" >&2; exit 1; }

# What the two sizes differ in.
if [ -n "$smoke" ]; then
    few='^(apt-doc|postfix-doc|git-doc|debian-faq)[[:space:]]'
    parts=1 short_parts=0 per_package=400 max_short=1200 max_long=0 minutes=2 batch=3000
    split=90/5/5 save=1
    [ "$out" = "$repo/build/nano" ] && out=$repo/build/nano-smoke
else
    few='^[a-z0-9]'
    parts=4 short_parts='1 2 3' per_package=2100 max_short=22000 max_long=2500 batch=4000
    split=96/2/2 save=4
fi
mkdir -p "$out"
cd "$out"
debs=${debs:-debs}

say() { printf '\n== %s (%s)\n' "$1" "$(date -u +%H:%M:%S)"; }
# May leave some records out, and says so (exit code 3).
some() { "$@" || [ $? = 3 ]; }

if [ -n "${NANO_PYTHON:-}" ]; then
    python=$NANO_PYTHON
else
    python=$out/venv/bin/python
    if [ ! -x "$python" ]; then
        say "an environment for Python"
        python3 -m venv venv
        "$python" -m pip install -q torch numpy tokenizers
    fi
fi

grep -E "$few" "$here/packages" >packages
if [ ! -e meta.jsonl ]; then
    say "documents: Debian packages of documentation"
    mkdir -p "$debs" unpacked
    for name in $(awk '{ print $1 }' packages); do
        ls "$debs/${name}"_*.deb >/dev/null 2>&1 || (cd "$debs" && apt-get download -q "$name")
        dpkg-deb -x "$debs/${name}"_*.deb "unpacked/$name"
    done
    rm -rf pages
    "$python" "$here/pages.py" packages unpacked pages meta.jsonl.part
    mv meta.jsonl.part meta.jsonl
fi

if [ ! -e tokenizer/tokenizer.json ]; then
    say "a tokenizer: 6,144 tokens, from a part of the documents"
    some "$docassist" ingest pages -q --meta meta.jsonl --shard "0/$parts" --max-tokens 1000 \
        --long segments --filter -o first.jsonl --errors first.errors.jsonl
    "$python" "$here/tokenizer.py" first.jsonl "$repo/prompts/slimlm/system.txt" \
        "$repo/prompts/annotate/summ_req.txt" "$repo/prompts/annotate/suggestion_req.txt" \
        -o tokenizer
fi

# Most documents are short, so that many fit into the time; a part is as long as the window takes.
if [ ! -e unique.jsonl ]; then
    say "records: cut to the model's window, near copies dropped"
    for part in $([ "$max_long" = 0 ] || echo 0) $short_parts; do
        length=256
        [ "$part" = 0 ] && [ "$max_long" != 0 ] && length=640
        some "$docassist" ingest pages -q --meta meta.jsonl --shard "$part/$parts" \
            --max-tokens $length --tokenizer tokenizer/tokenizer.json --long segments --filter \
            -o "part$part.jsonl" --errors "part$part.errors.jsonl"
    done
    "$docassist" dedup part?.jsonl --drop -o unique.jsonl
fi

if [ ! -e packed.npz ]; then
    say "chosen, annotated by the rules, and split"
    "$python" "$here/choose.py" unique.jsonl --max-tokens 256 --per-package $per_package \
        --max $max_short -o short.jsonl
    : >long.jsonl
    [ "$max_long" = 0 ] || "$python" "$here/choose.py" unique.jsonl --min-tokens 257 \
        --per-package 200 --max $max_long -o long.jsonl
    "$python" "$here/choose.py" short.jsonl long.jsonl -o chosen.jsonl
    "$python" "$here/choose.py" chosen.jsonl -o copy.jsonl --copy 1
    some "$docassist" annotate chosen.jsonl --backend extractive --errors errors.jsonl \
        -o annotations.jsonl
    some "$docassist" annotate copy.jsonl --backend extractive --errors errors.copy.jsonl \
        -o annotations.copy.jsonl
    "$docassist" export -q annotations.jsonl --split $split --decontaminate -o data
    "$docassist" export -q annotations.copy.jsonl --split $split -o data.copy
    "$python" "$here/pack.py" tokenizer/tokenizer.json "$repo/prompts/slimlm/system.txt" \
        data data.copy -o packed.npz
fi

if [ ! -e trained ]; then
    say "training, $minutes minutes"
    "$python" "$here/train.py" packed.npz tokenizer -o slimlm-nano --minutes "$minutes" \
        --batch $batch --save-every $save ${NANO_TRAIN:-}
    "$python" "$here/curves.py" slimlm-nano/log.jsonl -o curves.svg
    : >trained
fi

say "files and scores"
for type in f32 q8_0 q4_0; do
    "$docassist" model import slimlm-nano --type $type -o "slimlm-nano-$type.gguf"
done
sh "$here/score.sh" "$docassist" slimlm-nano data/test.jsonl scores
