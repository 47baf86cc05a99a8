#!/bin/sh
# docassist eval --judge: G-Eval over the chat API. Scores by hand from the probabilities and
# replies that tests/tools/fake_judge.c gives; its count is the truth about what was asked.
. "$(dirname "$0")/lib.sh"

judge() # RULE...: a running judge at $url
{
    rm -f port count
    start "$(tool fake_judge)" port count "$@"
    wait_until 10 test -s port || fail "the judge does not start"
    url=http://127.0.0.1:$(cat port)/v1
}
stop_judge() { kill "$pid"; wait "$pid" 2>/dev/null; }
run_eval() { run docassist eval ex.jsonl pred.jsonl --judge-no-price --judge-base-url "$url" --judge-model m "$@"; }

for x in a/qa:question_answering b/qa:question_answering c/summ:summarization d/qs:question_suggestion; do
    id=${x%%:*}
    printf '{"schema":"docassist.example/1","id":"%s","doc_id":"%s","task":"%s","document":"The doc %s.",' \
        "$id" "${id%/*}" "${x#*:}" "$id"
    printf '"request":"Req?","response":"One two.","messages":[],"split":"test"}\n'
done >ex.jsonl
for id in a/qa b/qa c/summ d/qs; do
    printf '{"id":"%s","response":"Words of %s.","model":"m"}\n' "$id" "${id%/*}"
done >pred.jsonl

# --- logprobs: (4 * .5 + 2 * .25) / .75 = 10/3 for a; 5 for b; below the floor for c

judge 'Words of a.=top:4:-0.6931471805599453;2:-1.3862943611198906;x:-1.3862943611198906' \
    'Words of b.=top:5:-0.01;0:-9' 'Words of c.=top:3:-1.3862943611198906;x:-0.3'
run_eval --judge logprobs -o s.json
is_exit 3 "a sample without a score makes the run partial"
like_stderr "^docassist: warning: pred\.jsonl: 1 of 3 replies of the judge hold no score; 2 of 3 samples have one" \
    "... and is said"
# mean of (10/3 - 1) / 4 and (5 - 1) / 4
is "$(json tasks.question_answering.geval.value s.json)" "0.7916666666666667" \
    "the expectation over the probabilities of 1 to 5, on 0 to 1"
is "$(json tasks.question_answering.geval.n s.json)" "2" "... over the samples that have one"
is "$(json tasks.summarization.geval.value s.json)" "null" "too little mass on 1 to 5 is no score"
is "$(json tasks.summarization.geval.n s.json)" "0" "... and no 0"
is "$(json tasks.question_suggestion.geval s.json)" "(missing)" "lists of questions are not judged"
is "$(json tasks.question_answering.geval.signature s.json | sed 's/prompt:[0-9a-f]*/prompt:H/')" \
    "geval|judge:m|mode:logprobs|prompt:H|scale:(s-1)/4" "the signature names judge, mode and prompt"
is "$(cat count)" "3" "three requests"
cp s.json first.json
run_eval --judge logprobs -o s.json
is_exit 3
is "$(cat count)" "3" "a second run asks nothing"
same_file s.json first.json "... and gives the same bytes"
run_eval --judge logprobs --judge-suggestions -o s.json
is "$(cat count)" "4" "with --judge-suggestions the list is judged, too"
stop_judge

judge 'Words=top:3:0'
run_eval --judge logprobs --judge-retry-failed -o s.json
is_exit 0 "failed replies are asked for again with --judge-retry-failed"
is "$(cat count)" "1" "... and only they"
is "$(json tasks.summarization.geval.value s.json)" "0.5" "... and then there is a score"
stop_judge

# --- samples: the mean of what can be read, 1 to 5 only

judge 'Words of a.= 4' 'Words of b.=5.' 'Words of c.=Score: 4'
run_eval --judge samples --judge-samples 3 --judge-ledger l -o t.json
is_exit 3
like_stderr "^docassist: warning: pred\.jsonl: 3 of 9 replies .*; 2 of 3 samples have one" "... what cannot be read is counted"
is "$(json tasks.question_answering.geval.value t.json)" "0.875" "the mean of the replies' scores"
is "$(cat count)" "9" "three replies a sample"
stop_judge

judge 'Words=4'
run_eval --judge logprobs --judge-ledger l2 -o u.json
is_exit 1 "a judge without log-probabilities is an error in logprobs mode"
is_stderr "docassist: judge 'm' gives no log-probabilities: --judge samples works without" \
    "... never a silent fallback"
stop_judge

run_eval --judge samples
is_exit 2 "the ledger needs a name when the output has none"
run_eval --judge samples --judge-base-url http://127.0.0.1:1/v1 --judge-retries 0 --judge-ledger l3 -o v.json
is_exit 4 "a server that is not there: try again later"

done_testing
