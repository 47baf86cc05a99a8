#!/bin/sh
# docassist leaderboard: what shares a table, the formats, published rows, bad input.
. "$(dirname "$0")/lib.sh"

cp "$repo"/tests/golden/board/* .

run docassist leaderboard score.json noise.json --bench bench.json
is_exit 0
is_stderr ""
is_stdout_file board.md "Markdown"

run docassist leaderboard score.json noise.json --bench bench.json -f latex
is_exit 0
is_stdout_file board.tex "LaTeX"

# Scores, intervals and p values against numpy's (tools/golden/leaderboard.py).
run docassist leaderboard score.json noise.json -f csv
is_exit 0
awk -F, -v OFS='\t' '
    $7 == "mean_of_4" { print "score", $2, $3, $8, $9, $10 }
    $2 ~ /^pairs-/ {
        sub(/^pairs-/, "", $2); sub(/^minus:/, "", $7)
        print "pair", $2, $3, $7, $11
    }' "$out" >got.tsv
cat >compare.pl <<'P'
my %got;
sub key { my $n = $_[0] eq "score" ? 3 : 4; (join("/", @_[0 .. $n - 1]), @_[$n .. $#_]) }
sub rows { open my $f, "<", $_[0] or die; map { chomp; [split /\t/] } <$f> }
for (rows("got.tsv")) {
    my ($key, @values) = key(@$_);
    $got{$key} = [@values];
}
my ($n, $bad) = (0, 0);
for (rows("expected.tsv")) {
    my ($key, @want) = key(@$_);
    my $has = $got{$key} or do { print "missing: $key\n"; $bad++; next };
    for my $i (0 .. $#want) {
        $n++;
        next if abs($has->[$i] - $want[$i]) <= 1e-12 * (abs($want[$i]) + 1);
        print "$key: got $has->[$i], want $want[$i]\n";
        $bad++;
    }
}
print "compared $n\n";
exit($bad || $n < 70);
P
ok "scores, intervals and p values equal numpy's" perl compare.pl

run docassist leaderboard score.json --json -f csv
is_exit 2
run docassist leaderboard score.json noise.json --json
is_exit 0
is "$(json schema)" docassist.board/1 "JSON names its schema"
rows=sections.0.tables.0.rows
is "$(json $rows.0.model)" "tall & <b>bold</b> Q4_0" "... and keeps names as they are"
is "$(json $rows.1.rank) $(json $rows.1.shared)" "1 true" "... and shared ranks"

# The same input gives the same bytes, whatever the threads do.
run docassist leaderboard score.json noise.json --bench bench.json --published slimlm -o a.html
is_exit 0
is_stdout ""
docassist leaderboard score.json noise.json --bench bench.json --published slimlm -o b.html
same_file a.html b.html "the page is the same twice"
ok "no name or answer becomes markup" sh -c '! grep -E "<b>bold|<script>alert" a.html'
like_file a.html '&lt;script&gt;alert\(&#39;x&#39;\)&lt;/script&gt;' "an answer's <script> is text"
like_file a.html "random weights" "the note is shown"
cat >balance.pl <<'P'
undef $/;
my $page = <>;
$page =~ s/<!DOCTYPE html>//;
$page =~ s/<(style|script)>.*?<\/\1>//gs;
my @open;
while ($page =~ m{<(/?)([a-z0-9]+)((?:\s+[a-zA-Z0-9-]+(?:="[^"<]*")?)*)\s*(/?)>|<}g) {
    die "stray < at byte " . pos($page) . "\n" unless defined $2;
    next if $4 || $2 =~ /^(meta|link|input|br)$/;
    if (!$1) { push @open, $2; next }
    my $last = pop @open;
    die "</$2> closes <$last> at byte " . pos($page) . "\n" if $last ne $2;
}
die "left open: @open\n" if @open;
P
ok "tags are balanced, attributes quoted" perl balance.pl a.html
grep -oE "https?://[a-z][^\"&<' ]*" a.html | LC_ALL=C sort -u >addresses
printf '%s\n' http://www.w3.org/2000/svg https://arxiv.org/abs/2411.09944 >want
same_file addresses want "the page names no address but the paper's (and a name space)"

# Formats by the ending of the file.
docassist leaderboard score.json noise.json --bench bench.json -o c.md
same_file c.md board.md "-o FILE.md is Markdown"
docassist leaderboard score.json noise.json --bench bench.json -o c.tex
same_file c.tex board.tex "-o FILE.tex is LaTeX"

# Without tests, without answers, from stdin.
run docassist leaderboard - --trials 0 <score.json
is_exit 0
like_stdout "^Ranks go by value alone" "--trials 0: no tests, said"
docassist leaderboard score.json --samples 0 -o none.html
ok "--samples 0: no answers on the page" sh -c '! grep -q "Best and worst" none.html'

# Filters.
run docassist leaderboard score.json --models lead3 --models 'near|twin' \
    --tasks summarization -f csv
is_exit 0
is "$(awk -F, 'NR > 1 && $2 !~ /-/ { print $2 "/" $3 }' "$out" | sort -u | tr '\n' ' ')" \
    "intent/lead3 intent/near|twin summarization/lead3 summarization/near|twin " \
    "--models and --tasks keep what they name"
run docassist leaderboard score.json --models lead4
is_exit 1
is_stderr "docassist: no score record of model 'lead4'"
run docassist leaderboard score.json --tasks translation
is_exit 2

# Other data, other signatures: never one table.
alone() { # OLD NEW: the record of lead3 under another name, without its log, OLD replaced
    sed 's/"model":"lead3"/"model":"other"/; s/"per_sample":{[^}]*}/"per_sample":null/' score.json |
        grep '"model":"other"' | sed "s/$1/$2/g" >other.json
}
alone '"sha256":"........' '"sha256":"ffffffff'
run docassist leaderboard score.json other.json
is_exit 0
like_stdout "^## Scores, group 2 of 2$" "another data set is another group"
docassist leaderboard score.json other.json --bench bench.json --published slimlm -o groups.html
is "$(grep -oE ' id="[^"]*"' groups.html | sort | uniq -d)" "" "ids are unique in a page of groups"
alone stem:no stem:yes
run docassist leaderboard score.json other.json
is_exit 0
like_stdout "^## Scores, group 2 of 2$" "another signature is another group"

# Fewer samples: no rank.
alone '"n":8' '"n":4'
run docassist leaderboard score.json other.json --tasks summarization
is_exit 0
like_stdout '^\|   - \| other .* 4 of 8 \|$' "fewer samples than the others: no rank, said"

# Published rows: every figure of the paper's tables, nothing else.
run docassist leaderboard --published slimlm -f csv
is_exit 0 "published rows alone"
if facts=$(shared facts/slimlm-tables.md); then
    awk -F, 'NR > 1 { print $8 + 0 }' "$out" | sort -n >got
    awk '/^## Models trained/ { exit }
        /^\|/ && !/^\| (Model|Prompt) / && !/^\|---/ {
            n = split($0, f, "|")
            for (i = 3; i < n; i++) { gsub(/ /, "", f[i]); if (f[i] ~ /^[0-9.]+$/) print f[i] + 0 }
        }
        /^GPT-4o-mini 100/ || /^SlimLM-270M 100/ {
            n = split($0, f, ";")
            for (i = 1; i <= n; i++) {
                sub(/\.$/, "", f[i])
                if (split(f[i], w, " ") == 2) print w[2] / 100
            }
        }' "$facts" | sort -n >want
    same_file got want "all of the paper's figures"
else
    skip "no shared material" "all of the paper's figures"
fi
run docassist leaderboard --published slimlm
unlike_stdout '^\| +#' "published rows have no rank"
run docassist leaderboard --published other
is_exit 1
is_stderr "docassist: no published rows named 'other'; there is 'slimlm'"

# Bad input: one line, with file and line.
run docassist leaderboard
is_exit 2
run docassist leaderboard nowhere.json
is_exit 1
is_stderr "docassist: cannot open 'nowhere.json': No such file or directory"
: >empty.json
run docassist leaderboard empty.json
is_exit 1
is_stderr "docassist: empty.json: no score record in it"
{ head -n 1 score.json; echo '{"schema":"docassist.score/1","model"'; } >cut.json
run docassist leaderboard cut.json
is_exit 1
like_stderr '^docassist: cut.json:2: ' "a cut line is named"
run docassist leaderboard score.json score.json
is_exit 1
is_stderr "docassist: score.json:1: the record of 'tall & <b>bold</b> Q4_0' was given already \
(score.json)"
echo '{"schema":"docassist.prediction/1","id":"x","raw":"y"}' >pred.jsonl
run docassist leaderboard pred.jsonl
is_exit 1
like_stderr '^docassist: pred.jsonl:1: ' "another record is refused"
log=score.json.1.samples.jsonl
sed 's/ferry/Ferry/' $log >changed && mv changed $log
run docassist leaderboard score.json
is_exit 1
like_stderr "is not the per-sample file of its score record" "a changed log is refused"
rm $log
run docassist leaderboard score.json
is_exit 0
like_stderr "^docassist: warning: no per-sample file '$log'" "a missing log is said"
like_stdout "^Ranks go by value alone: the differences were not tested\.$" "... at a price"
echo '[{"model":"x","itps":"fast"}]' >bad-bench.json
run docassist leaderboard noise.json --bench bad-bench.json
is_exit 1
is_stderr "docassist: bad-bench.json: row 1: 'itps' is not a number"

done_testing
