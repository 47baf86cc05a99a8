#!/bin/sh
# Scores SlimLM-nano on a test split: docassist eval with intervals, and perplexity.
#
#   score.sh DOCASSIST PREFIX TEST.jsonl DIR      PREFIX-f32.gguf, -q8_0, -q4_0
set -eu
docassist=$1 prefix=$2 tests=$3 dir=$4
mkdir -p "$dir"
for name in lead3 textrank extractive; do
    "$docassist" generate -q --restart --baseline $name "$tests" -o "$dir/$name.jsonl"
done
for type in f32 q4_0; do
    "$docassist" generate -q --restart -m "$prefix-$type.gguf" --name "slimlm-nano-$type" "$tests" \
        -o "$dir/$type.jsonl"
done
"$docassist" eval -q "$tests" "$dir/q4_0.jsonl" "$dir/f32.jsonl" "$dir/lead3.jsonl" \
    "$dir/textrank.jsonl" "$dir/extractive.jsonl" -o "$dir/scores.jsonl"
# The perplexity of every fourth example as the model was trained to write it: prompt and answer.
perl "$(dirname "$0")/prompts.pl" 4 "$tests" >"$dir/test.txt"
for type in q4_0 q8_0; do
    "$docassist" perplexity --json -m "$prefix-$type.gguf" --kl-base "$prefix-f32.gguf" \
        --separator "== next ==" "$dir/test.txt" >"$dir/perplexity-$type.json"
done
perl -MJSON::PP -e '
    my ($dir) = @ARGV;
    sub value { my ($m) = @_; return "-" unless $m && defined $m->{value};
        my $ci = $m->{ci95} ? sprintf(" [%.3f, %.3f]", @{$m->{ci95}}) : "";
        return sprintf("%.3f", $m->{value}) . $ci }
    open my $f, "<", "$dir/scores.jsonl" or die; my @s = map { decode_json($_) } <$f>;
    sub head { print "| ", join(" | ", @_), " |\n| :--", " | --:" x (@_ - 1), " |\n" }
    head("system", "n", "intent accuracy", "summary ROUGE-L", "answer exact", "answer contained",
        "answer F1", "questions ROUGE-L");
    for my $s (@s) {
        my $t = $s->{tasks}; my $i = $s->{intent} || {};
        print "| ", join(" | ", $s->{model}, $s->{n_scored},
            value({value => $i->{accuracy}, ci95 => $i->{ci95}}),
            value($t->{summarization}{rougeL}),
            map({ value($t->{question_answering}{$_}) } qw(em contains f1)),
            value($t->{question_suggestion}{rougeL})), " |\n";
    }
    print "\n";
    head("file", "tokens", "perplexity", "F32", "ratio", "KL", "same best token");
    for my $type (qw(q4_0 q8_0)) {
        open my $p, "<", "$dir/perplexity-$type.json" or die; local $/;
        my $j = decode_json(<$p>);
        printf "| %s | %d | %.4f | %.4f | %.4f | %.5f | %.4f |\n", $type, $j->{tokens},
            $j->{perplexity}, $j->{base_perplexity}, $j->{perplexity} / $j->{base_perplexity},
            $j->{kl}, $j->{same_top};
    }' "$dir" | tee "$dir/scores.md"
