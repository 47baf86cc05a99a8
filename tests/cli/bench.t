#!/bin/sh
# docassist bench: the shape of its output, on a tiny model, and what its options change.
. "$(dirname "$0")/lib.sh"

run docassist model random --shape tiny-llama -o tiny.gguf
is_exit 0
run docassist bench -m tiny.gguf --new-tokens 4 --reps 1 --documents 2 --threads 1 --name t --json
is_exit 0
is_stderr ""
cp "$out" rows.json
perl -MJSON::PP -e '
    local $/; my $rows = decode_json(<STDIN>); my $bad = 0;
    for my $r (@$rows) {
        for my $k (qw(itps otps ttft_s runtime_s peak_rss_bytes)) { $bad++ unless $r->{$k} > 0; }
        $bad++ unless $r->{new_tokens} == 4 && $r->{threads} == 1 && $r->{model} eq "t";
    }
    print join(" ", map { $_->{prompt_tokens} } @$rows[1 .. $#$rows]), " bad $bad\n";
' <rows.json >summary
is "$(cat summary)" "200 400 600 800 1000 1020 bad 0" "rows of all lengths with every figure"
like_stdout '"documents_per_minute"' "the scoring workload"
run docassist bench -m tiny.gguf --new-tokens 4 --reps 1 --documents 0 --threads 1
is_exit 0
like_stdout '^prompt +tokens +ITPS +OTPS'
like_stdout '^document of 1000 tokens +1000 '
unlike_stdout 'scoring'
# ROWS OPTION...: prints "prompt/tokens/threads" of every row
rows()
{
    list=$1
    shift
    run docassist bench -m tiny.gguf --new-tokens 4 --reps 1 --threads 2 --rows "$list" "$@" --json
    is_exit 0
    perl -MJSON::PP -e 'local $/; print join(", ", map {
        ($_->{otps} > 0 && $_->{runtime_s} > 0 ? "" : "BAD ") .
            "$_->{prompt}/$_->{prompt_tokens}/$_->{threads}" } @{decode_json(<STDIN>)}), "\n"' <"$out" >got
}
rows streams
is "$(cat got)" "16 streams, 3 a document/1000/2" "16 streams"
rows threads
is "$(cat got)" "1000 tokens, 1 thread/1000/1, 1000 tokens, 2 threads/1000/2" "threads"
rows batch
is "$(cat got)" "1000 tokens in steps of 1/1000/2, 1000 tokens in steps of 8/1000/2, 1000 tokens in steps of 32/1000/2, 1000 tokens in steps of 128/1000/2, 1000 tokens in steps of 512/1000/2" "batches"
rows 400,question --kv f32
is "$(cat got)" "question/26/2, document of 400 tokens/400/2" "only the rows asked for, in the bench's order"
rows scoring --documents 3 --parallel 2
is "$(cat got)" "scoring, 3 documents x 3/1020/2" "the scoring workload alone"

# energy: 2 W for as long as the row takes
echo 2000000 >power1_input
run docassist bench -m tiny.gguf --new-tokens 100 --reps 20 --threads 1 --rows 1000 \
    --energy-file power1_input --json
is_exit 0
perl -MJSON::PP -e 'local $/; my ($r) = @{decode_json(<STDIN>)};
    my $want = 2 * $r->{runtime_s} / 1100 * 1000;
    my $ratio = $r->{joules_per_1000_tokens} / $want;
    print $ratio > 0.5 && $ratio < 2 ? "near\n" : "$ratio times\n"' <"$out" >got
is "$(cat got)" near "joules are watts times seconds, for 1,000 tokens"
run docassist bench -m tiny.gguf --energy-file absent
is_exit 1
is_stderr "docassist: cannot open 'absent': No such file or directory"

run docassist bench -m tiny.gguf --limits --threads 1 --json
is_exit 0
like_stdout '"threads":1,.*"gemm_kind":"q4",.*"prefill_gops":[0-9.]+,"decode_gbs":[0-9.]+'
run docassist model import --no-tokenizer "$repo/tests/golden/engine/gpt2" -o short.gguf
is_exit 0
run docassist bench -m short.gguf --rows 1000,streams --name short
is_exit 2
is_stderr "docassist: short: none of these rows fits its context of 128 tokens"
run docassist bench -m tiny.gguf --rows question,nope
is_exit 2
is_stderr "docassist bench: --rows: there is no row 'nope'
Try 'docassist bench --help'."
run docassist bench
is_exit 2
is_stderr "docassist bench: name a model with -m FILE
Try 'docassist bench --help'."
run env DOCASSIST_CPU=z80 docassist bench -m tiny.gguf
is_exit 2
is_stderr "docassist: cpu variant 'z80' does not exist or does not run here"
done_testing
