#!/bin/sh
# How annotate gets to a server: HTTP/2 over TLS with a private CA (nghttpx before our scripted
# server), through a proxy, and in the address form of Azure OpenAI.
. "$(dirname "$0")/lib.sh"

fake=$(tool fake_api)
perl -e 'for my $i (1 .. 60) {
    printf qq({"id":"%016x","source":{"path":"d%d.txt"},"text":"Paper %d tells of %s."}\n),
        $i, $i, $i, join " ", ("water") x 30;
}' >docs.jsonl
echo sk-secret >key
counts() { "$fake" -q port | json "$1" /dev/stdin; }
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1")->sockport'; }
listens() { perl -MIO::Socket::INET -e 'exit !IO::Socket::INET->new($ARGV[0])' "127.0.0.1:$1"; }

# --- Azure OpenAI ------------------------------------------------------------------------
# Form of address and header: Azure OpenAI REST API reference, "Chat completions".
cat >record.pl <<'END'
use IO::Socket::INET;
my $s = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1", ReuseAddr => 1) or die;
open my $p, ">", "rport.new"; print $p $s->sockport, "\n"; close $p; rename "rport.new", "rport";
while (my $c = $s->accept) {
    my ($in, $n) = ("", 0);
    while (sysread $c, $n, 65536) {
        $in .= $n;
        last if $in =~ /^(.*?\r\n\r\n)(.*)$/s && length $2 >= ($1 =~ /content-length: (\d+)/i)[0];
    }
    open my $f, ">", "head.new"; print $f $in =~ /^(.*?)\r\n\r\n/s; close $f;
    rename "head.new", "head";
    print $c "HTTP/1.1 401 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    close $c;
}
END
start perl record.pl
recorder=$pid
wait_until 10 test -s rport
run docassist annotate docs.jsonl -o z.jsonl --api-key-file key --model gpt-4o-mini \
    --base-url "http://127.0.0.1:$(cat rport)/openai/deployments/mini" --api-version 2024-10-21
is_exit 1 "Azure: the recorder refuses the key"
tr -d '\r' <head >head.txt
like_file head.txt \
    '^POST /openai/deployments/mini/chat/completions\?api-version=2024-10-21 HTTP/1\.1$' \
    "... deployment and api-version are in the address"
like_file head.txt '^api-key: sk-secret$' "... the key is in api-key"
is "$(grep -ci '^authorization' head.txt)" 0 "... and nowhere else"
kill "$recorder"

# --- HTTP/2, a private CA, a proxy ----------------------------------------------------------
nghttpx=$(command -v nghttpx || ls /usr/sbin/nghttpx 2>/dev/null)
if [ -z "$nghttpx" ] || ! command -v openssl >/dev/null; then
    skip "no nghttpx or no openssl" "HTTP/2 over TLS and through a proxy"
    done_testing
    exit
fi
openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=test-ca \
    -addext basicConstraints=critical,CA:TRUE >/dev/null 2>&1
openssl req -newkey rsa:2048 -nodes -keyout k.pem -out k.csr -subj /CN=localhost >/dev/null 2>&1
printf 'subjectAltName=DNS:localhost,DNS:api.test\n' >names
openssl x509 -req -in k.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile names \
    -out c.pem >/dev/null 2>&1
start "$fake" -p port -k sk-secret -d 20
wait_until 10 test -s port
tls_port=$(free_port)
start "$nghttpx" --no-ocsp -f"127.0.0.1,$tls_port" -b"127.0.0.1,$(cat port)" \
    --accesslog-file="$tmp/access.log" --accesslog-format='$alpn $request' --workers=1 \
    --errorlog-file="$tmp/nghttpx.log" k.pem c.pem
wait_until 10 listens "$tls_port"
run docassist annotate docs.jsonl -o a.jsonl --base-url "https://localhost:$tls_port/v1" \
    --api-key-file key
is_exit 1 "a private CA nobody told of"
is "$(counts requests)" 0 "... nothing is sent"
run docassist annotate docs.jsonl -o a.jsonl --base-url "https://localhost:$tls_port/v1" \
    --api-key-file key --ca-file ca.pem
is_exit 0 "--ca-file"
is "$(wc -l <a.jsonl) $(counts requests)" "60 60" "... every document asked once"
is "$(sed 's/ .*//' access.log | sort | uniq -c | tr -s ' ')" " 60 h2" "... over HTTP/2"

cat >proxy.pl <<'END'
use IO::Socket::INET; use IO::Select;
my ($port) = @ARGV;
my $s = IO::Socket::INET->new(Listen => 20, LocalAddr => "127.0.0.1") or die;
open my $p, ">", "pport.new"; print $p $s->sockport, "\n"; close $p; rename "pport.new", "pport";
my ($sel, %peer) = (IO::Select->new($s));
while (my @r = $sel->can_read) {
    for my $c (@r) {
        if ($c == $s) {
            my $n = $s->accept;
            my ($in, $b) = ("");
            $in .= $b while $in !~ /\r\n\r\n/ && sysread $n, $b, 1;
            open my $f, ">>", "proxy.log"; print $f $in =~ /^(.*?)\r\n/s, "\n"; close $f;
            my $up = IO::Socket::INET->new("127.0.0.1:$port") or next;
            syswrite $n, "HTTP/1.1 200 OK\r\n\r\n";
            ($peer{$n}, $peer{$up}) = ($up, $n);
            $sel->add($n, $up);
            next;
        }
        my $o = $peer{$c} or next;
        if (sysread $c, my $data, 65536) { print $o $data; $o->flush }
        else { $sel->remove($c, $o); delete @peer{$c, $o}; close $c; close $o }
    }
}
END
start perl proxy.pl "$tls_port"
wait_until 10 test -s pport
HTTPS_PROXY=http://127.0.0.1:$(cat pport) run docassist annotate docs.jsonl -o p.jsonl \
    --base-url "https://api.test/v1" --api-key-file key --ca-file ca.pem
is_exit 0 "through HTTPS_PROXY"
is "$(sort -u proxy.log)" "CONNECT api.test:443 HTTP/1.1" "... which sees a tunnel and no request"
HTTPS_PROXY=http://127.0.0.1:$(cat pport) NO_PROXY=localhost run docassist annotate docs.jsonl \
    -o q.jsonl --base-url "https://localhost:$tls_port/v1" --api-key-file key --ca-file ca.pem
is_exit 0 "NO_PROXY"
is "$(sort -u proxy.log | wc -l)" 1 "... goes around it"

done_testing
