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

# --- killed and resumed --------------------------------------------------------------
docassist model random --shape tiny --seed 3 -o tiny.gguf 2>/dev/null
perl -e '
    for my $d (1 .. 12) {
        my $text = join " ", map { sprintf "Word%d of part %d.", $_ * $d, $_ } 1 .. 60;
        for my $t (["summ", "summarization"], ["qs", "question_suggestion"]) {
            printf "{\"schema\":\"docassist.example/1\",\"id\":\"%016x/%s\",\"doc_id\":\"%016x\"," .
                "\"task\":\"%s\",\"document\":\"%s\",\"request\":\"Do it.\",\"response\":\"r\"," .
                "\"messages\":[{\"role\":\"user\",\"content\":\"u\"}],\"split\":\"test\"}\n",
                $d, $t->[0], $d, $t->[1], $text;
        }
    }' >examples.jsonl
run docassist generate -m tiny.gguf examples.jsonl -o whole.jsonl --parallel 4
is_exit 0 "24 examples in one go"
kills=0
while [ ! -e killed.jsonl ] && [ $kills -lt 38 ]; do
    docassist generate -q -m tiny.gguf examples.jsonl -o killed.jsonl --parallel 4 2>/dev/null &
    pid=$!
    sleep "$(printf '0.%03d' $((30 + kills * 25)))" # a busy machine gets further each time
    kill -9 $pid 2>/dev/null && kills=$((kills + 1))
    wait $pid 2>/dev/null
done
[ -e killed.jsonl ] || docassist generate -q -m tiny.gguf examples.jsonl -o killed.jsonl --parallel 4
ok "the output is killed at least twice" test $kills -ge 2
same_file killed.jsonl whole.jsonl "and equals the uninterrupted run"

docassist generate -q -m tiny.gguf examples.jsonl -o half.jsonl --parallel 2 2>/dev/null &
pid=$!
wait_until 10 sh -c 'grep -q summ half.jsonl.journal'
kill -9 $pid 2>/dev/null
wait $pid 2>/dev/null
if [ -e half.jsonl.journal ]; then
    kept=$(($(wc -l <half.jsonl.journal) - 1))
    run docassist generate -v -m tiny.gguf examples.jsonl -o half.jsonl --parallel 2
    json usage.completion_tokens whole.jsonl | tail -n +$((kept + 1)) >rest
    new=$(awk '{n += $1} END {print n}' rest)
    like_stderr " $new new tokens" "after a kill only the $((24 - kept)) unfinished are computed"
    same_file half.jsonl whole.jsonl "to the same output"
    run docassist generate -m tiny.gguf examples.jsonl -o whole.jsonl --limit 3
    is_exit 0 "a finished output is written again when asked for"
else
    skip "the run was too fast to be killed" "resuming computes nothing twice"
fi
run docassist generate -m tiny.gguf examples.jsonl -o a.jsonl --parallel 1 --threads 2 --batch 7
run docassist generate -m tiny.gguf examples.jsonl -o b.jsonl --no-prefix-cache --threads 1 --draft none
same_file a.jsonl b.jsonl "batch, threads, prefix cache and drafts change nothing"

head -c 700 examples.jsonl >cut.jsonl
run docassist generate -m tiny.gguf cut.jsonl -o c.jsonl
is_exit 1 "half a line of examples"
like_stderr '^docassist: cut\.jsonl:1: invalid JSON at byte 700, after member .[a-z]*.: the text ends inside a string$'

done_testing
