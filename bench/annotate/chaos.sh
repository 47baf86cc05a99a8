#!/bin/sh
# 10,000 documents against a server that answers three in ten late, slowly, with errors, resets,
# half replies, wrong types, refusals or rubbish, at --rpm 6000: each ends as an annotation or a
# named failure, nothing is asked again after success, and by the server's own count the rate
# holds in any minute and any second. The server counts a request when its last byte reaches the
# machine, by the kernel's clock; when it got round to reading it is printed, too.
. "$(dirname "$0")/common.sh"
n=${1:-10000}
rpm=${2:-6000}
documents "$n" 60 >docs.jsonl
server -c 42
start=$(date +%s)
"$build/docassist" annotate docs.jsonl -o a.jsonl --errors e.jsonl --base-url "$url" --rpm "$rpm" ||
    [ $? -eq 3 ]
echo "seconds: $(($(date +%s) - start))"
counts
perl -MJSON::PP -ne '$n{decode_json($_)->{status}}++;
    END { printf "%6d %s\n", $n{$_}, $_ for sort keys %n }' \
    e.jsonl
sum=$(($(wc -l <a.jsonl) + $(wc -l <e.jsonl)))
verdict "$sum annotations and named failures of $n documents" "$sum" -eq "$n"
verdict "requests after success: $(count after_success)" "$(count after_success)" -eq 0
verdict "most requests in 60 s: $(count most_in_60s)" "$(count most_in_60s)" -le "$rpm"
tenth=$((rpm / 600))
[ $tenth -gt 2 ] || tenth=2
verdict "most requests in 1 s: $(count most_in_1s)" "$(count most_in_1s)" -le $((rpm / 60 + tenth))
echo "      as read by the server's process: $(count most_read_in_60s) in 60 s," \
    "$(count most_read_in_1s) in 1 s"
exit $failed
