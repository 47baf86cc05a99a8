#!/bin/sh
#     throughput.sh [N] [WORDS]
#
# 82,850 documents (the paper's corpus, arXiv 2411.09944) of WORDS words against a server on
# loopback that answers at once; ledger and checks on. Our own CPU time and memory. The default
# makes requests of 9 kB; 800 words are the paper's mean of 879 tokens, and 11 kB.
# With OPENAI_PYTHON naming a Python that has the official openai package, its asyncio client
# sends the same requests side by side.
. "$(dirname "$0")/common.sh"
n=${1:-82850}
documents "$n" "${2:-440}" >docs.jsonl
server
# run COMMAND...: prints seconds of CPU and the peak of memory of the command alone
run()
{
    perl -e 'use POSIX ();
        my $pid = fork; if (!$pid) { open STDOUT, ">", "/dev/null"; exec @ARGV; exit 1 }
        my $peak = 0;
        while (waitpid($pid, POSIX::WNOHANG()) == 0) {
            if (open my $f, "<", "/proc/$pid/status") {
                while (<$f>) { $peak = $1 if /^VmHWM:\s+(\d+)/ && $1 > $peak }
            }
            select undef, undef, undef, 0.05;
        }
        my (undef, undef, $u, $s) = POSIX::times() ? (POSIX::times())[0, 1, 3, 4] : ();
        my $hz = POSIX::sysconf(POSIX::_SC_CLK_TCK());
        printf "%.2f %.0f %d\n", ($u + $s) / $hz, $peak / 1024, $? >> 8;' "$@"
}
report() # NAME N CPU MIB
{
    perl -e 'printf "%-28s %6d requests  %7.2f s CPU  %6.0f requests a second of CPU  %4d MiB\n",
        @ARGV[0, 1, 2], $ARGV[1] / $ARGV[2], $ARGV[3]' "$1" "$2" "$3" "$4"
}
uname -m
sed -n 's/^model name.*: //p' /proc/cpuinfo | head -n 1
head -n 1 docs.jsonl >one.jsonl
"$build/docassist" annotate --show-prompt --base-url "$url" one.jsonl | wc -c |
    sed 's/$/ bytes a request/'
set -- $(run "$build/docassist" annotate -q docs.jsonl -o a.jsonl --base-url "$url")
report docassist "$n" "$1" "$2"
verdict "exit code $3" "$3" -eq 0
verdict "all annotated" "$(wc -l <a.jsonl)" -eq "$n"
verdict "memory below 100 MiB" "$2" -lt 100
verdict "at least 3,000 a second" "$(perl -e 'print int($ARGV[0] / $ARGV[1])' "$n" "$1")" -ge 3000
if [ -n "${OPENAI_PYTHON:-}" ]; then
    k=$((n < 4000 ? n : 4000))
    head -n $k docs.jsonl >few.jsonl
    set -- $(run "$OPENAI_PYTHON" "$repo/bench/annotate/openai_client.py" few.jsonl "$url")
    report "openai (asyncio, 64 open)" $k "$1" "$2"
fi
exit $failed
