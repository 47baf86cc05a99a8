#!/bin/sh
# docassist merge score: shards against one run over everything, byte for byte.
. "$(dirname "$0")/lib.sh"

perl -e '
    my @w = qw(the report budget plan cost was paid in May by two of them and it rained);
    srand 3;
    my $text = sub { join " ", map { $w[rand @w] } 1 .. shift };
    open my $ex, ">", "ex.jsonl"; open my $pr, ">", "pred.jsonl";
    for my $d (1 .. 30) {
        for my $t (["summ", "summarization", 12], ["qa", "question_answering", 3]) {
            my ($r, $h, $id) = ($text->($t->[2]), $text->($t->[2]), sprintf("%02d/%s", $d * 7 % 31, $t->[0]));
            print $ex "{\"schema\":\"docassist.example/1\",\"id\":\"$id\",\"doc_id\":\"$d\",\"task\":\"$t->[1]\",",
                "\"document\":\"", $text->(40), "\",\"request\":\"q\",\"response\":\"$r\",\"messages\":[],\"split\":\"test\"}\n";
            print $pr "{\"id\":\"$id\",\"response\":\"$h\",\"intent\":\"$t->[1]\",\"model\":\"m\"}\n";
        }
    }'
docassist eval ex.jsonl pred.jsonl -o whole.json || exit 1

for part in 0 1 2; do
    awk -v k="$part" 'NR % 3 == k' ex.jsonl >ex$part.jsonl
    awk -v k="$part" 'NR % 3 == k' pred.jsonl >pred$part.jsonl
    docassist eval ex$part.jsonl pred$part.jsonl --bootstrap 0 -o part$part.json || exit 1
done
mkdir merged
run docassist merge score part2.json.samples.jsonl part0.json.samples.jsonl \
    part1.json.samples.jsonl -o merged/whole.json
is_exit 0 "logs of three parts are merged"
same_file merged/whole.json whole.json "... into the record of one run"
same_file merged/whole.json.samples.jsonl whole.json.samples.jsonl "... and its log"

for part in 0 1; do
    awk -v k="$part" 'NR % 2 == k' pred.jsonl >half.jsonl
    docassist eval ex.jsonl half.jsonl --partial --model m -o half$part.json 2>/dev/null || exit 1
done
run docassist merge score half0.json.samples.jsonl half1.json.samples.jsonl --threads 8 \
    -o merged/whole.json
same_file merged/whole.json whole.json "partial runs of one data set merge alike"

run docassist merge score part0.json.samples.jsonl part0.json.samples.jsonl
is_exit 1 "an id in two logs is an error"
like_stderr "^docassist: id '[0-9]+/[a-z]+' stands in two logs\$" "... that names it"

docassist eval ex1.jsonl pred1.jsonl --stem -o stem.json
run docassist merge score part0.json.samples.jsonl stem.json.samples.jsonl
is_exit 1 "other options are an error"
like_stderr '^docassist: stem\.json\.samples\.jsonl: other metrics of ' "... that names the log"

docassist eval ex1.jsonl pred1.jsonl --model other -o other.json
run docassist merge score part0.json.samples.jsonl other.json.samples.jsonl
is_stderr "docassist: other.json.samples.jsonl: model 'other', but the first log's is 'm'" \
    "another model is an error"

run docassist merge score part0.json.samples.jsonl half1.json.samples.jsonl
like_stderr 'half1\.json\.samples\.jsonl: 30 of 60 examples were scored' \
    "a partial run among parts is an error"

head -c 3000 part0.json.samples.jsonl >cut.jsonl
run docassist merge score cut.jsonl
is_exit 1 "a log cut short is an error"
like_stderr '^docassist: cut\.jsonl:[0-9]+: ' "... with file and line"
sed 's/"stats":\[[0-9.]*,/"stats":[/' part0.json.samples.jsonl >narrow.jsonl
run docassist merge score narrow.jsonl
like_stderr "^docassist: narrow\.jsonl:2: 'stats' has [0-9]+ numbers, the header says" \
    "rows that do not fit the header are an error"
run docassist merge score
is_exit 2
run docassist merge nothing x
is_exit 2

done_testing
