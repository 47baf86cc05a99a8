#!/bin/sh
# Metrics side by side with the tools they equal: speed, then agreement on random pairs.
#
#   run.sh [PROGRAM [PAIRS]]     PROGRAM: build/docassist; PAIRS of the comparison: 2000
#
# Needs python3.11 and, once, the network: the tools go into an environment below $TMPDIR.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
program=$(cd "$here/../.." && realpath "${1:-build/docassist}")
dir=${TMPDIR:-/tmp}/docassist-bench-metrics
mkdir -p "$dir"
if [ ! -x "$dir/venv/bin/python" ]; then
    command -v python3.11 >/dev/null || {
        echo "bench/metrics: skipped, there is no python3.11"
        exit 0
    }
    python3.11 -m venv "$dir/venv"
    "$dir/venv/bin/pip" -q install sacrebleu==2.6.0 rouge-score==0.1.2 'numpy<2' regex==2022.10.31 nltk==3.8
fi
[ -s "$dir/ref.txt" ] || "$dir/venv/bin/python" "$here/make_pairs.py" "$dir"
"$dir/venv/bin/python" "$here/compare.py" "$program" "$dir"
"$dir/venv/bin/python" "$here/differential.py" "$program" "${2:-2000}"
