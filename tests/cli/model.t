#!/bin/sh
# docassist model
. "$(dirname "$0")/lib.sh"

# --- random and show ---
run docassist model random --shape tiny --seed 7 -o a.gguf
is_exit 0
is_stderr ""
run docassist model random --shape tiny --seed 7 --threads 1 -o b.gguf
same_file b.gguf a.gguf "the same seed gives the same file, whatever the threads"
run docassist model random --shape tiny --seed 8 -o c.gguf
ok "another seed gives another file" sh -c '! cmp -s a.gguf c.gguf'
run docassist model show a.gguf
is_exit 0
is_stdout "name          SlimLM tiny (random weights)
family        slimlm (architecture mpt)
shape         2 layers, 64 wide, MLP 128
attention     2 heads of 32, 2 key heads
vocabulary    512, output head tied
context       2048
parameters    0.2 million
file          0.6 MB, 20.29 bits a weight
in memory     0.1 MB of weights
tensors       19 f32, 0.5 MB
tensors       9 q4_0, 0.1 MB
tokenizer     bpe/gpt-4o
chat template none"
run docassist model show --json a.gguf
is "$(json parameters)" 230912 "parameters"
is "$(json tensors.q4_0)" 9 "tensors by type"
run docassist generate -m a.gguf --prompt "Hello" --max-new-tokens 8 --temperature 0
is_exit 0 "a random model runs"
cp "$out" first
run docassist generate -m a.gguf --prompt "Hello" --max-new-tokens 8 --temperature 0 --threads 1
is_stdout_file first "and gives the same text whatever the threads"

run docassist model random --shape tony -o x.gguf
is_exit 2
is_stderr "docassist model random: there is no shape 'tony'; did you mean 'tiny'?
Try 'docassist model random --help'."
run docassist model random --shape tiny
is_exit 2

# --- import ---
golden=$repo/tests/golden/engine
run docassist model import --no-tokenizer --type f32 "$golden/llama" -o llama.gguf
is_exit 0
run docassist model show --json llama.gguf
is "$(json family)" llama "family"
is "$(json type)" f32 "type"
is "$(json kv_heads)" 2 "key heads"
run docassist model import --no-tokenizer "$golden/llama" -o llama4.gguf
is_exit 0
is_stderr "docassist: llama4.gguf: llama, 21 tensors, 18592 parameters
docassist: warning: llama4.gguf: 2 matrices with rows that 32 does not divide: f16 instead of q4_0"
run docassist model import "$golden/llama" -o none.gguf
is_exit 1 "a folder without a tokenizer"
like_stderr "holds no tokenizer$"
ok "nothing was written" test ! -e none.gguf

cp -r "$golden/slimlm" broken
sed 's/"d_model": 32/"d_model": 64/' "$golden/slimlm/config.json" >broken/config.json
run docassist model import --no-tokenizer broken -o broken.gguf
run docassist model show broken.gguf
is_exit 1
like_stderr "^docassist: broken.gguf: tensor .* has shape \[32, [0-9]*\], not \[64, [0-9]*\]"
sed 's/"mpt"/"martian"/' "$golden/slimlm/config.json" >broken/config.json
run docassist model import --no-tokenizer broken -o x.gguf
is_exit 1
is_stderr "docassist: broken/config.json: model_type 'martian' is not supported"
head -c 9000 "$golden/slimlm/model.safetensors" >broken/model.safetensors
cp "$golden/slimlm/config.json" broken/config.json
run docassist model import --no-tokenizer broken -o x.gguf
is_exit 1
like_stderr "^docassist: broken/model.safetensors: tensor '.*' leaves the file$"
run docassist model import nowhere -o x.gguf
is_exit 1
like_stderr "^docassist: nowhere/config.json: "

# --- GGUF to GGUF ---
run docassist model random --shape tiny --seed 7 --type f16 -o f16.gguf
run docassist model import f16.gguf --type q4_0 -o q4.gguf
is_exit 0
is_stderr "docassist: q4.gguf: slimlm, 28 tensors, 230912 parameters"
run docassist generate -m q4.gguf --prompt "Hello" --max-new-tokens 8 --temperature 0
is_exit 0 "the tokenizer is kept"
run docassist model import q4.gguf --type q4_0 --threads 1 -o again.gguf
same_file again.gguf q4.gguf "to its own type changes nothing"
run docassist model import q4.gguf --type q8_0 -o q8.gguf
run docassist model show --json q8.gguf
is "$(json name) $(json type) $(json tensors.q8_0)" "SlimLM tiny (random weights) q8_0 9" "q8_0"
run docassist model import f16.gguf --type q8_0 --name new --no-tokenizer -o q8.gguf
run docassist model show --json q8.gguf
is "$(json name) $(json tokenizer)" "new null" "another name, no tokenizer"
run docassist model import llama.gguf --type q4_0 -o llama4b.gguf
is_exit 0
is_stderr "docassist: llama4b.gguf: llama, 21 tensors, 18592 parameters
docassist: warning: llama4b.gguf: 2 matrices with rows that 32 does not divide: f16 instead of q4_0"
run docassist model import llama.gguf --type q4_0 --name llama -o llama4b.gguf
same_file llama4b.gguf llama4.gguf "f32 to 4 bits is what the folder gives"
head -c 100000 f16.gguf >cut.gguf
run docassist model import cut.gguf -o x.gguf
is_exit 1
ok "nothing was written" test ! -e x.gguf

