#!/bin/sh
# HTTP/2 over TLS with a private CA, against a server that is not ours (the `h2` package). H2_PYTHON
# names a Python that has it. 1,000 documents, 64 open: all over HTTP/2, no connection carries more
# than 16 streams, and when the server cuts one of them without warning, no more than 16 requests
# are lost and asked again.
. "$(dirname "$0")/common.sh"
n=${1:-1000}
python=${H2_PYTHON:?a Python with the h2 package}
documents "$n" 60 >docs.jsonl
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=bench-ca \
    -addext basicConstraints=critical,CA:TRUE >/dev/null 2>&1
openssl req -newkey rsa:2048 -nodes -keyout key.pem -out key.csr -subj /CN=localhost >/dev/null 2>&1
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\n' >names
openssl x509 -req -in key.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
    -out cert.pem >/dev/null 2>&1
echo sk-bench >key
h2_server() # [RESET_EVERY]
{
    rm -f port
    "$python" "$repo/bench/annotate/h2_server.py" port cert.pem key.pem stats "$@" &
    server_pid=$!
    while [ ! -s port ]; do sleep 0.05; done
    url=https://localhost:$(cat port)/v1
}
stat() { perl -MJSON::PP -e 'local $/; open F, "stats"; my $s = decode_json(<F>);
    my $v = $s->{$ARGV[0]}; print ref $v ? (sort { $b <=> $a } @$v, 0)[0] : $v' "$1"; }
ask() { "$build/docassist" annotate -q docs.jsonl -o "$1" --base-url "$url" --api-key-file key \
    --ca-file ca.pem; }

h2_server
"$build/docassist" annotate -q docs.jsonl -o no.jsonl --base-url "$url" --api-key-file key \
    2>untrusted && code=0 || code=$?
verdict "without --ca-file the key is not sent (exit code $code)" $code -eq 1
ask a.jsonl
stop_server
verdict "$(wc -l <a.jsonl) of $n annotated over HTTP/2" "$(wc -l <a.jsonl)" -eq "$n"
verdict "requests: $(stat requests)" "$(stat requests)" -eq "$n"
verdict "most streams on one of $(stat connections) connections: $(stat most_streams)" \
    "$(stat most_streams)" -le 16
h2_server 150
ask b.jsonl
stop_server
verdict "$(stat cuts) connections cut: $(wc -l <b.jsonl) of $n annotated" \
    "$(wc -l <b.jsonl)" -eq "$n"
verdict "most requests lost with a connection: $(stat lost)" "$(stat lost)" -le 16
verdict "asked again: $(($(stat requests) - n)) at most" \
    $(($(stat requests) - n)) -le $(($(stat cuts) * 16))
cmp a.jsonl b.jsonl && same=1 || same=0
verdict "the output is the same" $same -eq 1
exit $failed
