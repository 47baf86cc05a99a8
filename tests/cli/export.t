#!/bin/sh
# docassist export: the format of the examples, splits and their persistence, the card.
. "$(dirname "$0")/lib.sh"

# annotation ID CLUSTER TEXT
annotation()
{
    printf '{"schema":"docassist.annotation/1","id":"%s",' "$1"
    printf '"summarization":{"request":"Sum up.","response":"S %s."},' "$1"
    printf '"question_suggestion":{"request":"Suggest.","response":["A?","B?","C?"]},'
    printf '"question_answering":{"request":"Who?","response":"Me."},"checks":{},'
    printf '"origin":{"model":"written","snapshot":null,"system_fingerprint":null,'
    printf '"prompt_sha256":null,"params":{},'
    printf '"usage":{"prompt_tokens":null,"completion_tokens":null},"version":"x"},'
    printf '"document":{"schema":"docassist.document/1","id":"%s","cluster_id":"%s",' "$1" "$2"
    printf '"type":"letter","text":"%s","n_tokens":7,' "$3"
    printf '"language":{"code":"en","confidence":1},"meta":{"licence":"CC0-1.0"}}}\n'
}

annotation d1 d1 'Hello & \"you\".' >one.jsonl
run docassist export one.jsonl -o one --split 0/0/100
is_exit 0
is_stdout ""
is_stderr "docassist: 1 annotations into 'one': 0 train, 0 validation, 3 test examples"
is "$(ls one | tr '\n' ' ')" "README.md splits.tsv test.jsonl " "no file for an empty split"
is "$(cat one/splits.tsv)" "$(printf 'id\tcluster_id\tsplit\nd1\td1\ttest')" "splits.tsv"

system=$(sed -e ':a' -e 'N' -e '$!ba' -e 's/\n/\\n/g' "$repo/prompts/slimlm/system.txt")
row()
{
    printf '{"schema":"docassist.example/1","id":"d1/%s","doc_id":"d1","task":"%s",' "$1" "$2"
    printf '"document":"Hello & \\"you\\".","request":"%s","response":"%s",' "$3" "$4"
    printf '"messages":[{"role":"system","content":"%s"},' "$system"
    printf '{"role":"user","content":"<document>\\nHello & \\"you\\".\\n</document>\\n\\n'
    printf '<request>\\n%s\\n</request>"},' "$3"
    printf '{"role":"assistant","content":"<intent>: %s\\n<response>\\n' "$2"
    printf '%s\\n</response>"}],"split":"test"}\n' "$4"
}
{
    row summ summarization "Sum up." "S d1."
    row qs question_suggestion "Suggest." '1. A?\n2. B?\n3. C?'
    row qa question_answering "Who?" "Me."
} | sed 's/%n/\\n/g' >want.jsonl
same_file one/test.jsonl want.jsonl "the released model's format, byte for byte"
run docassist validate example one/test.jsonl
is_exit 0 "examples are valid"

run docassist export - -o pc --split 100/0/0 --format prompt-completion -q <one.jsonl
is_exit 0 "standard input"
is_stderr ""
document='<document>\\nHello & \\"you\\".\\n</document>\\n\\n<request>\\nWho\?\\n</request>'
answer='<intent>: question_answering\\n<response>\\nMe\.\\n</response>'
like_file pc/train.jsonl \
    "\"prompt\":\".* the request:\\\\n\\\\n $document\",\"completion\":\"$answer\",\"split\":\"train\"" \
    "the raw prompt of the released model"
is "$(grep -c messages pc/train.jsonl)" 0 "no chat beside it"
run docassist validate example pc/train.jsonl
is_exit 0 "these examples are valid too"
is "$(ls -A pc | tr '\n' ' ')" "README.md splits.tsv train.jsonl " "nothing temporary is left"

like_file one/README.md '^license: cc0-1.0$' "card: licence"
like_file one/README.md '^- expert-generated$' "card: who annotated"
like_file one/README.md '^  - split: test$' "card: split"
like_file one/README.md "^    num_bytes: $(wc -c <one/test.jsonl | tr -d ' ')$" "card: bytes"
is "$(grep -c 'split: train' one/README.md)" 0 "card: no split without examples"

i=0
while [ $i -lt 400 ]; do
    annotation "d$i" "c$((i / 2))" "Text $i."
    i=$((i + 1))
done >many.jsonl
run docassist export many.jsonl -o many --split 80/10/10
is_exit 0
torn='NR > 1 { if ($2 in s && s[$2] != $3) bad = 1; s[$2] = $3 } END { print bad + 0 }'
is "$(awk -F'\t' "$torn" many/splits.tsv)" 0 \
    "a cluster stands in one split"
n=$(grep -c 'train$' many/splits.tsv)
ok "80 percent train, within 5 standard deviations of a draw" test "$n" -ge 260 -a "$n" -le 380
sort -r many.jsonl >many-r.jsonl
docassist export many-r.jsonl -o many-r --split 80/10/10 -q
sort many/splits.tsv >a
sort many-r/splits.tsv >b
same_file b a "the order of the input changes no split"
docassist export many.jsonl -o many-s --split 80/10/10 --seed 1 -q
ok "another seed draws otherwise" sh -c '! cmp -s many/splits.tsv many-s/splits.tsv'

