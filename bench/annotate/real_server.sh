#!/bin/sh
# Documents against an inference server that is not ours: llama.cpp's, which LLAMA_PYTHON, a Python
# with the package xllamacpp, starts (llama_server.py). Its replies are constrained to our schema by
# its grammars; the model has random weights. Noise ends a string by chance, so that there are
# annotations and replies that reach their limit: every document must end as one of the two.
# Token counts: ledger and records hold what the server said, and every prompt, laid out by the
# server itself (/apply-template), has as many tokens by our tokenizer.
. "$(dirname "$0")/common.sh"
n=${1:-20}
documents "$n" 100 >docs.jsonl
"$build/docassist" model random -q --shape tiny-llama --type f16 -o m.gguf
# The prompt is longer than the shape's context: let the server take it.
perl -0777 -pi -e 's/(llama\.context_length\x04\x00\x00\x00).{4}/$1 . pack("V", 8192)/es' m.gguf
"${LLAMA_PYTHON:?a Python with xllamacpp}" "$repo/bench/annotate/llama_server.py" m.gguf port \
    >server.log 2>&1 &
server_pid=$!
i=0
until [ -s port ]; do
    i=$((i + 1))
    [ $i -lt 600 ] || { tail -n 5 server.log; exit 1; }
    sleep 0.2
done
sed -n '/^xllamacpp /p' server.log
at=http://127.0.0.1:$(cat port)
url=$at/v1
asked="--model noise --no-price --temperature 1 --seed 7 --max-tokens ${MAX_TOKENS:-400}"
start=$(date +%s)
# shellcheck disable=SC2086
"$build/docassist" annotate docs.jsonl -o a.jsonl --errors e.jsonl --base-url "$url" $asked \
    --concurrency 4 --keep-failed || [ $? -eq 3 ]
echo "seconds: $(($(date +%s) - start))"
sum=$(($(wc -l <a.jsonl) + $(wc -l <e.jsonl)))
verdict "$(wc -l <a.jsonl) annotations and $(wc -l <e.jsonl) named failures of $n documents" \
    "$sum" -eq "$n"
perl -MJSON::PP -ne '$d = decode_json($_); $n{"$d->{status}: " . substr $d->{detail}, 0, 80}++;
    END { printf "%6d %s\n", $n{$_}, $_ for sort keys %n }' e.jsonl

sqlite3 a.jsonl.ledger 'SELECT reply FROM try WHERE outcome = 1' >replies
theirs=$(perl -MJSON::PP -ne '$u = decode_json($_)->{usage}; $p += $u->{prompt_tokens};
    $c += $u->{completion_tokens}; END { print "$p $c" }' replies)
ours=$("$build/docassist" annotate --status a.jsonl.ledger |
    sed -n 's/^tokens *\([0-9]*\) .*, \([0-9]*\) completion$/\1 \2/p')
verdict "tokens of $(wc -l <replies) replies: $ours in the ledger, $theirs by the server" \
    "$ours" = "$theirs"
equal=0
k=0
while read -r doc; do
    printf '%s\n' "$doc" >one.jsonl
    # shellcheck disable=SC2086
    "$build/docassist" annotate --show-prompt --base-url "$url" $asked one.jsonl >request
    curl -sf "$at/apply-template" -d @request | perl -MJSON::PP -e 'local $/;
        binmode STDOUT, ":utf8"; print decode_json(<STDIN>)->{prompt}' >prompt
    count=$("$build/docassist" tokenize --tokenizer m.gguf --count --add-special --parse-special \
        <prompt)
    id=$(perl -MJSON::PP -e 'print decode_json($ARGV[0])->{id}' "$doc")
    told=$(sqlite3 a.jsonl.ledger "SELECT json_extract(reply, '\$.usage.prompt_tokens')
        FROM try JOIN request ON request.id = request WHERE item = '$id' AND outcome = 1
        AND variant < 2 LIMIT 1")
    [ -n "$told" ] || continue # no reply came of it
    k=$((k + 1))
    [ "$count" = "$told" ] && equal=$((equal + 1)) || echo "      $id: $count by us, $told by it"
done <docs.jsonl
verdict "prompts with equal counts: $equal of $k that were answered" "$equal" -eq "$k"
verdict "most were answered" "$k" -ge $((n * 9 / 10))
exit $failed
