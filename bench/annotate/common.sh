# shellcheck shell=sh
# Shared by the benchmarks of annotate: documents, a scripted server, its counts.
set -eu
repo=$(cd "$(dirname "$0")/../.." && pwd)
build=${DOCASSIST_BUILD:-$repo/build/release}
work=$(mktemp -d "${TMPDIR:-/tmp}/docassist-bench.XXXXXX")
server_pid=
cleanup()
{
    [ -z "$server_pid" ] || kill "$server_pid" 2>/dev/null || :
    rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
cd "$work"

# documents N WORDS: records like those of the paper (about 800 words are 800 tokens)
documents()
{
    perl -e 'my @w = qw(report audit water energy system model table figure result method value
                        of the and in to on a is was for with by at from);
        srand(7);
        for my $i (1 .. $ARGV[0]) {
            my @t = map { $w[rand @w] } 1 .. $ARGV[1];
            for (my $k = 11; $k < @t; $k += 12) { $t[$k] .= "." }
            printf qq({"schema":"docassist.document/1","id":"%016x","source":{"path":"d%d.txt"},) .
                   qq("n_tokens":%d,"tokenizer":"o200k_base","text":"Paper %d. %s"}\n),
                   $i * 7919, $i, $ARGV[1] * 1.1, $i, "@t";
        }' "$1" "$2"
}

# server ARGS...: sets $url
server()
{
    rm -f port
    "$build/tests/tools/fake_api" -p port "$@" &
    server_pid=$!
    while [ ! -s port ]; do sleep 0.05; done
    url=http://127.0.0.1:$(cat port)/v1
}
counts() { "$build/tests/tools/fake_api" -q port; }
count() { counts | perl -MJSON::PP -e 'print decode_json(<STDIN>)->{$ARGV[0]}' "$1"; }
stop_server() { kill "$server_pid"; wait "$server_pid" 2>/dev/null || :; server_pid=; }

# verdict NAME CONDITION...: says whether it holds; the script's exit code is kept in $failed
failed=0
verdict()
{
    name=$1
    shift
    if [ "$@" ]; then echo "ok    $name"; else echo "FAIL  $name"; failed=1; fi
}
