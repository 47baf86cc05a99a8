#!/bin/sh
# annotate --batch against a scripted Batch API (tests/tools/fake_batch.c), whose own counts say
# what was asked and paid for.
. "$(dirname "$0")/lib.sh"

fake=$(tool fake_batch)

# documents N
documents()
{
    perl -e 'for my $i (1 .. $ARGV[0]) {
        printf qq({"schema":"docassist.document/1","id":"%016x",) .
               qq("text":"Paper %d says that water is wet and that rain falls on roofs."}\n),
               $i * 7919, $i;
    }' "$1"
}

server()
{
    rm -f port
    start "$fake" -p port "$@"
    server_pid=$pid
    wait_until 10 test -s port || fail "the server does not start"
    url=http://127.0.0.1:$(cat port)/v1
}
stop_server() { kill "$server_pid"; wait "$server_pid" 2>/dev/null; }
counts() { "$fake" -q port | json "$1" /dev/stdin; }

# batch STEP [OPTION]...
batch()
{
    step=$1
    shift
    docassist annotate docs.jsonl -o a.jsonl --errors e.jsonl --base-url "$url" \
        --batch "$step" "$@"
}

# Steps until the output is there, 20 rounds at most.
to_the_end()
{
    rounds=0
    while [ ! -e a.jsonl ] && [ $rounds -lt 20 ]; do
        rounds=$((rounds + 1))
        batch submit "$@" >/dev/null 2>&1
        batch fetch "$@" >/dev/null 2>&1
    done
}

documents 40 >docs.jsonl

# --- step by step -----------------------------------------------------------------
server
run batch submit
is_exit 0 "submit"
like_stderr "^docassist: submitted 40 requests; 0 were waiting already, 0 are settled, 0 do not"
run batch submit
like_stderr "^docassist: submitted 0 requests; 40 were waiting already, 0 are settled, 0 do not" \
    "a second submit sends nothing"
n=$(counts requests)
run docassist annotate docs.jsonl -o a.jsonl --errors e.jsonl --base-url "$url"
is_exit 3 "asking online meanwhile"
is "$(json status e.jsonl | sort -u) $(($(counts requests) - n))" "in_batch 0" \
    "... does not ask for what waits in a batch"
run batch poll
is_exit 4 "poll while it works"
like_stdout "^1  batch_0 +40 requests  in_progress  0 answered, 0 failed$"
run batch fetch
is_exit 0 "fetch once it has ended"
is_stderr "docassist: fetched 40 replies
docassist: annotated 40 of 40 documents, 0 failed"
is "$(json id a.jsonl)" "$(json id docs.jsonl)" "in the order of the input"
run docassist validate annotation a.jsonl
is_stdout "40 valid, 0 invalid"
is "$(counts answers) $(counts twice) $(counts batches)" "40 0 1" "every document once"
is "$(counts files_left)" 0 "no file is left there"
run docassist annotate --status a.jsonl.ledger
# 40 x (1000 x 0.15 + 100 x 0.60) / 1e6 / 2
like_stdout '^cost +.0\.0042$' "at half the price"
stop_server

# --- parts ----------------------------------------------------------------------------
rm -f a.jsonl*
server
run batch submit --batch-requests 15
is "$(counts batches)" 3 "40 requests in files of 15"
run batch submit --batch-requests 15
is "$(counts batches)" 3 "... once"
to_the_end
is "$(counts answers) $(counts twice)" "40 0" "... each answered once"
rm -f a.jsonl*
stop_server
server
run batch submit --batch-tokens 30000
like_stderr "^docassist: submitted [1-9][0-9]? requests; 0 were waiting already, 0 are sett" \
    "as many as may be enqueued"
to_the_end --batch-tokens 30000
is "$(counts answers) $(counts twice)" "40 0" "... and the rest in turn"
stop_server

# --- batches that go wrong ---------------------------------------------------------------
for modes in errors,ok nothing,ok expire,ok tokens,ok mixed,mixed,ok \
    errors,nothing,expire,tokens,ok; do
    rm -f a.jsonl*
    server -m "$modes"
    to_the_end
    is "$(wc -l <a.jsonl) $(counts twice)" "$((40 - $(wc -l <e.jsonl))) 0" \
        "$modes: all documents, none paid for twice ($(counts batches) batches)"
    stop_server
done
rm -f a.jsonl*
server -m tokens,ok
run batch submit
run batch poll
run batch fetch
is_exit 4 "a batch that is refused for its size"
like_stderr "^docassist: batch 1 \(failed: token_limit_exceeded\): 40 of 40 requests are not "
stop_server

rm -f a.jsonl*
server -n 100
run batch submit
run batch cancel
is_exit 0 "cancel"
is_stderr "docassist: cancelled 1 batches; what they answered can be fetched"
stop_server

# --- kill -9 at every step --------------------------------------------------------------------
# The server carries out its N-th request and never answers; whoever asked is killed there.
# A whole run takes 11 requests.
n=0
while [ $n -lt 12 ]; do
    n=$((n + 1))
    rm -f a.jsonl*
    server -H $n -n 0
    for step in submit fetch; do
        start docassist annotate docs.jsonl -o a.jsonl --errors e.jsonl --base-url "$url" \
            --batch $step
        client=$pid
        # It ends by itself, or hangs at the server's N-th request, or is slow: all the same.
        for tick in 1 2 3 4 5 6 7 8; do
            kill -0 "$client" 2>/dev/null && sleep 0.05
        done
        kill -9 "$client" 2>/dev/null
        wait "$client" 2>/dev/null
    done
    to_the_end
    is "$(wc -l <a.jsonl) $(counts answers) $(counts twice) $(counts batches)" "40 40 0 1" \
        "killed at request $n: every document once, paid once"
    stop_server
done
ok "no part is left" sh -c '! ls | grep -q "ledger\.batch-"'

done_testing
