#!/bin/sh
# docassist generate with a model that brings its own chat template. The tokenizer has one token a
# byte and five special ones, so the length of the prompt can be counted from the template.
. "$(dirname "$0")/lib.sh"

mkdir tok
perl -MJSON::PP -e '
    my @bytes = (33 .. 126, 161 .. 172, 174 .. 255);
    my %direct = map { $_ => 1 } @bytes;
    my ($n, %vocab) = (0);
    for my $b (0 .. 255) { $vocab{chr($direct{$b} ? $b : 256 + $n++)} = $b; }
    my @special = ("<s>", "</s>", "<|system|>", "<|user|>", "<|assistant|>");
    my $json = JSON::PP->new->utf8->canonical;
    my $id = 255;
    print $json->encode({
        version => "1.0", normalizer => undef, post_processor => undef,
        added_tokens => [map { {id => ++$id, content => $_, special => \1, normalized => \0,
                                single_word => \0, lstrip => \0, rstrip => \0} } @special],
        pre_tokenizer => {type => "ByteLevel", add_prefix_space => \0, trim_offsets => \0,
                          use_regex => \1},
        decoder => {type => "ByteLevel", add_prefix_space => \0, trim_offsets => \0,
                    use_regex => \1},
        model => {type => "BPE", vocab => \%vocab, merges => []},
    });' >tok/tokenizer.json

# config TEMPLATE   Writes the folder's tokenizer_config.json.
config()
{
    perl -MJSON::PP -e 'print JSON::PP->new->encode({bos_token => "<s>", eos_token => "</s>",
        add_bos_token => \1, chat_template => $ARGV[0]})' "$1" >tok/tokenizer_config.json
}
turns='{% for m in messages %}<|{{ m.role }}|>{{ m.content }}</s>{% endfor %}'
turns="$turns{% if add_generation_prompt %}<|assistant|>{% endif %}"

printf '%s\n' '{"schema":"docassist.example/1","id":"d/summ","doc_id":"d","task":"summarization","document":"Some text.","request":"Sum up.","response":"r","messages":[{"role":"user","content":"u"}],"split":"test"}' >e.jsonl
run docassist prompts export p
system=$(perl -0777 -pe 's/^\s+|\s+$//g' p/slimlm/system.txt)
user='<document>
Some text.
</document>

<request>
Sum up.
</request>'
bytes() { printf '%s' "$1" | wc -c; }

# prompt_tokens NAME   Length of the prompt that a model with this template is given.
prompt_tokens()
{
    docassist model random --shape tiny-llama --tokenizer tok --seed 1 -o "$1.gguf" 2>>"$err" &&
        run docassist generate -m "$1.gguf" e.jsonl -o "$1.jsonl" --max-new-tokens 4
    json usage.prompt_tokens "$1.jsonl"
}

config "{{ bos_token }}$turns"
want=$((1 + 1 + $(bytes "$system") + 1 + 1 + $(bytes "$user") + 1 + 1))
is "$(prompt_tokens system)" "$want" "system text, user message, one BOS, special tokens whole"

config "$turns"
is "$(prompt_tokens nobos)" $((want - 1)) "nothing is added that neither template nor tokenizer asks for"

config "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}$turns"
want=$((1 + 1 + $(bytes "$system

$user") + 1 + 1))
is "$(prompt_tokens nosystem)" "$want" "a template without a system role gets one message"

config "{{ raise_exception('never') }}"
docassist model random --shape tiny-llama --tokenizer tok --seed 1 -o never.gguf
run docassist generate -m never.gguf e.jsonl -o never.jsonl
is_exit 1 "a template that refuses everything"
like_stderr "^docassist: chat template of the model: .*never" "... says so in one line"

done_testing
