#!/bin/sh
# The benchmarks that need nothing but the build; see README.md for the others.
set -eu
cd "$(dirname "$0")/.."
tmp=$(mktemp -d "${TMPDIR:-/tmp}/docassist-bench.XXXXXX")
trap 'rm -rf "$tmp"' EXIT

printf '== engine: SlimLM-125M shape, random weights, Q4_0\n'
build/docassist model random --shape slimlm-125m --type q4_0 -o "$tmp/model.gguf"
build/docassist bench -m "$tmp/model.gguf" "$@"

printf '\n== engine: SlimLM-nano, the trained model of examples/nano, Q4_0\n'
build/docassist bench -m examples/nano/slimlm-nano-q4_0.gguf "$@"

printf '\n== dedup: 100,000 documents\n'
make -s build/release/tests/tools/makedocs
sh bench/dedup/run.sh 100000
