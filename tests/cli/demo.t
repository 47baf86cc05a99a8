#!/bin/sh
# The whole path, as `make demo` takes it: it ends with a leaderboard of four systems, and a second
# run gives the same bytes.
. "$(dirname "$0")/lib.sh"

run docassist model random --shape tiny --seed 1 -o tiny.gguf
is_exit 0 "a tiny model with random weights is made"

demo()
{
    run sh "$repo/examples/demo.sh" --program "$build/docassist" --model "$tmp/tiny.gguf" \
        --out "$tmp/$1"
}

demo one
is_exit 0 "the demo ends well"
like_stdout "^$tmp/one/leaderboard\.html \([0-9.]+ s in all\)\$" "... naming the page"
for system in lead3 textrank extractive random; do
    like_stdout "^\|.*$system" "... with $system in the table"
done
is_stderr "" "... and nothing on stderr"
ok "the page is there" test -s one/leaderboard.html
ok "... and fetches nothing" sh -c '! grep -E "(src|href)=\"(https?:)?//[^\"]*\.(js|css|png|woff)" one/leaderboard.html'

is "$(json '#' one/bench.json)" 6 "speed is measured at six lengths of the prompt"

is "$(json 'source.path' one/docs.jsonl | wc -l)" 18 "eighteen documents are read"
is "$(cat one/errors.jsonl)" "" "... all of them"
is "$(json 'truncated' one/docs.jsonl | grep -c true)" 3 "... three of them cut"
is "$(json 'id' one/unique.jsonl | wc -l)" 17 "... and one near copy is dropped"
is "$(json 'task' one/data/test.jsonl | sort | uniq -c | sed 's/^ *//')" "17 question_answering
17 question_suggestion
17 summarization" "three examples a document"
for kind in document:docs annotation:annotations example:data/test prediction:lead3 \
    prediction:textrank prediction:extractive prediction:model score:scores; do
    file=one/${kind#*:}.jsonl
    run docassist validate "${kind%%:*}" "$file"
    is_exit 0 "$file holds valid ${kind%%:*} records"
done

demo two
for file in docs.jsonl unique.jsonl annotations.jsonl data/test.jsonl lead3.jsonl extractive.jsonl \
    model.jsonl scores.jsonl; do
    same_file "two/$file" "one/$file" "a second run writes the same $file"
done

run sh "$repo/examples/demo.sh" --model nowhere.gguf --program "$build/docassist" --out "$tmp/x"
is_exit 1 "a model that is not there"
is_stderr "demo: cannot read model 'nowhere.gguf'" "... in one line"

done_testing
