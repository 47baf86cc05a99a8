#!/bin/sh
# The same bytes on x86-64 and on AArch64: imported models, tokens, log-probabilities, predictions.
#
#   DOCASSIST_BUILD    the build of this machine, as in tests/cli
#   DOCASSIST_ARM      the build for AArch64
#   DOCASSIST_EMULATE  the command that runs its programs
#   DOCASSIST_CPUS     its variants of the kernels; every one must be there
. "$(dirname "$0")/../cli/lib.sh"

[ -n "${DOCASSIST_ARM:-}" ] || { skip "run by make check-cpus" "all of it"; done_testing; exit; }
arm() { # PROGRAM ARGUMENTS...
    arm_program=$1
    shift
    $DOCASSIST_EMULATE "$DOCASSIST_ARM/$arm_program" "$@" </dev/null
}

# --- every family: files and logits ---------------------------------------------------------
for folder in "$repo"/tests/golden/engine/*/; do
    family=$(basename "$folder")
    [ -e "$folder/config.json" ] || continue
    files= logits=
    for type in f32:f32 f16:f16 q8_0:q8 q4_0:q8; do
        set -- --no-tokenizer --type ${type%:*} "$folder" -o
        docassist model import -q "$@" here.gguf 2>here.log || files="$files $(cat here.log)"
        arm docassist model import -q "$@" there.gguf 2>there.log
        cmp here.gguf there.gguf >>differ 2>&1 || files="$files ${type%:*} $(cat there.log)"
        "$build/tests/tools/logits" here.gguf ${type#*:} >here 2>here.log ||
            logits="$logits $(cat here.log)"
        arm tests/tools/logits here.gguf ${type#*:} >there 2>there.log
        cmp here there >>differ 2>&1 || logits="$logits ${type%:*} $(cat there.log)"
        [ "$(cat there.log)" = "ref $DOCASSIST_CPUS" ] || logits="$logits: $(cat there.log)"
    done
    is "$files" "" "$family: f32, f16, q8_0 and q4_0 files are the same"
    is "$logits" "" "$family: logits of 40 tokens are the same ($DOCASSIST_CPUS)"
done

# --- requests that share documents, in different ways of computing them --------------------
perl -e '
    my @task = (["summ", "summarization"], ["qs", "question_suggestion"], ["qa", "question_answering"]);
    for my $d (1 .. 6) {
        my $text = join " ", map { "Lily saw a ball of size $_ in part $d." } 1 .. 1 + $d * 5 % 6;
        for my $t (@task) {
            printf "{\"schema\":\"docassist.example/1\",\"id\":\"%016x/%s\",\"doc_id\":\"%016x\"," .
                "\"task\":\"%s\",\"document\":\"%s\",\"request\":\"Do it.\",\"response\":\"r\"," .
                "\"messages\":[{\"role\":\"user\",\"content\":\"u\"}],\"split\":\"test\"}\n",
                $d, $t->[0], $d, $t->[1], $text;
        }
    }' >examples.jsonl
docassist model random --shape tiny --seed 3 -o tiny.gguf 2>/dev/null
arm docassist model random --shape tiny --seed 3 -o there.gguf 2>/dev/null
same_file there.gguf tiny.gguf "model random writes the same file"
models=tiny.gguf
if stories=$(shared models/stories260K/stories260K-f32.gguf); then
    for type in f32 q8_0; do
        docassist model import -q --type $type "$stories" -o stories-$type.gguf 2>/dev/null
        models="$models stories-$type.gguf"
    done
    for seed in 1 2; do
        set -- -m stories-f32.gguf --prompt "Once upon a time" --max-new-tokens 30 --seed $seed \
            --temperature 0.8 --top-p 0.9 --logprobs 3
        docassist generate "$@" >here 2>/dev/null
        arm docassist generate "$@" >there 2>/dev/null
        same_file there here "stories260K: the same draws and log-probabilities, seed $seed"
    done
else
    skip "no shared/models" "stories260K"
fi

for model in $models; do
    docassist generate -q -m "$model" examples.jsonl -o here.jsonl --max-new-tokens 16 \
        --logprobs 4 --threads 2 2>here.log
    is "$(wc -l <here.jsonl)" 18 "$model: 18 requests"
    for way in "neon --threads 1 --parallel 1 --no-prefix-cache" \
        "neon_dot --threads 2 --parallel 5 --batch 37" "neon_i8mm --threads 4 --batch 11"; do
        rm -f there.jsonl*
        # shellcheck disable=SC2086  # a list of options
        DOCASSIST_CPU=${way%% *} arm docassist generate -q -m "$model" examples.jsonl \
            -o there.jsonl --max-new-tokens 16 --logprobs 4 ${way#* } 2>there.log
        same_file there.jsonl here.jsonl "$model: answers and log-probabilities by $way"
    done
done
done_testing
