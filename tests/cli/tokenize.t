#!/bin/sh
# docassist tokenize. Ids: tiktoken 0.14.0 (o200k_base, cl100k_base).
. "$(dirname "$0")/lib.sh"

printf 'Hello world, \344\275\240\345\245\275 123456\n' >text
printf 'a<|endoftext|>b' >special

run docassist tokenize --tokenizer o200k_base text
is_exit 0
is_stdout "[13225,2375,11,220,177519,220,7633,19354,198]" "o200k_base"
is_stderr ""
run docassist tokenize -t cl100k_base text
is_stdout "[9906,1917,11,220,57668,53901,220,4513,10961,198]" "cl100k_base"
run docassist tokenize -t o200k_base --count text special
is_stdout "9
9" "a count for each file"
run docassist tokenize -t o200k_base <text
is_stdout "[13225,2375,11,220,177519,220,7633,19354,198]" "standard input"
run docassist tokenize -t o200k_base --parse-special special
is_stdout "[64,199999,65]" "special text as a control token"
run docassist tokenize -t o200k_base </dev/null
is_stdout "[]" "no text, no ids"

printf '{"text":"Hello"}\n\n{"text":"","x":1}\n' >rows
run docassist tokenize -t o200k_base --jsonl rows
is_exit 0
is_stdout '{"ids":[13225]}
{"ids":[]}' "rows"
run docassist tokenize -t o200k_base --jsonl - --count <rows
is_stdout '{"count":1}
{"count":0}' "counts of rows"
printf '{"text":"Hello"}\n{"txt":"x"}\n' >rows
run docassist tokenize -t o200k_base --jsonl rows
is_exit 1
is_stderr "docassist: rows:2: member 'text' is missing"

run docassist tokenize text
is_exit 2
is_stderr "docassist tokenize: --tokenizer is missing
Try 'docassist tokenize --help'."
run docassist tokenize -t nosuch text
is_exit 1
is_stderr "docassist: tokenizer 'nosuch': no such file, and no built-in vocabulary (o200k_base, cl100k_base)"
run docassist tokenize -t text text
is_exit 1
is_stderr "docassist: tokenizer 'text': no kind of file that holds a tokenizer"
run docassist tokenize -t o200k_base nowhere
is_exit 1
is_stderr "docassist: cannot open 'nowhere': No such file or directory"

printf '{"model":{"type":"WordLevel"}}' >t.json
run docassist tokenize -t t.json text
is_exit 1
is_stderr "docassist: t.json: model type 'WordLevel' is not supported"
printf '{"model":{"type":"BPE","vocab":{"a":0},"merges":[]},"normalizer":{"type":"Odd"}}' >t.json
run docassist tokenize -t t.json text
is_exit 1
is_stderr "docassist: t.json: normalizer 'Odd' is not supported" "parts are refused by name"
done_testing
