#!/bin/sh
# Every family through the commands: import, verify, show; T5 and Mamba generate what
# `transformers` does (tools/models/make_generate_golden.py).
. "$(dirname "$0")/lib.sh"
golden=$repo/tests/golden/engine
tab=$(printf '\t')

# --- import, verify, show -------------------------------------------------------------
for folder in "$golden"/*/; do
    name=$(basename "$folder")
    run docassist model import --no-tokenizer --type q8_0 --threads 1 "$folder" -o "$name.gguf"
    is_exit 0 "$name: imported"
    run docassist model verify "$name.gguf"
    is_exit 0 "$name: verified"
done
family_of()
{
    docassist model show --json "$1.gguf" >show.json
    printf '%s %s' "$(json family show.json)" "$(json architecture show.json)"
}
is "$(family_of mobillama)" "mobillama docassist.mobillama" "a Llama with one MLP is a MobiLlama"
is "$(family_of openelm)" "openelm openelm" "OpenELM"
is "$(family_of mt0)" "t5 t5" "mT0 is a T5"
run docassist model show mamba.gguf
like_stdout "^attention     none$" "Mamba has no attention"
run docassist model import mobilellm.gguf --type f16 -o again.gguf
is_exit 0 "a file of an architecture of our own is converted"
run docassist model verify again.gguf
is_exit 0 "and is whole"

# --- generation -----------------------------------------------------------------------
for name in flan-t5 mamba; do
    run docassist model import --type f32 "$golden/$name" -o "$name.gguf"
    is_exit 0 "$name with its tokenizer"
    run docassist model import "$name.gguf" --type q4_0 -o "$name-q4.gguf"
    is_exit 0 "$name in 4 bits"
done
while IFS="$tab" read -r name prompt prompt_ids answer; do
    n=$(printf '%s' "$answer" | tr ',' '\n' | grep -c .)
    run docassist generate -m "$name.gguf" --prompt "$prompt" --max-new-tokens "$n" --logprobs 0
    is "$(json ids "$out")" "[$answer]" "$name: the answer of transformers"
    is "$(json usage.prompt_tokens "$out")" "$(printf '%s\n' "$prompt_ids" | tr ',' '\n' | grep -c .)" \
        "$name: and the prompt's tokens, its end among them"
    run docassist generate -m "$name.gguf" --ids "$prompt_ids" --max-new-tokens "$n" --logprobs 0 \
        --threads 1 --batch 3
    is "$(json ids "$out")" "[$answer]" "$name: from ids, in small steps"
done <"$golden/generate.tsv"

perl -e 'for my $d (1 .. 3) { for my $r ("who is it", "what is at stake") {
    my $t = join " ", map { (qw(the river an town on story))[($_ * $d) % 6] } 1 .. 30 * $d;
    print qq({"schema":"docassist.example/1","id":"$d/),length $r,qq(","doc_id":"$d",),
        qq("task":"question_answering","document":"$t","request":"$r","response":"it is",),
        qq("messages":[],"split":"test"}\n); } }' >examples.jsonl
for name in flan-t5-q4 mamba-q4; do
    run docassist generate -m $name.gguf examples.jsonl -o whole.jsonl --context 1200 \
        --max-new-tokens 9
    is_exit 0 "$name: examples"
    run docassist generate -m $name.gguf examples.jsonl -o one.jsonl --context 1200 \
        --max-new-tokens 9 --parallel 1 --threads 1 --batch 5 --no-prefix-cache
    same_file one.jsonl whole.jsonl "$name: one at a time gives the same"
    is "$(wc -l <whole.jsonl)" 6 "$name: one line an example"
done

# --- what is not possible ----------------------------------------------------------------
echo "a town on the river" >text
run docassist perplexity -m flan-t5.gguf text
is_exit 1 "no perplexity of an encoder-decoder"
like_stderr "encoder-decoder does not continue its prompt"
sed 's/"relu"/"swish"/' "$golden/opt/config.json" >config.json
mkdir opt && mv config.json opt/ && cp "$golden/opt/model.safetensors" opt/
run docassist model import --no-tokenizer opt -o x.gguf
is_exit 1 "an activation that is not computed"
like_stderr "'activation_function' is 'swish'"
sed 's/"linear"/"dynamic"/' "$golden/llama-linear/config.json" >opt/config.json
run docassist model import --no-tokenizer opt -o x.gguf
is_exit 1 "a rope scaling that is not computed"
like_stderr "rope scaling 'dynamic' is not supported"
done_testing
