#!/usr/bin/env perl
# Every Nth example of a split as the model was trained to write it, prompt and answer, each but the
# first behind a line "== next ==", for perplexity's --separator.
#
#   prompts.pl N EXAMPLES.jsonl
use strict;
use warnings;
use JSON::PP;

my $every = shift;
my $between = "";
binmode STDOUT, ":utf8";
while (<>) {
    next if $. % $every;
    my @m = map { $_->{content} } @{decode_json($_)->{messages}};
    print "$between$m[0]\n\n $m[1]$m[2]\n";
    $between = "== next ==\n";
}
