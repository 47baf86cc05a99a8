#!/bin/sh
# Every truncated or bit-flipped file gives an error that names the tensor or key, never a crash, and
# never takes more memory than its own size and the limit in tests/tools/damage.c. Here places are
# sampled; DAMAGE_EVERY=1 damages every byte and bit of the headers (minutes; sanitizers: an hour).
. "$(dirname "$0")/lib.sh"
golden=$repo/tests/golden
every=${DAMAGE_EVERY:-}
# ASan keeps a shadow of memory, so there it is single allocations that are limited.
ASAN_OPTIONS=$ASAN_OPTIONS:max_allocation_size_mb=96
export ASAN_OPTIONS

# damage EVERY KIND FILE TARGET
damage()
{
    run "$(tool damage)" "${every:-$1}" "$2" "$3" "$4"
    is_exit 0 "$2 $3" || diag "$(head -n 20 "$err")"
    diag "$2 $3: $(cat "$out")"
}

# --- GGUF -------------------------------------------------------------------------------
for name in mamba flan-t5; do
    docassist model import -q --type q8_0 "$golden/engine/$name" -o $name.gguf
done
docassist model import -q --type f16 "$golden/embed/bert" -o bert.gguf
docassist model import -q --type f32 "$golden/embed/mpnet" -o mpnet.gguf
damage 149 model mamba.gguf mamba.gguf
damage 211 model flan-t5.gguf flan-t5.gguf
damage 211 embedder bert.gguf bert.gguf
damage 211 embedder mpnet.gguf mpnet.gguf
if stories=$(shared models/stories260K/stories260K-f32.gguf); then
    docassist model import -q --type q4_0 "$stories" -o stories.gguf
    damage 1999 model stories.gguf stories.gguf
else
    skip "no shared/models" "stories260K"
fi

# --- safetensors: one file, shards, an encoder; config.json ---------------------------------
for name in gemma2 openelm; do
    cp -r "$golden/engine/$name" $name
    damage 101 import $name/model.safetensors $name
    damage 7 import $name/config.json $name
done
cp -r "$golden/embed/bert" bert
damage 101 import bert/model.safetensors bert
damage 7 import bert/1_Pooling/config.json bert

# shard FOLDER: model.safetensors becomes two and an index; mlc FOLDER: an MLC folder, its matrices
# in groups of 4 bits where rows allow it.
cat >convert.pl <<'P'
use strict;
use JSON::PP;
use Digest::MD5 qw(md5_hex);
my ($what, $dir) = @ARGV;
my $json = JSON::PP->new->canonical;
sub put { my ($name, $bytes) = @_; open my $o, '>:raw', "$dir/$name" or die; print $o $bytes; close $o }
open my $f, '<:raw', "$dir/model.safetensors" or die;
my $whole = do { local $/; <$f> };
close $f;
my $n = unpack 'Q<', $whole;
my $head = $json->decode(substr $whole, 8, $n);
delete $head->{__metadata__};
my @names = sort keys %$head;
my $bytes = sub { my ($from, $to) = @{$head->{$_[0]}{data_offsets}}; substr $whole, 8 + $n + $from, $to - $from };
unlink "$dir/model.safetensors";
if ($what eq 'shard') {
    my %map;
    for my $k (1, 2) {
        my (%part, $data);
        $data = '';
        for my $name (grep { $k == 1 ? $_ lt $names[@names / 2] : $_ ge $names[@names / 2] } @names) {
            my $b = $bytes->($name);
            $part{$name} = {%{$head->{$name}}, data_offsets => [length $data, length($data) + length $b]};
            $data .= $b;
            $map{$name} = "model-0000$k-of-00002.safetensors";
        }
        my $h = $json->encode(\%part);
        put("model-0000$k-of-00002.safetensors", pack('Q<', length $h) . $h . $data);
    }
    put('model.safetensors.index.json', $json->encode({weight_map => \%map}));
} else {
    my ($data, @records) = ('');
    my $add = sub {
        my ($name, $dtype, $shape, $b) = @_;
        push @records, {name => $name, dtype => $dtype, shape => $shape, format => 'raw',
                        nbytes => length $b, byteOffset => length $data};
        $data .= $b;
    };
    for my $name (@names) {
        my $shape = $head->{$name}{shape};
        if (@$shape == 2 && $name =~ /^(.*ffn.*)\.weight$/) {
            my ($rows, $cols, $stem) = (@$shape, $1);
            $add->("$stem.q_weight", 'uint32', [$rows, $cols / 8], "\x5a" x ($rows * $cols / 2));
            $add->("$stem.q_scale", 'float16', [$rows, $cols / 32], "\x00\x2c" x ($rows * $cols / 32));
        } else {
            $add->($name, 'float16', $shape, $bytes->($name));
        }
    }
    put('params_shard_0.bin', $data);
    put('ndarray-cache.json', $json->encode({records => [{dataPath => 'params_shard_0.bin',
        format => 'raw-shard', nbytes => length $data, md5sum => md5_hex($data), records => \@records}]}));
}
P
cp -r "$golden/engine/llama" shards
perl convert.pl shard shards
damage 101 import shards/model-00002-of-00002.safetensors shards
damage 17 import shards/model.safetensors.index.json shards

# --- MLC ----------------------------------------------------------------------------------
cp -r "$golden/engine/slimlm" mlc
perl convert.pl mlc mlc
damage 61 import mlc/ndarray-cache.json mlc
damage 9973 import mlc/params_shard_0.bin mlc

# --- pickle -------------------------------------------------------------------------------
mkdir pickle
cp "$golden/engine/gpt2/config.json" "$golden/torch/pytorch_model.bin" pickle/
damage 499 import pickle/pytorch_model.bin pickle

# --- tokenizers ---------------------------------------------------------------------------
for name in llama3.json unigram.json wordpiece.json gpt2-nfkc-lower.json sp-bpe-identity.model \
    sp-unigram-identity.model; do
    cp "$repo/tests/unit/data/tokenizers/$name" .
    damage 53 tokenizer $name $name
done
done_testing
