#!/bin/sh
# SlimLM-nano, the trained model in the box: real weights for what random ones cannot show, that
# quantization keeps a perplexity, that drafts guess, that answers are in form. Perplexities were
# computed by PyTorch (tools/nano/reference.py), of the weights before quantization and of those
# in the file; tools/nano/box.sh wrote them down.
. "$(dirname "$0")/lib.sh"

model=$repo/examples/nano/slimlm-nano-q4_0.gguf

ok "the model is at most 16 MB" test "$(wc -c <"$model")" -le 16000000
run docassist model verify "$model"
is_exit 0 "... and without a fault"
run docassist model show --json "$model"
is "$(json family) $(json context)" "slimlm 1024" "... of SlimLM's form"

sh "$repo/tools/nano/written.sh" .

# The perplexity of F32 or decoded weights, as PyTorch has it.
torch()
{
    awk -v name="$1" '$2 == name { print $4 }' "$repo/tools/nano/results/reference.txt"
}

near() # NAME GOT WANTED SHARE
{
    tap_last="$1: $2, $3"
    ok "$1" awk "BEGIN { d = $2 / $3 - 1; exit !(d <= $4 && d >= -$4) }"
}

run docassist model import "$model" --type f32 -o decoded.gguf
is_exit 0 "decoded to F32"
run docassist perplexity --json -m decoded.gguf --kv f32 --separator "== next ==" prompts.txt
near "the decoded weights have PyTorch's perplexity" "$(json perplexity)" "$(torch decoded)" 0.0001
run docassist perplexity --json -m "$model" --kl-base decoded.gguf \
    --separator "== next ==" prompts.txt
near "4 bits, 8-bit activations and keys are within 2 % of the weights before quantization" \
    "$(json perplexity)" "$(torch F32)" 0.02
# Scores of this model's heads reach hundreds of nats, so that 8 bits move single tokens more than usual.
ok "... and not far from what the decoded weights predict" awk "BEGIN { exit !($(json kl) < 0.1) }"
ok "... with the same best token in most places" awk "BEGIN { exit !($(json same_top) > 0.88) }"

run docassist generate -m "$model" --limit 24 data/test.jsonl -o a.jsonl
is_exit 0 "answers to 24 examples"
run docassist generate -m "$model" --limit 24 --draft none --parallel 1 --no-prefix-cache \
    --threads 1 data/test.jsonl -o b.jsonl
same_file a.jsonl b.jsonl "drafts, batches and a shared prefix change no answer"
head -n 24 data/test.jsonl >some.jsonl
run docassist eval -q some.jsonl a.jsonl -o scores.jsonl
ok "most hand-written requests are understood" awk "BEGIN { exit !($(json intent.accuracy scores.jsonl) >= 0.8) }"
ok "... and words are copied, as the model was taught" \
    awk "BEGIN { exit !($(json tasks.summarization.copy.value scores.jsonl) > 0.5) }"

run docassist bench -m "$model" --documents 3 --new-tokens 8 --reps 1 --json
is_exit 0 "its speed is measured"
done_testing
