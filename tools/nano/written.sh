#!/bin/sh
# What people wrote about the example documents: DIR/data/test.jsonl, and every fourth of them, as
# the model was trained to write it, in DIR/prompts.txt. tests/cli/nano.t compares with what box.sh
# made of it.
#
#   written.sh DIR        DOCASSIST: the program (docassist)
set -eu
here=$(cd "$(dirname "$0")" && pwd)
examples=$here/../../examples
docassist=${DOCASSIST:-docassist}
"$docassist" ingest -q "$examples/docs" -o "$1/docs.jsonl" --errors "$1/errors.jsonl"
"$docassist" annotate -q "$1/docs.jsonl" --backend written \
    --written "$examples/reference/written.jsonl" -o "$1/written.jsonl"
"$docassist" export -q "$1/written.jsonl" --split 0/0/100 -o "$1/data"
perl "$here/prompts.pl" 4 "$1/data/test.jsonl" >"$1/prompts.txt"
