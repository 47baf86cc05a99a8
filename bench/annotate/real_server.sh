#!/bin/sh
# Documents against an inference server that is not ours: llama.cpp behind llama_server.mjs, with
# the replies constrained to our schema. NODE_LLAMA names a folder in which
# `npm install node-llama-cpp` was run, MODEL a GGUF file. A small model rarely ends a string: its
# documents end as failures by name. Token counts must equal the server's.
. "$(dirname "$0")/common.sh"
n=${1:-20}
model=${MODEL:-$repo/../shared/models/stories260K/stories260K-f32.gguf}
documents "$n" 30 >docs.jsonl
cp "$repo/bench/annotate/llama_server.mjs" "${NODE_LLAMA:?a folder with node_modules}/bench.mjs"
(cd "$NODE_LLAMA" && exec node bench.mjs "$model" "$work/port") &
server_pid=$!
while [ ! -s port ]; do sleep 0.2; done
url=http://127.0.0.1:$(cat port)/v1
"$build/docassist" annotate docs.jsonl -o a.jsonl --errors e.jsonl --base-url "$url" --model llama \
    --no-price --concurrency 2 --max-tokens 200 || [ $? -eq 3 ]
sum=$(($(wc -l <a.jsonl) + $(wc -l <e.jsonl)))
verdict "$sum annotations and named failures of $n documents" "$sum" -eq "$n"
perl -MJSON::PP -ne '$n{decode_json($_)->{status}}++;
    END { printf "%6d %s\n", $n{$_}, $_ for sort keys %n }' e.jsonl

# The first document's prompt, counted by us and, as the ledger tells, by llama.cpp.
head -n 1 docs.jsonl >one.jsonl
"$build/docassist" annotate -q one.jsonl -o one.out --ledger one.ledger --base-url "$url" \
    --model llama --no-price --max-tokens 16 || :
theirs=$("$build/docassist" annotate --status one.ledger | sed -n 's/^tokens *\([0-9]*\) .*/\1/p')
"$build/docassist" annotate --show-prompt --base-url "$url" --model llama --no-price one.jsonl |
    perl -MJSON::PP -e 'local $/; binmode STDOUT, ":utf8";
        print join "\n", map { "$_->{role}: $_->{content}" } @{decode_json(<STDIN>)->{messages}}' \
        >one.txt
ours=$("$build/docassist" tokenize --tokenizer "$model" --count <one.txt)
tries=$("$build/docassist" annotate --status one.ledger | sed -n 's/^tries *\([0-9]*\):.*/\1/p')
verdict "prompt tokens: $ours by us, $((theirs / tries)) by the server" \
    "$((ours * tries))" -eq "$theirs"
exit $failed
