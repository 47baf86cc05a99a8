#!/bin/sh
# Documents against an inference server that is not ours: llama.cpp's llama-server, its replies
# constrained to our schema by its grammars, on a model with random weights and a real tokenizer.
# LLAMA_SERVER names the program; it can be built from the sources that the npm package
# node-llama-cpp brings (llama/gitRelease.bundle). TOKENIZER names a GGUF file with a tokenizer.
#
# Every document must end as an annotation or a named failure. Noise ends a string by chance, so
# both kinds are seen. Token counts: what records and ledger hold is what the server said; and the
# prompt, laid out by the server itself (/apply-template), has as many tokens by our tokenizer.
. "$(dirname "$0")/common.sh"
n=${1:-20}
llama=${LLAMA_SERVER:?the llama-server program}
tokenizer=${TOKENIZER:-$repo/../shared/tokenizers/ggml-vocab-llama-bpe.gguf}
documents "$n" 100 >docs.jsonl
"$build/docassist" model random -q --shape tiny-llama --type f16 --tokenizer "$tokenizer" -o m.gguf
port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1,
    LocalAddr => "127.0.0.1")->sockport')
"$llama" -m m.gguf --host 127.0.0.1 --port "$port" -c 32768 -np 4 -t 2 \
    --override-kv llama.context_length=int:8192 >server.log 2>&1 &
server_pid=$!
url=http://127.0.0.1:$port/v1
i=0
until curl -sf "http://127.0.0.1:$port/health" >health; do
    i=$((i + 1))
    [ $i -lt 300 ] || { tail -n 5 server.log; exit 1; }
    sleep 0.2
done
"$llama" --version 2>&1 | sed -n 's/^version: /llama.cpp /p'
start=$(date +%s)
"$build/docassist" annotate docs.jsonl -o a.jsonl --errors e.jsonl --base-url "$url" --model noise \
    --no-price --concurrency 4 --temperature 1 --seed 7 --max-tokens 700 --timeout 120 \
    --keep-failed || [ $? -eq 3 ]
echo "seconds: $(($(date +%s) - start))"
sum=$(($(wc -l <a.jsonl) + $(wc -l <e.jsonl)))
verdict "$sum annotations ($(wc -l <a.jsonl)) and named failures of $n documents" "$sum" -eq "$n"
perl -MJSON::PP -ne '$n{decode_json($_)->{status}}++;
    END { printf "%6d %s\n", $n{$_}, $_ for sort keys %n }' e.jsonl
verdict "annotations that noise made: $(wc -l <a.jsonl)" "$(wc -l <a.jsonl)" -gt 0

# The ledger's sums are those of the stored replies.
sqlite3 a.jsonl.ledger 'SELECT reply FROM try WHERE outcome = 1' >replies
theirs=$(perl -MJSON::PP -ne '$u = decode_json($_)->{usage}; $p += $u->{prompt_tokens};
    $c += $u->{completion_tokens}; END { print "$p $c" }' replies)
ours=$("$build/docassist" annotate --status a.jsonl.ledger |
    sed -n 's/^tokens *\([0-9]*\) .*, \([0-9]*\) completion$/\1 \2/p')
echo "replies: $(wc -l <replies)"
verdict "prompt and completion tokens: $ours in the ledger, $theirs by the server" \
    "$ours" = "$theirs"

# Every document's prompt, laid out by the server and counted by us, against usage.prompt_tokens.
equal=0
k=0
while read -r doc; do
    k=$((k + 1))
    printf '%s\n' "$doc" >one.jsonl
    "$build/docassist" annotate --show-prompt --base-url "$url" --model noise --no-price \
        --temperature 1 --seed 7 --max-tokens 700 one.jsonl >request
    curl -sf "http://127.0.0.1:$port/apply-template" -d @request |
        perl -MJSON::PP -e 'local $/; binmode STDOUT, ":utf8"; print decode_json(<STDIN>)->{prompt}' \
            >prompt
    count=$("$build/docassist" tokenize --tokenizer m.gguf --count --add-special --parse-special \
        <prompt)
    id=$(perl -MJSON::PP -e 'print decode_json($ARGV[0])->{id}' "$doc")
    told=$(sqlite3 a.jsonl.ledger "SELECT json_extract(reply, '\$.usage.prompt_tokens')
        FROM try JOIN request ON request.id = request WHERE item = '$id' AND outcome = 1
        AND variant < 2 LIMIT 1")
    [ "$count" = "$told" ] && equal=$((equal + 1)) || echo "      $id: $count by us, $told by it"
done <docs.jsonl
verdict "prompts with equal counts: $equal of $k" "$equal" -eq "$k"
exit $failed