# A test document whose summary a training document repeats, one with a third of its text in it,
# and one with nothing but a common name.
long='one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen'
words() { awk -v p="$1" 'BEGIN { for (i = 0; i < 60; i++) printf "%s%d ", p, i }'; }
{
    annotation t1 t1 "$long and more $(words t)"
    annotation e1 e1 "Nothing in common here." | sed "s/\"S e1\.\"/\"$long\"/"
    annotation e2 e2 "$(words e) $(words t)"
    annotation e3 e3 "$(words f) thirteen fourteen fifteen"
} >leak.jsonl
printf 'id\tcluster_id\tsplit\nt1\tt1\ttrain\ne1\te1\ttest\ne2\te2\tvalidation\ne3\te3\ttest\n' >leak.tsv
run docassist export leak.jsonl -o leak --splits-from leak.tsv
is_exit 0
like_stderr '^docassist: warning: 2 documents of validation and test share much with earlier splits;'
like_file leak/README.md '^\| validation \| 1 \| 1 \|$' "card: contamination of validation"
like_file leak/README.md '^\| test \| 1 \| 1 \|$' "card: contamination of test"
run docassist export leak.jsonl -o clean --splits-from leak.tsv --decontaminate
like_stderr "^docassist: 'e1' is left out: earlier splits give it away$"
is "$(sed 's/.*"id":"\([^/]*\).*/\1/' clean/*.jsonl | sort -u | tr '\n' ' ')" "e3 t1 " \
    "--decontaminate leaves contaminated documents out"
ls clean | grep -q validation && fail "an emptied split has no file" || pass "an emptied split has no file"

# Kept assignments: n1 joins o1; n2's cluster is torn; n3 is new.
printf 'id\tcluster_id\tsplit\no1\to1\ttest\no2\to2\ttrain\no3\to3\tvalidation\n' >old.tsv
printf 'gone\tgone\ttest\n' >>old.tsv
{
    annotation o1 k1 a
    annotation n1 k1 b
    annotation o2 k2 c
    annotation o3 k2 d
    annotation n2 k2 e
    annotation n3 n3 f
    annotation n4 gone g
} >new.jsonl
run docassist export new.jsonl -o new --splits-from old.tsv --split 100/0/0
is_exit 0
is_stderr "docassist: warning: 'n2' is left out: near duplicates of it stand in two splits
docassist: 7 annotations into 'new': 6 train, 3 validation, 9 test examples"
is "$(tail -n +2 new/splits.tsv | tr '\t' ',')" "o1,k1,test
o2,k2,train
o3,k2,validation
gone,gone,test
n1,k1,test
n3,n3,train
n4,gone,test" "old documents stay, new ones follow the oldest of their cluster"
like_file new/README.md '^1 documents were left out' "the card says so"

# A sample for people, filled in by two of them as a spreadsheet would save it.
run docassist export many.jsonl -o many --split 80/10/10 --sample 4 -q
is_exit 0
sed -n 's|^\(d[0-9]*/[a-z]*\),[a-z]*,\([a-z_]*\),.*|\1,\2|p' many/review.csv >sampled
is "$(wc -l <sampled | tr -d ' ')" 4 "--sample writes four rows"
printf 'yes,4,\nyes,5,"fine, really"\nno,2,\n,,not read\n' >ratings
{
    echo "id,task,faithful,helpful,comment"
    paste -d, sampled ratings
} >anna.csv
printf 'Y;4;\nN;5;\nn;2;\n' >ratings
{
    printf '\357\273\277id;task;faithful;helpful;comment\n'
    head -n 3 sampled | tr , ';' | paste -d';' - ratings
} | sed 's/$/\r/' >ben.csv
run docassist export --agreement anna.csv ben.csv
is_exit 0
# faithful: 3 units, one disagrees; alpha = 1 - 5 * 2 / (36 - 18) by hand. helpful: all equal.
like_stdout '^2 reviewers$'
like_stdout '^faithful  all                      3       3   0\.500      0\.667   0\.444$'
like_stdout '^helpful   all                      3       3   3\.667      1\.000   1\.000$'
printf 'id,task,faithful,helpful\nx/qa,question_answering,maybe,\n' >bad.csv
run docassist export --agreement bad.csv
is_exit 1
is_stderr "docassist: bad.csv: row 2: faithful 'maybe' is neither yes nor no"
run docassist export --agreement
is_exit 2

run docassist export one.jsonl
is_exit 2
is_stderr "docassist export: --output is missing
Try 'docassist export --help'."
run docassist export one.jsonl -o x --split 50/50
is_exit 2
is_stderr "docassist export: split '50/50' is not three percentages that sum to 100, as in"\
" 95/2.5/2.5
Try 'docassist export --help'."
cat one.jsonl one.jsonl >twice.jsonl
run docassist export twice.jsonl -o x
is_exit 1
is_stderr "docassist: twice.jsonl:2: id 'd1' stands in the input twice"
printf '{"schema":"docassist.annotation/1","id":"d1"}\n' >bad.jsonl
run docassist export bad.jsonl -o x
is_exit 1
like_stderr '^docassist: bad.jsonl:1: '
printf 'id\tsplit\n' >bad.tsv
run docassist export one.jsonl -o x --splits-from bad.tsv
is_exit 1
is_stderr "docassist: bad.tsv:1: the header 'id, cluster_id, split' is missing"
run docassist export nowhere.jsonl -o x
is_exit 1
is_stderr "docassist: cannot open 'nowhere.jsonl': No such file or directory"

done_testing
