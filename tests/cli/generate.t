#!/bin/sh
# docassist generate: raw prompts on a real trained model, examples on a random one, kills.
. "$(dirname "$0")/lib.sh"

# --- usage -------------------------------------------------------------------------
usage="Try 'docassist generate --help'."
run docassist generate -m x.gguf -o p.jsonl
is_exit 2
is_stderr "docassist generate: one file of examples is needed ('-' for standard input)
$usage"
run docassist generate -o p.jsonl e.jsonl
is_exit 2
is_stderr "docassist generate: one of -m MODEL and --baseline NAME is needed
$usage"
run docassist generate -m x.gguf --ids 1,b
is_exit 2
is_stderr "docassist generate: --ids '1,b': must be token ids, as in 1,2,3
$usage"
run docassist generate -m x.gguf --prompt a --ids 1
is_exit 2
run docassist generate -m nowhere.gguf --prompt a
is_exit 1
is_stderr "docassist: cannot open 'nowhere.gguf': No such file or directory"

# --- the real trained model ----------------------------------------------------------
if model=$(shared models/stories260K/stories260K-f32.gguf); then
    sed -n 's/^> \{0,1\}//p' "$(dirname "$model")/README.md" >story
    # The published text is 200 tokens: 4 of the prompt, 196 new ones.
    run docassist generate -m "$model" --prompt "Once upon a time" --max-new-tokens 196 \
        --temperature 0
    is_exit 0 "stories260K runs"
    { printf 'Once upon a time'; cat "$out"; } >got
    same_file got story "and tells the published story"
    run docassist generate -m "$model" --ids 1 --max-new-tokens 200
    same_file "$out" story "also from the beginning-of-text token alone"

    for threads in 1 3; do
        run docassist generate -m "$model" --prompt "Once upon a time" --max-new-tokens 60 \
            --threads $threads --temperature 0.8 --top-k 40 --seed 7 --logprobs 2
        cp "$out" "sampled.$threads"
    done
    same_file sampled.1 sampled.3 "the same draws and log-probabilities for 1 and 3 threads"
    json usage.completion_tokens sampled.1 >n
    is "$(cat n)" 60 "as many tokens as asked for"

    head -c 500000 "$model" >cut.gguf
    run docassist generate -m cut.gguf --prompt a
    is_exit 1 "a truncated model"
    like_stderr "^docassist: .*cut\.gguf.*tensor '[a-z0-9._]+'" "the tensor that is cut is named"
    printf 'GGUF' >short.gguf
    run docassist generate -m short.gguf --prompt a
    is_exit 1 "a file of four bytes"
    printf 'hello world, hello world, hello' >text.gguf
    run docassist generate -m text.gguf --prompt a
    is_exit 1 "not a GGUF file"
    is "$(wc -l <"$err")" 1 "one line says so"
else
    skip "no shared/models" "stories260K"
fi

done_testing
