#!/bin/sh
# annotate against a server that misbehaves on cue (tests/tools/fake_api.c). The server's own
# counts are the truth about what was asked.
. "$(dirname "$0")/lib.sh"

fake=$(tool fake_api)

# documents N >FILE: N document records of about 200 words.
documents()
{
    perl -e 'my @w = qw(report audit water energy system model table figure result method value);
        srand(7);
        for my $i (1 .. $ARGV[0]) {
            my $t = join " ", map { $w[rand @w] } 1 .. 200;
            printf qq({"schema":"docassist.document/1","id":"%016x","source":{"path":"d%d.txt"},) .
                   qq("text":"Paper %d. %s."}\n), $i * 7919, $i, $i, $t;
        }' "$1"
}

# server ARGS...: a running server at $url.
server()
{
    rm -f port
    start "$fake" -p port "$@"
    wait_until 10 test -s port || fail "the server does not start"
    url=http://127.0.0.1:$(cat port)/v1
}
# annotate ARGS...: asking the server.
annotate() { docassist annotate --base-url "$url" "$@"; }
counts() { "$fake" -q port | json "$1" /dev/stdin; }
stop_server() { kill "$pid"; wait "$pid" 2>/dev/null; }

documents 20 >docs.jsonl

# --- wrong usage, bad input ------------------------------------------------------
run docassist annotate
is_exit 2 "no file"
run docassist annotate docs.jsonl
is_exit 2 "no output"
is_stderr "docassist annotate: --output FILE is needed
Try 'docassist annotate --help'." "... and it says so"
run docassist annotate --backend api docs.jsonl -o a.jsonl
is_exit 2 "no key"
like_stderr "^docassist: no key for .*/v1: set OPENAI_API_KEY or give --api-key-file$" \
    "... and where to put one"
url=http://example.com/v1
OPENAI_API_KEY=sk-secret run annotate docs.jsonl -o a.jsonl
is_exit 2 "a key does not go over plain http"
is_stderr "docassist: address '$url': a key is not sent over plain http; use https"
run annotate --model nobody docs.jsonl -o a.jsonl
is_exit 2 "a model without a price"
like_stderr "^docassist: model 'nobody' has no price in the built-in table; give --prices FILE, "
run docassist annotate missing.jsonl -o a.jsonl
is_exit 1 "no such file"
is_stderr "docassist: cannot open 'missing.jsonl': No such file or directory"
(head -n 3 docs.jsonl; printf '{"schema":"docassist.document/1","id":"x","te') >cut.jsonl
run docassist annotate cut.jsonl -o a.jsonl
is_exit 1 "a line cut in half"
like_stderr "^docassist: cut\.jsonl:4: " "... is named by its number"
rm -f a.jsonl*

# --- the API ------------------------------------------------------------------------
server -k sk-right
run annotate docs.jsonl -o a.jsonl
is_exit 1 "a server that wants a key"
is_stderr "docassist: endpoint '$url': the key was rejected"\
" (401 invalid_api_key: Incorrect API key provided.)" \
    "... is reported in one line"
is "$(counts requests)" 1 "... after one request"
echo sk-right >key
run annotate --api-key-file key docs.jsonl -o a.jsonl --errors e.jsonl
is_exit 0 "the right key, same command"
like_stderr "^docassist: annotated 20 of 20 documents, 0 failed$"
is "$(counts requests)" 21 "... every document asked once"
run docassist validate annotation a.jsonl
is_stdout "20 valid, 0 invalid"
is "$(json id a.jsonl)" "$(json id docs.jsonl)" "... in the order of the input"
is "$(json origin.snapshot a.jsonl | sort -u)" "gpt-4o-mini" "... with their origin"
ok "... and with different requests" \
    test "$(json summarization.request a.jsonl | sort -u | wc -l)" -gt 10
ok "the key is nowhere on disk" sh -c '! grep -l sk-right a.jsonl* e.jsonl'
run annotate --api-key-file key docs.jsonl -o b.jsonl --ledger a.jsonl.ledger
is_exit 0 "again with its ledger"
is "$(counts requests)" 21 "... nothing is asked"
same_file b.jsonl a.jsonl "... and the output is the same"
run docassist annotate --status a.jsonl.ledger
like_stdout "^requests  20: 20 done, 0 failed, 0 open$" "--status"
run annotate --api-key-file key --show-prompt docs.jsonl
is "$(json messages.0.role),$(json model),$(json response_format.json_schema.strict)" \
    "system,gpt-4o-mini,true" "--show-prompt prints the request"
