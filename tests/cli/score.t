#!/bin/sh
# docassist score. Figures: sacrebleu 2.6.0 and rouge_score 0.1.2 on the same files.
. "$(dirname "$0")/lib.sh"

cat >hyp.txt <<'EOF'
The cat sat on the mat.
He paid $1,250.50 on 3-4 May.
the
EOF
cat >ref.txt <<'EOF'
The cat is sitting on the mat.
He paid $1,250.50 on 3-5 May.
the the
EOF
printf 'A cat sat on a mat!\nIt was paid.\nthe\n' >ref2.txt

run docassist score --hyp hyp.txt --ref ref.txt -m bleu,chrf,chrf++,ter
is_exit 0 "score reads two files"
is_stdout "BLEU|nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0 = 56.55 88.9/73.3/53.8/45.5 (BP = 0.895 ratio = 0.900 hyp_len = 18 ref_len = 20)
chrF2|nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:2.6.0 = 64.64
chrF2++|nrefs:1|case:mixed|eff:yes|nc:6|nw:2|space:no|version:2.6.0 = 66.14
TER|nrefs:1|case:lc|tok:tercom|norm:no|punct:yes|asian:no|version:2.6.0 = 26.67" \
    "... and prints the reference tool's lines"
is_stderr "" "... and nothing else"

run docassist score --hyp hyp.txt --ref ref.txt --ref ref2.txt -m bleu --short --confidence
is_stdout "BLEU|#:2|bs:1000|rs:12345|c:mixed|e:no|tok:13a|s:exp|v:2.6.0 = 69.17 (μ = 65.77 ± 35.52) 94.4/86.7/61.5/45.5 (BP = 1.000 ratio = 1.000 hyp_len = 18 ref_len = 18)" "two references, short signature, interval"

run docassist score --hyp hyp.txt --ref ref.txt -m rouge1,rougeL --stem --json
is "$(json rouge1.fmeasure)" "0.7749287749287749" "ROUGE-1 is the mean of the segments' F"
is "$(json rougeL.precision)" "0.9074074074074074" "ROUGE-L has precision and recall"

run docassist score --hyp hyp.txt --ref ref.txt --sentence-level --json
is "$(json bleu.score)" "42.38365628278778
70.71067811865478
36.78794411714425" "one object a segment with --sentence-level"

printf '{"hyp":"a b c d","refs":["a b c d",null]}\n{"hyp":"x","refs":["x","y"]}\n' >rows.jsonl
run docassist score --jsonl rows.jsonl -m bleu,em,f1
like_stdout '^BLEU\|nrefs:var\|.* = 100\.00 ' "a missing reference is left out"
like_stdout '^em\|nrefs:var\|squad:2\.0\|em = 1\.0000$' "exact match stands beside BLEU"

run docassist score --hyp hyp.txt --hyp ref2.txt --ref ref.txt -m bleu --paired-ar --json
is "$(json systems.1.bleu.p)" "0.00009999000099990002" "approximate randomization gives sacrebleu's p"
run docassist score --hyp hyp.txt --hyp ref2.txt --ref ref.txt -m bleu --paired-bs --json
is "$(json systems.1.bleu.p)" "0.000999000999000999" "paired bootstrap gives sacrebleu's p"
is "$(json systems.1.bleu.mean)" "3.6725191898290457" "... and its mean"

one=$(docassist score --jsonl rows.jsonl -m bleu,chrf,ter,rouge1 --confidence --threads 1 --json)
eight=$(docassist score --jsonl rows.jsonl -m bleu,chrf,ter,rouge1 --confidence --threads 8 --json)
is "$eight" "$one" "any number of threads gives the same bytes"

# --- what cannot be scored

printf 'one\ntwo\n' >short.txt
run docassist score --hyp hyp.txt --ref short.txt
is_exit 1 "files of different length are an error"
is_stderr "docassist: hyp.txt has 3 lines, but short.txt has 2" "... that names both"
run docassist score --hyp short.txt --ref ref.txt
is_stderr "docassist: short.txt has 2 lines, but ref.txt has 3" "... whichever is longer"

printf 'fine\nnot \377 fine\n' >latin1.txt
run docassist score --hyp latin1.txt --ref short.txt
is_exit 1 "bytes that are not UTF-8 are an error"
is_stderr "docassist: latin1.txt:2: invalid UTF-8 at byte 5" "... with file, line and byte"

: >empty.txt
run docassist score --hyp empty.txt --ref empty.txt
is_exit 1 "empty files are an error"
is_stderr "docassist: empty.txt: no segments in it"

run docassist score --hyp missing.txt --ref ref.txt
is_exit 1
is_stderr "docassist: cannot open 'missing.txt': No such file or directory"

head -c 2000000 /dev/zero | tr '\0' a >long.txt
run docassist score --hyp long.txt --ref long.txt
is_exit 1 "a line beyond the limit is an error"
is_stderr "docassist: long.txt:1: the line is longer than 1048576 bytes"

for bad in '{"refs":["a"]}' '{"hyp":"a"}' '{"hyp":1,"refs":["a"]}' '{"hyp":"a","refs":[NaN]}' \
    '{"hyp":"a","refs":[null]}' '{"hyp":"a","refs":["a"]' '["a"]'; do
    printf '{"hyp":"a","refs":["a"]}\n%s\n' "$bad" >bad.jsonl
    run docassist score --jsonl bad.jsonl
    is_exit 1 "a row $bad is an error"
    like_stderr '^docassist: bad\.jsonl:2: ' "... with file and line"
done

printf '\n\n' >blank.txt
run docassist score --hyp blank.txt --ref short.txt -m bleu,rouge1
is_exit 0 "empty hypotheses have a score"
like_stdout '^rouge1\|.* = 0\.0000 ' "... of 0"
like_stderr '^docassist: warning: blank\.txt: 2 of 2 hypotheses are empty$' "... and are counted"

printf '\320\264\320\260\n' >ru.txt
run docassist score --hyp ru.txt --ref ru.txt -m rouge1
like_stderr 'ru\.txt: 1 of 1 segments hold text in which ROUGE finds no token' \
    "text without a ROUGE token is warned of"
run docassist score --hyp ru.txt --ref ru.txt -m rouge1 --rouge-tok unicode
is_stderr "" "... but not with --rouge-tok unicode"
like_stdout '\|tok:unicode\|.* = 1\.0000 ' "... which finds its words"

run docassist score --hyp hyp.txt --ref ref.txt -m bleu,nope
is_exit 2 "an unknown metric is wrong usage"
is_stderr "docassist: there is no metric 'nope'"
run docassist score --hyp hyp.txt
is_exit 2 "a hypothesis without a reference is wrong usage"
run docassist score --hyp hyp.txt --hyp hyp.txt --ref ref.txt
is_exit 2 "several systems without a test are wrong usage"

done_testing
