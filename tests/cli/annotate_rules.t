#!/bin/sh
# annotate without a server: the extractive and the written backend, the checks, the report.
. "$(dirname "$0")/lib.sh"

doc() { printf '{"id":"%s","source":{"path":"%s"},"text":"%s"}\n' "$1" "$2" "$3"; }

text='The town council met on 4 March 2025. It decided to close the old bridge for repairs.'
text="$text The repairs were ordered by Mayor Ann Lee. The work will cost 2 million euros."
text="$text The old bridge was built in 1911. Drivers must take the northern road until October."
{
    doc d1 council.txt "$text"
    doc d2 empty.txt ""
    doc d3 marks.txt "---- ** ----"
    doc d4 rows.txt '| Claim # | SF-1008 |\n| Insured name | Gabriel Diaz |\n| Estimator | Ellis Turner |'
} >docs.jsonl

# --- rules ------------------------------------------------------------------------
run docassist annotate docs.jsonl -o x.jsonl --errors e.jsonl --backend extractive
is_exit 3
is "$(cut -d, -f1-3 e.jsonl)" '{"id":"d2","path":"empty.txt","status":"no_text"
{"id":"d3","path":"marks.txt","status":"no_text"' "documents without usable text fail by name"
is "$(json question_suggestion.response.0 x.jsonl | head -n 1)" \
    "When was the old bridge built?" "a date"
is "$(json question_suggestion.response.1 x.jsonl | head -n 1)" \
    "By whom were the repairs ordered?" "an agent"
is "$(json question_suggestion.response.2 x.jsonl | head -n 1)" "What must drivers do?" "a duty"
is "$(json question_suggestion.response.0 x.jsonl | tail -n 1)" "What is the claim number?" "a table"
ok "request phrasings come from the prompts" grep -qxF \
    "$(json summarization.request x.jsonl | head -n 1)" "$repo/prompts/annotate/summ_req.txt"
docassist annotate docs.jsonl -o again.jsonl --backend extractive -q
same_file again.jsonl x.jsonl "the same bytes again"
run docassist validate annotation x.jsonl
is_exit 0

# --- people ------------------------------------------------------------------------
row()
{
    printf '{"path":"%s","summarization":{"request":"Sum up.","response":"%s"},' "$1" "$2"
    printf '"question_suggestion":{"request":"Ask.","response":["Who ordered it?","When did they meet?"'
    printf ',"Why is it closed?"]},'
    printf '"question_answering":{"request":"What does it cost?","response":"%s"}}\n' "$3"
}
row council.txt "The council closes the bridge." "2 million euros." >written.jsonl
run docassist annotate docs.jsonl -o w.jsonl --errors e.jsonl --written written.jsonl
is_exit 3
is "$(json origin.model w.jsonl)" written "annotations by people are named so"
is "$(json question_suggestion.response.2 w.jsonl)" "Why is it closed?" "in their own words"
is "$(json status e.jsonl | sort | uniq -c | tr -s ' ')" " 3 not_written" \
    "a document nobody wrote about fails by name"
run docassist annotate docs.jsonl -o w.jsonl --written written.jsonl --written-name anna
is "$(json origin.model w.jsonl)" anna "people may be named"
printf '{"path":"x"}\n' >>written.jsonl
run docassist annotate docs.jsonl -o w.jsonl --written written.jsonl
is_exit 1
is_stderr "docassist: written.jsonl:2: member 'summarization' is missing"
{
    row a.txt S A
    row a.txt S A
} >written.jsonl
run docassist annotate docs.jsonl -o w.jsonl --written written.jsonl
is_stderr "docassist: written.jsonl:2: path 'a.txt' has a row already"

# --- checks and the report ------------------------------------------------------------
head -n 1 docs.jsonl >one.jsonl
run docassist annotate one.jsonl -o c.jsonl --errors e.jsonl --min-summary-words 60 \
    --backend extractive
is_exit 3
is "$(json status e.jsonl):$(json detail e.jsonl)" check:summary_length "a failed check leaves out"
run docassist annotate one.jsonl -o c.jsonl --restart --min-summary-words 60 --keep-failed \
    --report page.html --backend extractive
is_exit 0
is "$(json checks.failed.0 c.jsonl)" summary_length "... or is recorded"
like_file page.html '^<p>1 documents annotated, 1 of them although a check failed; 0 failed.</p>$' \
    "the report counts"
like_file page.html '^<h3>summary_length <span class=n>1</span></h3>$' "... and names failures"
is "$(grep -c '<script\|http' page.html)" 0 "... without scripts and links"
run docassist annotate one.jsonl -o - --report page.html
is_exit 2

done_testing
