#!/bin/sh
# docassist eval. BLEU, ROUGE and their intervals: sacrebleu 2.6.0 (its resampling, seed 12345,
# the 26th and the 975th of 1000 scores) and rouge_score 0.1.2; Wilson intervals and SQuAD
# figures by hand.
. "$(dirname "$0")/lib.sh"

example() # ID TASK RESPONSE
{
    printf '{"schema":"docassist.example/1","id":"%s","doc_id":"%s","task":"%s","document":"%s",' \
        "$1" "${1%/*}" "$2" "The cat sat on the mat. He paid for it."
    printf '"request":"Do it.","response":"%s","messages":[],"split":"test"}\n' "$3"
}

{
    example c/qa question_answering 'the the'
    example a/qa question_answering 'The cat is sitting on the mat.'
    example b/qa question_answering 'He paid $1,250.50 on 3-5 May.'
} >ex.jsonl
{
    printf '{"id":"a/qa","response":"The cat sat on the mat.","model":"m"}\n'
    printf '{"id":"b/qa","raw":"<intent>: question_answering\\n<response>\\nHe paid $1,250.50 on 3-4 May.\\n</response>"}\n'
    printf '{"id":"c/qa","response":"the","intent":"Summarization"}\n'
} >pred.jsonl

run docassist eval ex.jsonl pred.jsonl --stem -o score.json
is_exit 0 "eval scores a file of predictions"
is_stdout "" "... without a word"
is_stderr ""
is "$(json model score.json)" "m" "the model is what the predictions say"
is "$(json dataset.n score.json)" "3" "the data set is counted"
is "$(json tasks.question_answering.bleu.value score.json)" "0.5655425493299101" "BLEU is sacrebleu's over 100"
is "$(json tasks.question_answering.bleu.ci95 score.json)" "[0,0.7071067811865478]" "... and so is its interval"
is "$(json tasks.question_answering.bleu.signature score.json)" \
    "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0|scale:1/100" "... and its signature"
is "$(json tasks.question_answering.rouge1.value score.json)" "0.7749287749287749" "ROUGE-1 is rouge_score's mean"
is "$(json tasks.question_answering.em.value score.json)" "0.3333333333333333" \
    "exact match: 'the' and 'the the' are both nothing but articles"
is "$(json tasks.question_answering.contains.signature score.json)" "squad:2.0|contains" \
    "... and whether answers contain the reference"
is "$(json tasks.question_answering.f1.value score.json)" "0.8333333333333334" \
    "token F1: the mean of 2/3, 5/6 and 1 (both empty)"
is "$(json intent.accuracy score.json)" "0.5" "intent: one right of the two that name one"
is "$(json intent.confusion.question_answering score.json)" \
    '{"question_answering":1,"question_suggestion":0,"summarization":1}' "... in the confusion table"
is "$(json per_sample.path score.json)" "score.json.samples.jsonl" "the log is named"
is "$(json per_sample.sha256 score.json)" "$(sha256sum score.json.samples.jsonl | cut -d' ' -f1)" \
    "... with its hash"
is "$(sed -n '2,$p' score.json.samples.jsonl | sed 's/.*"id":"\([^"]*\)".*/\1/' | tr '\n' ' ' | sed 's/ $//')" "a/qa b/qa c/qa" \
    "the log has the samples in the order of ids"
ok "the record is valid" docassist validate score score.json

sort -r ex.jsonl >ex2.jsonl
sort -r pred.jsonl >pred2.jsonl
run docassist eval ex2.jsonl pred2.jsonl --stem --threads 8 -o score2.json
sed 's/score2\.json/score.json/' score2.json >renamed.json
same_file renamed.json score.json "the order of lines and the number of threads change nothing"
same_file score2.json.samples.jsonl score.json.samples.jsonl "... in the log either"

run docassist eval ex.jsonl pred.jsonl pred2.jsonl -o two.json
is_exit 0 "several files of predictions"
is "$(json per_sample.path two.json)" "two.json.1.samples.jsonl
two.json.2.samples.jsonl" "... give a record and a log each"

# --- questions

example d/qs question_suggestion '1. Who sat?\n2. Where?\n3. Who paid?' >qs.jsonl
printf '{"id":"d/qs","response":"- Who sat?\\n* Where?\\n\\n3) Who paid?"}\n' >qsp.jsonl
run docassist eval qs.jsonl qsp.jsonl
is "$(json tasks.question_suggestion.rouge1.value)" "1" "lists are compared without their marks"
is "$(json tasks.question_suggestion.diversity.n)" "1" "a list has a diversity"
printf '{"id":"d/qs","response":"Who sat?"}\n' >qsp.jsonl
run docassist eval qs.jsonl qsp.jsonl
is "$(json tasks.question_suggestion.diversity.value)" "null" "one question has none"

# --- what does not fit

sed '/b\/qa/d' pred.jsonl >less.jsonl
run docassist eval ex.jsonl less.jsonl -o x.json
is_exit 1 "an example without a prediction is an error"
is_stderr "docassist: less.jsonl: 1 examples have no prediction: 'b/qa'" "... that names it"
run docassist eval ex.jsonl less.jsonl --partial
is_exit 0 "... unless --partial"
is "$(json n_scored) of $(json n_total)" "2 of 3" "... which counts"
like_stderr '^docassist: warning: less\.jsonl: 2 of 3 examples have a prediction$'

{ cat pred.jsonl; printf '{"id":"z/qa","response":"x"}\n'; } >more.jsonl
run docassist eval ex.jsonl more.jsonl
is_exit 1 "a prediction without an example is an error"
is_stderr "docassist: more.jsonl: 1 predictions have no example: 'z/qa'" "... that names it"
cat pred.jsonl pred.jsonl >twice.jsonl
run docassist eval ex.jsonl twice.jsonl
is_exit 1 "an id that stands twice is an error"
is_stderr "docassist: twice.jsonl:4: id 'a/qa' stands on line 1 already" "... with both lines"
cat ex.jsonl ex.jsonl >exx.jsonl
run docassist eval exx.jsonl pred.jsonl
is_stderr "docassist: exx.jsonl:4: id 'c/qa' stands on line 1 already" "... among examples, too"

while IFS='|' read -r row why; do
    printf '%s\n' "$row" >bad.jsonl
    run docassist eval ex.jsonl bad.jsonl
    is_exit 1 "a prediction $row is an error"
    like_stderr "^docassist: bad\.jsonl:1: .*$why" "... with file, line and reason"
done <<'EOF'
{"response":"x"}|'id' is missing
{"id":"a/qa"}|'response' or 'raw'
{"id":"a/qa","response":3}|member 'response' is a number
{"id":"a/qa","response":NaN}|
{"id":"a/qa","response":"x","task":"summarization"}|task summarization
{"id":"a/qa","resp|
EOF
: >none.jsonl
run docassist eval ex.jsonl none.jsonl
is_stderr "docassist: none.jsonl: no predictions in it" "an empty file is an error"
run docassist eval none.jsonl pred.jsonl
is_stderr "docassist: none.jsonl: no examples in it" "... of examples, too"
printf '{"id":"a/qa","response":"\377"}\n' >utf8.jsonl
run docassist eval ex.jsonl utf8.jsonl
like_stderr '^docassist: utf8\.jsonl:1: ' "invalid UTF-8 is an error"
run docassist eval ex.jsonl
is_exit 2 "predictions are needed"

done_testing