run annotate --api-key-file key - -o - --ledger a.jsonl.ledger <docs.jsonl
is_stdout_file a.jsonl "from stdin to stdout"
stop_server

# --- a server that is not there ---------------------------------------------------------
rm -f a.jsonl*
run annotate --retries 1 docs.jsonl -o a.jsonl
is_exit 4 "a dead server"
like_stderr "^docassist: endpoint '$url': .*connect.*; gave up after 2 tries\. What was " \
    "... is reported in one line"
is "$(wc -l <"$err")" 1 "... and no more"
head -n 1 docs.jsonl >one.jsonl
run annotate --retries 1 one.jsonl -o one.a.jsonl
is_exit 4 "... also for the only document"
server -s 503
run annotate --retries 0 docs.jsonl -o a.jsonl
is_exit 4 "a server that is overloaded"
stop_server
server -s quota
run annotate docs.jsonl -o a.jsonl
is_exit 1 "an account without money"
like_stderr "the account has no money left"
stop_server
server -s 404
run annotate docs.jsonl -o a.jsonl
is_exit 1 "a wrong address"
like_stderr "no such address or model \(404 model_not_found: The model does not exist\.\)"
stop_server
server -s 400
run annotate docs.jsonl -o a.jsonl
is_exit 1 "a server that refuses every request"
like_stderr "^docassist: endpoint '$url': refuses every request: 400: Scripted failure\.$"
is "$(counts requests)" 5 "... is asked five times"
stop_server

