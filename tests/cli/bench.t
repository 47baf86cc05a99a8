#!/bin/sh
# docassist bench: the shape of its output, on a tiny model.
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
run docassist bench
is_exit 2
is_stderr "docassist bench: name a model with -m FILE
Try 'docassist bench --help'."
run env DOCASSIST_CPU=z80 docassist bench -m tiny.gguf
is_exit 2
is_stderr "docassist: cpu variant 'z80' does not exist or does not run here"
done_testing
