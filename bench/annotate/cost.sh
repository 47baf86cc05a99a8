#!/bin/sh
# Money. The paper's corpus (arXiv 2411.09944, tables 2 and 4) by --assume; then a generated corpus
# of documents of many lengths: --dry-run, after the first fifty calibrated it, against what the
# scripted server bills for the rest, which counts tokens as OpenAI does (o200k_base).
. "$(dirname "$0")/common.sh"
n=${1:-1000}
first=50
price() { sed -n "s/^$1  *\\\$\\([0-9.]*\\)\$/\\1/p" "$2"; }
within() # VALUE WANTED SHARE
{
    perl -e 'exit !(abs($ARGV[0] / $ARGV[1] - 1) <= $ARGV[2])' "$1" "$2" "$3" && echo 1 || echo 0
}
assumed() # NAME LINE WANTED
{
    got=$(price "$2" assume)
    verdict "82,850 documents $1: \$$got, \$$3 within 1 %" "$(within "$got" "$3" 0.01)" -eq 1
}
"$build/docassist" annotate --assume docs=82850,prompt=2126.04,cached=1152,completion=169.07 >assume
assumed online online 34.8
assumed "with every prefix cached" "online, cached" 27.7
assumed "in batches" batch 17.4

i=0
: >docs.jsonl
while [ $i -lt 5 ]; do # five lengths, 20 to 820 words; ids and texts differ
    documents $((n / 5)) $((20 + 200 * i)) | perl -pe 's/"id":"0/"id":"'$i'/' >>docs.jsonl
    i=$((i + 1))
done
perl -e 'use List::Util "shuffle"; srand 3; print shuffle <>' docs.jsonl >mixed.jsonl
server -T
head -n $first mixed.jsonl >first.jsonl
"$build/docassist" annotate -q first.jsonl -o a.jsonl --ledger l --base-url "$url"
before="$(count prompt_tokens) $(count cached_tokens) $(count completion_tokens)"
"$build/docassist" annotate --dry-run --ledger l mixed.jsonl >told
cat told
"$build/docassist" annotate -q mixed.jsonl -o a.jsonl --ledger l --base-url "$url" --keep-failed
after="$(count prompt_tokens) $(count cached_tokens) $(count completion_tokens)"
# bill FULL|CACHED: dollars at gpt-4o-mini's list price
bill() { perl -e '($how, $p, $c, $k, $P, $C, $K) = @ARGV;
    ($p, $c, $k) = ($P - $p, $how eq "CACHED" ? $C - $c : 0, $K - $k);
    printf "%.6f", (($p - $c) * 0.15 + $c * 0.075 + $k * 0.6) / 1e6' "$1" $before $after; }
# The printed dollars are rounded to cents: the same arithmetic on the printed tokens.
told=$(perl -ne '$n = $1 if /^requests +(\d+)/;
    ($p, $c) = ($1, $2) if /^prompt tokens +(\d+) \(.*, ([\d.]+) of/;
    $k = $1 if /^completion +(\d+)/;
    END { $c *= $n; printf "%.6f %.6f", ($p * 0.15 + $k * 0.6) / 1e6,
        (($p - $c) * 0.15 + $c * 0.075 + $k * 0.6) / 1e6 }' told)
full=${told% *} cached=${told#* }
verdict "uncached: \$$full foretold, \$$(bill FULL) billed" \
    "$(within "$full" "$(bill FULL)" 0.02)" -eq 1
verdict "as cached: \$$cached foretold, \$$(bill CACHED) billed" \
    "$(within "$cached" "$(bill CACHED)" 0.02)" -eq 1
all=$(perl -e 'my ($p, $c, $k) = @ARGV;
    printf "%.4f", (($p - $c) * 0.15 + $c * 0.075 + $k * 0.6) / 1e6' $after)
ledger=$("$build/docassist" annotate --status l | sed -n 's/^cost *\$\([0-9.]*\).*/\1/p')
verdict "the ledger's total is the bill: \$$ledger of \$$all" \
    "$(within "$ledger" "$all" 0.0001)" -eq 1
exit $failed
