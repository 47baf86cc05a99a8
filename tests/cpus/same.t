#!/bin/sh
# The same bytes on x86-64 and on AArch64: imported models, tokens, log-probabilities, predictions.
#
#   DOCASSIST_BUILD  the build of this machine, as in tests/cli
#   DOCASSIST_ARM    the command that runs docassist on (emulated) AArch64
#   DOCASSIST_CPUS   its variants of the kernels; every one must be there
. "$(dirname "$0")/../cli/lib.sh"

[ -n "${DOCASSIST_ARM:-}" ] || { skip "run by make check-cpus" "all of it"; done_testing; exit; }
arm() { $DOCASSIST_ARM "$@" </dev/null; }

# --- every family: import, then tokens and log-probabilities -----------------------------
ids=3,17,9,44,2,51,8,8,30,12,5,61,7,40,19,33,26,1,58,21
for folder in "$repo"/tests/golden/engine/*/; do
    family=$(basename "$folder")
    [ -e "$folder/config.json" ] || continue
    models= answers=
    for type in f32 q8_0 q4_0; do
        docassist model import -q --no-tokenizer --type $type "$folder" -o here.gguf 2>here.log
        arm model import -q --no-tokenizer --type $type "$folder" -o there.gguf 2>there.log
        cmp here.gguf there.gguf >>differ 2>&1 || models="$models $type"
        docassist generate -m here.gguf --ids $ids --max-new-tokens 10 --logprobs 20 >here 2>here.log
        [ -s here ] || answers="$answers $type: $(cat here.log)"
        for cpu in $DOCASSIST_CPUS; do
            DOCASSIST_CPU=$cpu arm generate -m here.gguf --ids $ids --max-new-tokens 10 \
                --logprobs 20 >there 2>there.log
            cmp here there >>differ 2>&1 || answers="$answers $type/$cpu $(cat there.log)"
        done
    done
    is "$models" "" "$family: f32, q8_0 and q4_0 files are the same"
    is "$answers" "" "$family: 10 tokens and their log-probabilities are the same ($DOCASSIST_CPUS)"
done

# --- requests that share documents, in different ways of computing them --------------------
perl -e '
    my @task = (["summ", "summarization"], ["qs", "question_suggestion"], ["qa", "question_answering"]);
    for my $d (1 .. 14) {
        my $text = join " ", map { "Lily saw a ball of size $_ in part $d." } 1 .. 1 + $d * 5 % 12;
        for my $t (@task) {
            printf "{\"schema\":\"docassist.example/1\",\"id\":\"%016x/%s\",\"doc_id\":\"%016x\"," .
                "\"task\":\"%s\",\"document\":\"%s\",\"request\":\"Do it.\",\"response\":\"r\"," .
                "\"messages\":[{\"role\":\"user\",\"content\":\"u\"}],\"split\":\"test\"}\n",
                $d, $t->[0], $d, $t->[1], $text;
        }
    }' >examples.jsonl
docassist model random --shape tiny --seed 3 -o tiny.gguf 2>/dev/null
arm model random --shape tiny --seed 3 -o there.gguf 2>/dev/null
same_file there.gguf tiny.gguf "model random writes the same file"
models=tiny.gguf
if stories=$(shared models/stories260K/stories260K-f32.gguf); then
    for type in f32 q8_0; do
        docassist model import -q --type $type "$stories" -o stories-$type.gguf 2>/dev/null
        models="$models stories-$type.gguf"
    done
    for seed in 1 2; do
        set -- -m stories-f32.gguf --prompt "Once upon a time" --max-new-tokens 60 --seed $seed \
            --temperature 0.8 --top-p 0.9 --logprobs 3
        docassist generate "$@" >here 2>/dev/null
        arm generate "$@" >there 2>/dev/null
        same_file there here "stories260K: the same draws and log-probabilities, seed $seed"
    done
else
    skip "no shared/models" "stories260K"
fi

for model in $models; do
    docassist generate -q -m "$model" examples.jsonl -o here.jsonl --max-new-tokens 16 \
        --logprobs 4 --threads 2 2>here.log
    is "$(wc -l <here.jsonl)" 42 "$model: 42 requests"
    for cpu in $DOCASSIST_CPUS; do
        different=
        for way in "--threads 1 --parallel 1 --no-prefix-cache" "--threads 2 --parallel 5 --batch 37" \
            "--threads 4 --batch 11"; do
            rm -f there.jsonl*
            # shellcheck disable=SC2086  # a list of options
            DOCASSIST_CPU=$cpu arm generate -q -m "$model" examples.jsonl -o there.jsonl \
                --max-new-tokens 16 --logprobs 4 $way 2>there.log
            cmp here.jsonl there.jsonl >>differ 2>&1 || different="$different ($way)"
        done
        is "$different" "" "$model, $cpu: answers and log-probabilities are the same in 3 ways"
    done
done
done_testing
