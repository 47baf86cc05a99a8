#!/bin/sh
# docassist perplexity
. "$(dirname "$0")/lib.sh"

docassist model random --shape tiny --seed 7 --type f16 -o a.gguf
docassist model import a.gguf --type q8_0 -o b.gguf 2>/dev/null
printf 'The cat sat on the mat, and the dog sat beside it. ' >text
run docassist perplexity -m a.gguf --json text
is_exit 0
n=$(docassist tokenize --tokenizer a.gguf --count text)
is "$(json tokens)" "$((n - 1))" "every token but the first is scored"
cp "$out" first
run docassist perplexity -m a.gguf --json --threads 1 text
is_stdout_file first "the same whatever the threads"
run docassist perplexity -m a.gguf --kl-base a.gguf text
is_exit 0
like_stdout "^KL from base     0.000000 nats a token, at most 0.000000$"
like_stdout "^same best token  100.00 %$"
run docassist perplexity -m b.gguf --kl-base a.gguf --context 8 --json text
is_exit 0
is "$(json window)" 8 "window"
ok "8 bits are a little away" awk "BEGIN { exit !($(json kl) > 0 && $(json kl) < 0.01) }"
run docassist perplexity text
is_exit 2
run docassist perplexity -m a.gguf
is_exit 2

# Several texts in one file: as if each were scored alone.
printf 'A short one, which stands by itself.' >other
{ cat text; echo; echo '%%'; cat other; echo; } >both
echo >>text
echo >>other
for f in text other; do
    run docassist perplexity -m a.gguf --json "$f"
    echo "$(json tokens) $(json nll)" >>alone
done
run docassist perplexity -m a.gguf --json --separator %% both
is_exit 0
awk '{ n += $1; sum += $1 * $2 } END { printf "%d %.9f\n", n, sum / n }' alone >want
printf '%d %.9f\n' "$(json tokens)" "$(json nll)" >got
same_file got want "with --separator texts are scored one by one"
is "$(json texts)" 2 "... and counted"
{ cat both; echo '%%'; } >trailing
run docassist perplexity -m a.gguf --json --separator %% trailing
is "$(json texts)" 2 "... none behind a last separator"
{ cat text; printf '%%%%\r\n'; cat other; } >crlf
run docassist perplexity -m a.gguf --json --separator %% crlf
printf '%d %.9f\n' "$(json tokens)" "$(json nll)" >got
same_file got want "... with another system's line end behind the separator too"
run docassist perplexity -m a.gguf --kl-base b.gguf --context 8 --json --separator %% both
is_exit 0
run docassist perplexity -m a.gguf --separator '%%%' both
is_exit 0
like_stdout '^texts            1$'
is_stderr "docassist: warning: both: no line is '%%%': taken as one text"
run docassist perplexity -m a.gguf --separator '' both
is_exit 2
: >empty
run docassist perplexity -m a.gguf empty
is_exit 1
is_stderr "docassist: the text has too few tokens to score"

done_testing
