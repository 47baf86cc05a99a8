#!/bin/sh
# What 4-bit weights cost once they are 4 bits: 8-bit activations and 8-bit keys and values against the
# same weights decoded to F32 with keys and values in F32. The text is drawn from the latter's own
# distribution, so the difference of the logarithms of both perplexities estimates the KL divergence.
. "$(dirname "$0")/lib.sh"

# quality NAME MODEL.gguf PROMPT N PERCENT KL   MODEL becomes q4_0. On N texts of 240 tokens its
# perplexity may be PERCENT higher than that of the exact numbers, its predictions KL nats away.
quality()
{
    docassist model import "$2" --type q4_0 -o q4.gguf 2>/dev/null
    docassist model import q4.gguf --type f32 -o q4-f32.gguf 2>/dev/null
    i=0
    while [ $((i += 1)) -le "$4" ]; do
        printf '%s' "$3"
        docassist generate -m q4-f32.gguf --prompt "$3" --max-new-tokens 240 --temperature 1 \
            --seed "$i" 2>/dev/null
        printf '\n'
    done >text
    run docassist perplexity -m q4.gguf --kv q8 --kl-base q4-f32.gguf --json text
    is_exit 0
    got=$(json perplexity) base=$(json base_perplexity) kl=$(json kl)
    diag "$1: $(json tokens) tokens, perplexity $got, of the exact numbers $base, KL $kl, at most" \
        "$(json kl_max)"
    ok "$1: perplexity within $5 %" awk "BEGIN { exit !($got <= $base * (1 + $5 / 100)) }"
    ok "$1: KL under $6" awk "BEGIN { exit !($kl < $6) }"
}

if model=$(shared models/stories260K/stories260K-f32.gguf); then
    quality stories260K "$model" "Once upon a time" 16 0.5 0.005
else
    skip "no shared/models" "stories260K"
fi

docassist model random --shape tiny-llama --seed 5 --type f32 -o random.gguf
quality "random weights" random.gguf "The" 4 0.5 0.0001

done_testing
