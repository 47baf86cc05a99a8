#!/bin/bash
# kill -9 at 50 random moments of a run over 2,000 documents, resumed each time. Requests exceed
# documents only by what was in flight or not yet on disk (at most 50 ms of replies) at a kill,
# and the output equals that of an uninterrupted run.
. "$(dirname "$0")/common.sh"
n=${1:-2000}
kills=${2:-50}
concurrency=16
delay_ms=50
documents "$n" 60 >docs.jsonl
server -d $delay_ms
"$build/docassist" annotate -q docs.jsonl -o whole.jsonl --base-url "$url" --concurrency 64
stop_server
server -d $delay_ms
RANDOM=7
k=0
while [ $k -lt "$kills" ]; do
    "$build/docassist" annotate -q docs.jsonl -o a.jsonl --base-url "$url" \
        --concurrency $concurrency 2>/dev/null &
    pid=$!
    sleep "0.$((RANDOM % 3))$((RANDOM % 10))"
    if ! kill -9 $pid 2>/dev/null; then break; fi
    wait $pid 2>/dev/null || :
    k=$((k + 1))
done
"$build/docassist" annotate -q docs.jsonl -o a.jsonl --base-url "$url" --concurrency $concurrency
counts
extra=$(($(count requests) - n))
# In flight, and what came in within the last commit's 50 ms: at most one more round.
verdict "$extra requests more than documents after $k kills" $extra -le $((k * concurrency * 3))
verdict "every document asked for" "$(count documents)" -eq "$n"
cmp a.jsonl whole.jsonl && same=1 || same=0
verdict "the output is that of an uninterrupted run" $same -eq 1
requests=$(count requests)
"$build/docassist" annotate -q docs.jsonl -o b.jsonl --ledger a.jsonl.ledger --base-url "$url"
verdict "a further run asks nothing" "$(count requests)" -eq "$requests"
exit $failed
