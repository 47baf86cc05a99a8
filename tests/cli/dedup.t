#!/bin/sh
# docassist dedup: clusters, their names, order and threads, dropping, bad input.
. "$(dirname "$0")/lib.sh"

# 60 documents of 200 words; "bNN" is "aNN" with one word changed, "cNN" with one word added to
# that. Of 196 five-word runs 5 change with a word: resemblance at least 186/206.
awk 'BEGIN {
    srand(4)
    for (i = 10; i < 40; i++) {
        a = ""; b = ""
        for (k = 0; k < 200; k++) {
            w = "w" int(rand() * 3000)
            a = a " " w
            b = b " " (k == 70 ? "changed" : w)
        }
        printf "{\"id\":\"a%d\",\"text\":\"%s.\",\"extra\":[1,null]}\n", i, a
        if (i % 3 == 0) printf "{\"id\":\"b%d\",\"text\":\"%s\"}\n", i, b
        if (i % 6 == 0)
            printf "{\"id\":\"c%d\",\"text\":\"%s added\",\"cluster_id\":\"old\"}\n", i, b
    }
    print "{\"id\":\"e1\",\"text\":\"\"}"
    print "{\"id\":\"e2\",\"text\":\" ... \"}"
}' >docs.jsonl

run docassist dedup docs.jsonl -o out.jsonl
is_exit 0
is_stdout "" "records go to the file"
is_stderr "docassist: 47 documents, 10 clusters of near duplicates,"\
" 15 documents beyond the first of their cluster"
is "$(wc -l <out.jsonl | tr -d ' ')" 47 "every document is written"
pairs='s/.*"id":"\(b..\)".*"cluster_id":"\([^"]*\)".*/\1=\2/p'
is "$(sed -n "$pairs" out.jsonl | head -2 | tr '\n' ' ')" \
    "b12=a12 b15=a15 " "the smallest id names a cluster"
is "$(grep -c '"cluster_id":"old"' out.jsonl)" 0 "an old cluster_id is replaced"
is "$(grep -c '"extra":\[1,null\]' out.jsonl)" 30 "other members pass through"
like_file out.jsonl '"id":"e1","text":"","cluster_id":"e1"' "documents without words stand alone"
like_file out.jsonl '"id":"e2".*"cluster_id":"e2"' "and with no word but marks"
is "$(ls | tr '\n' ' ')" "docs.jsonl out.jsonl out.jsonl.run.jsonl " "no temporary file stays"

sort -r docs.jsonl >reversed.jsonl
run docassist dedup --threads 3 reversed.jsonl -o reversed-out.jsonl
sort out.jsonl >a.sorted
sort reversed-out.jsonl >b.sorted
same_file b.sorted a.sorted "neither order nor threads change a record"

docassist dedup - <docs.jsonl >piped.jsonl 2>/dev/null
same_file piped.jsonl out.jsonl "standard input to standard output"
head -20 docs.jsonl >one.jsonl
tail -n +21 docs.jsonl >two.jsonl
docassist dedup one.jsonl two.jsonl >parts.jsonl 2>/dev/null
same_file parts.jsonl out.jsonl "several files are one corpus"

run docassist dedup docs.jsonl --drop -o dropped.jsonl
is_stderr "docassist: 47 documents, 10 clusters of near duplicates, 15 documents dropped"
is "$(grep -c . dropped.jsonl)" 32 "one document a cluster is left"
is "$(grep -c '"id":"[bc]' dropped.jsonl)" 0 "the document that names the cluster stays"

# --- the same file in two shards ---------------------------------------------------
mkdir files
for i in 1 2 3 4 5 6; do
    printf 'The same short text.\n' >"files/text-$i.txt"
    printf '* * *\n' >"files/marks-$i.txt"
done
for i in 0 1 2; do
    docassist ingest files --shard "$i/3" -q -o "shard$i.jsonl" 2>/dev/null
done
cat shard[012].jsonl >shards.jsonl
ok "shards have copies of each other's files" test "$(grep -c . shards.jsonl)" -gt 2
docassist dedup --drop -q shard0.jsonl shard1.jsonl shard2.jsonl -o apart.jsonl
is "$(json text apart.jsonl | sort)" '* * *
The same short text.' "--drop leaves each once, words or none"
docassist dedup --drop -q shard2.jsonl shard0.jsonl shard1.jsonl -o turned.jsonl
sort apart.jsonl >a.sorted
sort turned.jsonl >b.sorted
same_file b.sorted a.sorted "... the same one in any order"
is "$(json source.path apart.jsonl | sort | head -1)" \
    "$(json source.path shards.jsonl | sort | head -1)" "... that of the smallest path"
docassist dedup -q shards.jsonl -o kept.jsonl
is "$(json cluster_id kept.jsonl)" "$(json id shards.jsonl)" "without --drop they are one cluster"
printf '{"id":"x","text":"one text"}\n{"id":"x","text":"quite another"}\n' >changed.jsonl
run docassist dedup --drop -q changed.jsonl
is "$(json text)" 'one text' "records of one id are one document"

# --- a form letter: more documents of one kind than signatures are held -------------
awk 'BEGIN {
    srand(5)
    for (k = 0; k < 60; k++) form[k] = "f" int(rand() * 3000)
    for (i = 0; i < 20000; i++) {
        at = int(rand() * 60)
        text = ""
        for (k = 0; k < 60; k++) text = text " " (k == at ? "name" i : form[k])
        printf "{\"id\":\"%05d\",\"text\":\"%s\"}\n", i, text
    }
}' >letters.jsonl
docassist dedup --drop -q letters.jsonl >a.kept
sort -r letters.jsonl | docassist dedup --drop -q - | sort >b.kept
ok "20,000 letters of one form are a few clusters" test "$(grep -c . a.kept)" -lt 200
same_file b.kept a.kept "... in any order"

run docassist dedup docs.jsonl --threshold 1 -q
is "$(grep -c '"id":"b.*"cluster_id":"b' "$out")" 10 "at 1 only equal signatures join"
is_stderr "" "quiet"

: >empty.jsonl
run docassist dedup empty.jsonl -q
is_exit 0 "an empty file is an empty corpus"
is_stdout ""

printf '{"id":"x","text":"a"}\n{"id":"y"\n' >cut.jsonl
run docassist dedup cut.jsonl -o cut-out.jsonl
is_exit 1
is_stderr "docassist: cut.jsonl:2: invalid JSON at byte 9, after member 'id': the text ends inside an object"
printf '\n{"id":"y"}\n' >no-text.jsonl
run docassist dedup no-text.jsonl
is_exit 1
is_stderr "docassist: no-text.jsonl:2: member 'text' is missing"
run docassist dedup nowhere.jsonl
is_exit 1
is_stderr "docassist: cannot open 'nowhere.jsonl': No such file or directory"
run docassist dedup
is_exit 2
run docassist dedup docs.jsonl -o no/such/folder/out.jsonl
is_exit 1 "no folder for the output"
is "$(ls | grep -c -e index -e partial)" 0 "nothing is left behind by failures"

done_testing