# --- pytorch_model.bin: written by torch, the same weights as the safetensors beside ---
mkdir torch
cp "$golden/gpt2/config.json" torch/
cp "$golden/../torch/pytorch_model.bin" torch/
run docassist model import --no-tokenizer --type f32 --name gpt2 "$golden/gpt2" -o st.gguf
run docassist model import --no-tokenizer --type f32 --name gpt2 torch -o torch.gguf
is_exit 0
ok "verified" docassist model verify torch.gguf
is "$(docassist model show --json torch.gguf)" "$(docassist model show --json st.gguf)" "the same"
mkdir shards
cp torch/config.json shards/
cp torch/pytorch_model.bin shards/pytorch_model-00001-of-00001.bin
echo '{"weight_map":{"a":"pytorch_model-00001-of-00001.bin","b":"pytorch_model-00001-of-00001.bin"}}' \
    >shards/pytorch_model.bin.index.json
run docassist model import --no-tokenizer --type f32 --name gpt2 shards -o shards.gguf
same_file shards.gguf torch.gguf "from shards"
sed 's/_rebuild_tensor_v2/_rebuild_tensor_v3/' "$golden/../torch/pytorch_model.bin" >torch/pytorch_model.bin
run docassist model import --no-tokenizer torch -o x.gguf
is_exit 1
is_stderr "docassist: torch/pytorch_model.bin: 'pytorch_model/data.pkl': the checksum does not fit"
# Archives saved without checksums have zeros in their place (the central directory: PK 1 2, at 16).
perl -0777 -pi -e 's/(PK\x01\x02.{12}).{4}/$1\0\0\0\0/gs' torch/pytorch_model.bin
run docassist model import --no-tokenizer torch -o x.gguf
is_exit 1
is_stderr "docassist: torch/pytorch_model.bin: pickle: it wants to use 'torch._utils._rebuild_tensor_v3', which is refused"
head -c 60000 "$golden/../torch/pytorch_model.bin" >torch/pytorch_model.bin
run docassist model import --no-tokenizer torch -o x.gguf
is_exit 1
is_stderr "docassist: torch/pytorch_model.bin: not an archive of torch.save: not a zip file"

# --- verify ---
run docassist model verify a.gguf
is_exit 0
is_stdout "a.gguf: no problem in 28 tensors"
# the first norm's second half becomes NaN: 32 values of f32, all bits set
at=$(docassist model import --no-tokenizer --type f32 "$golden/slimlm" -o bad.gguf 2>/dev/null &&
    wc -c <bad.gguf)
cp bad.gguf good.gguf
dd if=/dev/zero bs=64 count=1 2>/dev/null | tr '\000' '\377' |
    dd of=bad.gguf bs=1 seek=$((at - 64)) conv=notrunc 2>/dev/null
run docassist model verify good.gguf
is_exit 0
run docassist model verify bad.gguf
is_exit 1
like_stdout "^bad.gguf: tensor '[a-z0-9_.]*' .f32.: 16 of [0-9]* values are NaN or infinite$"
sed 's/mpt\.embedding_length/mpt.embedding_lengtx/' good.gguf >bad.gguf
run docassist model verify --threads 1 bad.gguf
is_exit 1
is_stdout "bad.gguf: key 'mpt.embedding_length' is missing"
sed 's/blk\.1\.ffn_up/blk.1.ffn_uq/' good.gguf >bad.gguf
run docassist model verify bad.gguf
is_exit 1
like_stdout "^bad.gguf: .*blk.1.ffn_uq"
head -c 3000 a.gguf >cut.gguf
run docassist model verify cut.gguf
is_exit 1
like_stdout "^cut.gguf: "

# --- MLC folder: the released SlimLM-125M's manifest with shards of zeros ---
if f=$(shared slimlm-125m/ndarray-cache.json); then
    mkdir mlc
    cp "$(shared slimlm-125m/config.json)" mlc/config.json
    sed 's/"md5sum": "[0-9a-f]*"/"comment": "none"/' "$f" >mlc/ndarray-cache.json
    i=0
    for n in $(sed -n '/"raw-shard"/{n;s/[^0-9]//gp;}' "$f"); do
        truncate -s "$n" "mlc/params_shard_$i.bin"
        i=$((i + 1))
    done
    run docassist model import --no-tokenizer --threads 1 mlc -o mlc.gguf
    is_exit 0
    is_stderr "docassist: mlc.gguf: slimlm, 148 tensors, 125311488 parameters"
    run docassist model show --json mlc.gguf
    is "$(json family) $(json vocab) $(json type)" "slimlm 50368 q4_0" "every tensor has its place"
    cp "$f" mlc/ndarray-cache.json
    run docassist model import --no-tokenizer mlc -o x.gguf
    is_exit 1
    like_stderr "^docassist: mlc/ndarray-cache.json: 'params_shard_0.bin' is damaged: its MD5 sum is"
    rm -r mlc mlc.gguf
else
    skip "no shared/slimlm-125m" "MLC folder"
fi

# --- bad files ---
run docassist model show
is_exit 2
run docassist model shew a.gguf
is_exit 2
head -c 3000 a.gguf >cut.gguf
run docassist model show cut.gguf
is_exit 1
like_stderr "^docassist: cut.gguf: "
: >empty.gguf
run docassist model show empty.gguf
is_exit 1
is_stderr "docassist: empty.gguf: not a GGUF file"
head -c 100000 a.gguf >cut.gguf
run docassist model show cut.gguf
is_exit 1
like_stderr "^docassist: cut.gguf: tensor '[a-z0-9_.]*': its [0-9]* bytes at [0-9]* leave the file"
run docassist model show missing.gguf
is_exit 1

done_testing