server -s 302
OPENAI_API_KEY=sk-secret run annotate docs.jsonl -o a.jsonl
is_exit 1 "a redirect"
like_stderr "^docassist: endpoint '$url': 302: Scripted failure\.$" "... is not followed"
stop_server
if command -v openssl >/dev/null; then
    openssl req -x509 -newkey rsa:2048 -nodes -keyout k.pem -out c.pem -days 2 \
        -subj /CN=localhost >/dev/null 2>&1
    tls_port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
        LocalAddr => "127.0.0.1")->sockport')
    start openssl s_server -quiet -accept "$tls_port" -key k.pem -cert c.pem
    url=https://localhost:$tls_port/v1
    listens() { perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new($ARGV[0])' \
        "127.0.0.1:$tls_port"; }
    wait_until 10 listens
    OPENAI_API_KEY=sk-secret run annotate docs.jsonl -o a.jsonl
    is_exit 1 "a certificate that nobody vouches for"
    like_stderr "^docassist: endpoint '$url': SSL certificate problem: self.signed certificate$"
    ok "... gets no key" sh -c '! grep -q sk-secret bg.out'
    stop_server
else
    skip "no openssl" "a certificate that nobody vouches for"
fi

# --- failures that have names -----------------------------------------------------------
rm -f a.jsonl* e.jsonl
documents 12 >twelve.jsonl
server -D 'ok,fenced,prose,refusal,filter,length,broken,empty,huge,ok'
run annotate --concurrency 1 twelve.jsonl -o a.jsonl --errors e.jsonl
is_exit 3 "some documents fail"
is "$(wc -l <a.jsonl) $(wc -l <e.jsonl)" "6 6" "each is in one of the two files"
is "$(json status e.jsonl | sort | tr '\n' ' ')" \
    "bad_reply bad_reply content_filter length refused reply_too_large " "... with its cause"
is "$(json detail e.jsonl | grep -c 'I cannot help')" 1 "... and the model's words"
n=$(counts requests)
is "$n" 15 "... a cut or broken reply is asked for once more, others are not"
run annotate --concurrency 1 twelve.jsonl -o a.jsonl --errors e.jsonl
is_exit 3 "the same again"
is "$(counts requests)" "$n" "... asks nothing"
stop_server
server
run annotate --retry-failed twelve.jsonl -o a.jsonl --errors e.jsonl
is_exit 0 "--retry-failed asks again, of whatever server"
is "$(counts requests)" 6 "... for those that failed"
is "$(wc -l <a.jsonl)" 12 "... and all are annotated"
stop_server

rm -f a.jsonl*
server -s '500,429/0,reset,half,html,429ms/5,409,408,502,slow,late,ok'
run annotate twelve.jsonl -o a.jsonl
is_exit 0 "a server with a bad day costs no document"
is "$(counts requests)" 21 "... nine tries are repeated"
stop_server

# The server allows ten a second and says so in its headers; nobody told us.
documents 30 >thirty.jsonl
server -l 600
run annotate thirty.jsonl -o l.jsonl
is_exit 0 "a limit learnt from headers"
ok "... costs no more than the first second's 429s ($(counts paced))" test "$(counts paced)" -le 3
stop_server

server -s noformat
run annotate twelve.jsonl -o plain.jsonl
is_exit 0 "a server without response_format"
is "$(counts requests)" 14 "... is found out by the first request"
stop_server

# --- the round trip ------------------------------------------------------------------------
documents 40 >forty.jsonl
server -D 'ok*40,ok*20,unknown*5,refusal*5,ok*10' # 40 annotations, then 40 questions again
run docassist annotate --dry-run --round-trip --no-price --model none forty.jsonl
like_stdout '^requests +80$' "--round-trip is two requests a document"
run annotate --round-trip --concurrency 1 forty.jsonl -o r.jsonl --errors re.jsonl
is_exit 3 "--round-trip"
is "$(counts requests)" 80 "... asks every question again"
is "$(wc -l <r.jsonl) $(json detail re.jsonl | sort | uniq -c | tr -s ' ')" "30  10 round_trip" \
    "... and what is then unanswerable or refused fails"
is "$(json checks.round_trip.f1 r.jsonl | sort -u)" 1 "... equal answers agree"
run annotate --round-trip --keep-failed forty.jsonl -o r2.jsonl --ledger r.jsonl.ledger
is_exit 0 "the same again, keeping all"
is "$(counts requests)" 80 "... asks nothing"
is "$(json checks.round_trip.answer r2.jsonl | sort | uniq -c | sort -n | grep -c .)" 32 \
    "... the second answers stand in the records"
run annotate forty.jsonl -o r3.jsonl --ledger r.jsonl.ledger
is_exit 0 "without it"
is "$(counts requests) $(json checks.round_trip r3.jsonl | sort -u)" "80 (missing)" "... nothing"
stop_server
run docassist annotate --backend extractive --round-trip forty.jsonl -o x.jsonl
is_exit 2 "rules cannot be asked again"
run docassist annotate --backend extractive --sts forty.jsonl forty.jsonl -o x.jsonl
is_exit 1 "--sts with a file that is no model"
like_stderr "^docassist: .*forty\.jsonl"

# --- money --------------------------------------------------------------------------------
server
run annotate --max-usd 0.003 docs.jsonl -o m.jsonl
is_exit 1 "--max-usd ends the run"
like_stderr "^docassist: budget of .0\.0030: .0\.00[0-9]+ is spent and the next request could " \
    "... and says so"
spent=$(counts requests)
ok "... before it is passed" test "$spent" -gt 0 -a "$spent" -lt 10
run annotate --max-usd 1 docs.jsonl -o m.jsonl
is_exit 0 "with more it goes on"
is "$(counts requests)" 20 "... where it stopped"
stop_server

# The paper's corpus (arXiv 2411.09944, tables 2 and 4) at gpt-4o-mini's list price.
run docassist annotate --assume docs=82850,prompt=2126.04,cached=1152,completion=169.07 --tpm 200000
is_exit 0 "--assume needs neither key nor file"
like_stdout '^online +.34\.8[0-9]$' "82,850 documents online"
like_stdout '^online, cached +.27\.6[0-9]$' "... with every prefix cached"
like_stdout '^batch +.17\.4[0-9]$' "... in batches"
like_stdout '^time +15\.8 h at 200000 tokens a minute$' "... and how long at the limit"
run docassist annotate --assume docs=1,prompt=x
is_exit 2 "--assume with a word"

# --dry-run against what the server bills: within 2 %.
documents 300 >bill.jsonl
server -T
head -n 30 bill.jsonl >first.jsonl
run annotate first.jsonl -o f.jsonl --ledger bill.ledger
run docassist annotate --dry-run --ledger bill.ledger bill.jsonl
is_exit 0 "--dry-run"
like_stdout "^documents        300, 30 of them settled$" "... knows what is settled"
like_stdout "^overhead         58\.0 tokens a request, measured on 30 answered documents$" \
    "... and measures what the server adds"
sed -n 's/^requests *//p; s/^prompt tokens *\([0-9]*\).*/\1/p; s/^completion *\([0-9]*\).*/\1/p' \
    "$out" | tr '\n' ' ' >foretold
before="$(counts prompt_tokens) $(counts completion_tokens)"
run annotate bill.jsonl -o f.jsonl --ledger bill.ledger
is_exit 0 "then asking"
echo "$before $(counts prompt_tokens) $(counts completion_tokens) $(cat foretold)" >bill
ok "... costs what was foretold: $(cat bill)" perl -ane '($p, $c, $P, $C, $n, $fp, $fc) = @F;
    $real = ($P - $p) * 0.15 + ($C - $c) * 0.6; $told = $fp * 0.15 + $fc * 0.6;
    exit !($n == 270 && abs($told / $real - 1) < 0.02)' bill
stop_server

# --- kill -9 ----------------------------------------------------------------------------------
documents 200 >many.jsonl
server
run annotate many.jsonl -o whole.jsonl
is_exit 0 "an uninterrupted run"
stop_server
server -s 'ok*100,hang*8,ok'
server_pid=$pid
answered() { docassist annotate --status k.jsonl.ledger | grep -q '^requests.* 100 done'; }
start docassist annotate --base-url "$url" --concurrency 8 many.jsonl -o k.jsonl
ok "half of the documents are answered" wait_until 20 answered
kill -9 "$pid"
wait "$pid" 2>/dev/null
ok "nothing is there yet" test ! -e k.jsonl
run annotate --concurrency 8 many.jsonl -o k.jsonl
is_exit 0 "after kill -9 the same command goes on"
is "$(counts after_success)" 0 "... asking for nothing that was answered"
is "$(counts requests)" 208 "... and again only for the eight in flight"
same_file k.jsonl whole.jsonl "... and the output is that of an uninterrupted run"
kill "$server_pid"

# --- a full disk: a limit on the size of files acts like one ----------------------------
server -d 20
limited() { (trap '' XFSZ; ulimit -f 1000; annotate --concurrency 8 "$@"); }
run limited many.jsonl -o full.jsonl
is_exit 1 "a ledger that cannot grow"
like_stderr "^docassist: ledger 'full.jsonl.ledger': "
run annotate many.jsonl -o full.jsonl
is_exit 0 "with room again the same command goes on"
same_file full.jsonl whole.jsonl "... to the same output"
ok "... and not from the start: $(counts requests) requests" test "$(counts requests)" -lt 390
stop_server

# --- Ctrl-C ---------------------------------------------------------------------
server -d 50
server_pid=$pid
some() { [ "$(counts completions)" -ge 5 ]; }
start docassist annotate --base-url "$url" --concurrency 4 many.jsonl -o i.jsonl
wait_until 20 some
kill -TERM "$pid"
wait "$pid"
is $? 130 "an interrupt"
like_file bg.err "^docassist: interrupted; what was answered is kept: run the same command to" \
    "... says how to go on"
n=$(counts completions)
docassist annotate --status i.jsonl.ledger >status.txt
is "$(sed -n 's/^requests.*: \([0-9]*\) done.*/\1/p' status.txt)" "$n" \
    "... and keeps every reply that was paid for"
kill "$server_pid"

# --- people and rules -----------------------------------------------------------
cat >letter.jsonl <<'END'
{"id":"1","text":"The town council met on 4 March. It decided to close the old bridge for repairs. The work will cost 2 million euros and last until October. Buses take the northern road meanwhile. The council will report again in June."}
END
run docassist annotate letter.jsonl -o x.jsonl
is_exit 0 "without a key or server the extractive backend works"
is "$(json origin.model x.jsonl | sort -u)" "extractive-1" "... and is named"

done_testing
