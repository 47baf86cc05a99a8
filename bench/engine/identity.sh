#!/bin/sh
# Bit identity at full size: predictions of a model, made in many ways, are the same file. The model
# is MODEL.gguf, or one of the SmolLM-135M shape with random weights. The way that others must
# equal: plain C, one thread, one request at a time, every
# prompt whole, no guesses. tests/unit/test_engine_identity.c does this on tiny models.
#
#   identity.sh EXAMPLES.jsonl [LIMIT [MODEL.gguf]]
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
program=$repo/build/docassist
examples=$1 limit=${2:-3}
tmp=$(mktemp -d "${TMPDIR:-/tmp}/docassist-identity.XXXXXX")
trap 'rm -rf "$tmp"' EXIT
model=${3:-$tmp/model.gguf}
[ -n "${3:-}" ] || "$program" model random --shape smollm-135m --type q4_0 -o "$model"

way() # CPU OUT OPTION...
{
    cpu=$1 out=$2
    shift 2
    DOCASSIST_CPU=$cpu "$program" generate -q -m "$model" "$examples" -o "$tmp/$out" \
        --limit "$limit" --max-new-tokens 24 --logprobs 3 "$@"
}

way ref want.jsonl --threads 1 --parallel 1 --no-prefix-cache --draft none
bad=0 n=0
for cpu in ref avx2 avx512; do
    for threads in 1 2 4; do
        for more in "--draft lookup" "--draft none --no-prefix-cache" "--batch 37 --parallel 2"; do
            # shellcheck disable=SC2086
            if ! way $cpu got.jsonl --restart --threads $threads $more 2>"$tmp/err"; then
                grep -q 'does not run here' "$tmp/err" && continue
                cat "$tmp/err" >&2
                exit 1
            fi
            n=$((n + 1))
            cmp "$tmp/want.jsonl" "$tmp/got.jsonl" || bad=$((bad + 1))
            [ "$cpu" = ref ] && break 2 # plain C is slow
        done
    done
done
echo "$n ways, $bad different"
[ "$bad" -eq 0 ]
