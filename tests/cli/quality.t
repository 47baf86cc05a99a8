#!/bin/sh
# What 4-bit weights cost once they are 4 bits: 8-bit activations and 8-bit keys and values against the
# same weights decoded to F32 with keys and values in F32. The text is the model's own, drawn from its
# distribution, so that its perplexity is what the model is sure of.
. "$(dirname "$0")/lib.sh"

# quality NAME MODEL.gguf TEXT PERCENT KL   MODEL becomes q4_0; its perplexity on TEXT may be PERCENT
# higher, its predictions KL nats away.
quality()
{
    docassist model import "$2" --type q4_0 -o q4.gguf 2>/dev/null
    docassist model import q4.gguf --type f32 -o q4-f32.gguf 2>/dev/null
    run docassist perplexity -m q4.gguf --kv q8 --kl-base q4-f32.gguf --json "$3"
    is_exit 0
    got=$(json perplexity) base=$(json base_perplexity) kl=$(json kl)
    diag "$1: $(json tokens) tokens, perplexity $got, of the exact numbers $base, KL $kl, at most" \
        "$(json kl_max)"
    ok "$1: perplexity within $4 %" awk "BEGIN { exit !($got <= $base * (1 + $4 / 100)) }"
    ok "$1: KL under $5" awk "BEGIN { exit !($kl < $5) }"
}

# drawn MODEL PROMPT N   N texts of 240 tokens.
drawn()
{
    i=0
    while [ $((i += 1)) -le "$3" ]; do
        printf '%s' "$2"
        docassist generate -m "$1" --prompt "$2" --max-new-tokens 240 --temperature 1 --seed "$i" \
            2>/dev/null
        printf '\n'
    done
}

if model=$(shared models/stories260K/stories260K-f32.gguf); then
    drawn "$model" "Once upon a time" 16 >text
    quality stories260K "$model" text 0.5 0.001
else
    skip "no shared/models" "stories260K"
fi

docassist model random --shape tiny-llama --seed 5 --type f32 -o random.gguf
drawn random.gguf "The" 8 >text
quality "random weights" random.gguf text 0.5 0.001

done_testing
