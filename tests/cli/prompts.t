#!/bin/sh
# prompts export
. "$(dirname "$0")/lib.sh"

run docassist prompts export p
is_exit 0 "prompts export"
for f in annotate/system annotate/examples annotate/user annotate/summ_req annotate/suggestion_req \
    annotate/qa_req slimlm/system; do
    same_file "p/$f.txt" "$repo/prompts/$f.txt" "$f"
done
same_file p/prices.json "$repo/prompts/prices.json" "prices.json"
run docassist prompts export p
is_exit 2 "a second time"
like_stderr "^docassist: 'p/.*' exists already; nothing was written$"
run docassist prompts
is_exit 2 "no folder"

done_testing
