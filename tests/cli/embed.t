#!/bin/sh
# docassist embed, and STS in eval. Expected vectors and cosines: sentence-transformers 6.2.0 on the
# same tiny model (tests/golden/embed, made by tools/models/make_embed_goldens.py).
. "$(dirname "$0")/lib.sh"

golden=$repo/tests/golden/embed/bert/golden.jsonl
run docassist model import --type f32 "$repo/tests/golden/embed/bert" -o bert.gguf
is_exit 0
is_stderr "docassist: bert.gguf: bert, 37 tensors, 30272 parameters" "a sentence-transformers folder is imported"
run docassist model show bert.gguf --json
is_exit 0
is "$(json family) $(json pooling) $(json normalize) $(json max_tokens)" "bert mean true 200" "model show knows encoders"
run docassist model show bert.gguf
like_stdout '^family        bert, an encoder .architecture bert.$'
run docassist model verify bert.gguf
is_exit 0
is_stdout "bert.gguf: no problem in 37 tensors" "model verify, too"
run docassist model import bert.gguf --type f16 -o half.gguf
is_exit 0 "an encoder is converted"
run docassist model show half.gguf --json
is "$(json type) $(json max_tokens)" "f16 200" "... and keeps what it says of itself"

# What the program prints stands in awk's numbers against the golden's, column by column.
cat >near.awk <<'EOA'
function vector(line, a) { sub(/.*"embedding": *\[/, "", line); sub(/\].*/, "", line); return split(line, a, ",") }
NR == FNR { want[NR] = $0; next }
{ n = vector($0, g); m = vector(want[FNR], w); if (n != m || n == 0) exit 1
  for (i = 1; i <= n; i++) { d = g[i] - w[i]; if (d < 0) d = -d; if (!(d < 2e-5)) exit 1 } rows++ }
END { print rows }
EOA
sed 's/"ids".*"cos_next": [^,]*, //; s/"embedding": \[[^]]*\]/"n":7/' "$golden" >rows.jsonl
run docassist embed -m bert.gguf rows.jsonl
is_exit 0
is_stderr "docassist: 10 texts, 526 tokens
docassist: warning: 1 of 10 texts were cut to 200 tokens"
cp "$out" all
is "$(awk -f near.awk "$golden" all)" 10 "embeddings are sentence-transformers'"
like_stdout '^{"n":7,"embedding":\[' "other members stay, the text does not"
run docassist embed -q -m bert.gguf --threads 1 <rows.jsonl
is_stdout_file all "the same for any number of threads, from standard input"
is_stderr ""
printf '{"id":"a","title":"The cat sat on the mat."}\n' >title.jsonl
run docassist embed -q -m bert.gguf --field title title.jsonl
sed 's/.*\[/[/' all | head -n 1 >first
is "$(sed 's/.*\[/[/' "$out")" "$(cat first)" "--field"
run docassist embed -q -m bert.gguf --max-tokens 5 title.jsonl --field title
is_exit 0
ok "--max-tokens cuts" sh -c '! cmp -s "$1" "$2"' sh "$out" first

run docassist embed rows.jsonl
is_exit 2
is_stderr "docassist embed: -m MODEL is needed
Try 'docassist embed --help'."
run docassist embed -m bert.gguf title.jsonl
is_exit 1
is_stderr "docassist: title.jsonl:1: member 'text' is missing"
docassist model random --shape tiny -o tiny.gguf
run docassist embed -m tiny.gguf rows.jsonl
is_exit 1
is_stderr "docassist: tiny.gguf: architecture 'mpt' is no encoder for embeddings (bert, mpnet)"
run docassist embed -m nowhere.gguf rows.jsonl
is_exit 1

# Folders that would give other vectors than sentence-transformers are refused.
cp -r "$repo/tests/golden/embed/bert" odd
sed 's/"pooling_mode_mean_tokens": true/"pooling_mode_mean_tokens": false/; s/"pooling_mode_max_tokens": false/"pooling_mode_max_tokens": true/' \
    "$repo/tests/golden/embed/bert/1_Pooling/config.json" >odd/1_Pooling/config.json
run docassist model import odd -o odd.gguf
is_exit 1
is_stderr "docassist: 'odd/1_Pooling/config.json': pooling other than the mean or the first token"
cp "$repo/tests/golden/embed/bert/1_Pooling/config.json" odd/1_Pooling/
sed 's/models.Normalize/models.Dense/' "$repo/tests/golden/embed/bert/modules.json" >odd/modules.json
run docassist model import odd -o odd.gguf
is_exit 1
is_stderr "docassist: 'odd/modules.json': module 'sentence_transformers.models.Dense'"
cp "$repo/tests/golden/embed/bert/modules.json" odd/
sed 's/"hidden_act": "gelu"/"hidden_act": "relu"/' "$repo/tests/golden/embed/bert/config.json" >odd/config.json
run docassist model import odd -o odd.gguf
is_exit 1
is_stderr "docassist: config.json: 'hidden_act' is 'relu'; only 'gelu' is supported"

# --- STS: text i is the answer, text i + 1 the reference ------------------------------------------

awk '
{ line = $0; sub(/^\{"text": "/, "", line); sub(/", "ids".*/, "", line); text[NR] = line
  c = $0; sub(/.*"cos_next": /, "", c); sub(/,.*/, "", c); sum += c }
END { for (i = 1; i <= NR; i++) { r = text[i % NR + 1]
        printf "{\"schema\":\"docassist.example/1\",\"id\":\"d%02d/qa\",\"doc_id\":\"d%02d\",\"task\":\"question_answering\",\"document\":\"x\",\"request\":\"y\",\"response\":\"%s\",\"messages\":[],\"split\":\"test\"}\n", i, i, r >"ex.jsonl"
        printf "{\"id\":\"d%02d/qa\",\"response\":\"%s\"}\n", i, text[i] >"pred.jsonl" }
      printf "%.9f\n", sum / NR >"mean" }' "$golden"
run docassist eval ex.jsonl pred.jsonl --sts bert.gguf -o s.json
is_exit 0 "eval --sts"
is "$(json tasks.question_answering.sts.n s.json)" 10 "... over all samples"
got=$(json tasks.question_answering.sts.value s.json)
ok "... the mean of sentence-transformers' cosines ($got, $(cat mean))" \
    awk "BEGIN { d = $got - $(cat mean); exit !(d < 1e-6 && d > -1e-6) }"
hash=$(sha256sum bert.gguf | cut -c1-12)
is "$(json tasks.question_answering.sts.signature s.json)" \
    "sts|model:bert|type:f32|sha256:$hash|len:200|pool:mean|norm:yes|sim:cos" "... and its signature"
like_stderr '^docassist: warning: pred.jsonl: 1 of 10 answers are empty; STS compares'
ok "the record is valid" docassist validate score s.json
run docassist eval ex.jsonl pred.jsonl pred.jsonl --sts bert.gguf --threads 1 -o two.json
is "$(head -n 1 two.json | sed 's/two.json.1/s.json/; s/"sha256":"[0-9a-f]*"}/"}/')" \
    "$(sed 's/"sha256":"[0-9a-f]*"}/"}/' s.json)" "one thread, several files: the same"
is "$(sed 's/two.json.2/two.json.1/' two.json | sort -u | wc -l | tr -d ' ')" 1 \
    "... and references that were kept change nothing"
run docassist eval ex.jsonl pred.jsonl --sts bert.gguf --sts-max-tokens 24 -o cut.json
is "$(json tasks.question_answering.sts.signature cut.json)" \
    "sts|model:bert|type:f32|sha256:$hash|len:24|pool:mean|norm:yes|sim:cos" "--sts-max-tokens shows"
run docassist eval ex.jsonl pred.jsonl --sts tiny.gguf -o bad.json
is_exit 1
is_stderr "docassist: tiny.gguf: architecture 'mpt' is no encoder for embeddings (bert, mpnet)"

# Shards merge to the same bytes.
head -n 4 pred.jsonl >p1; tail -n +5 pred.jsonl >p2
docassist eval ex.jsonl p1 --partial --model pred --sts bert.gguf -o m1.json 2>/dev/null
docassist eval ex.jsonl p2 --partial --model pred --sts bert.gguf -o m2.json 2>/dev/null
run docassist merge score m1.json.samples.jsonl m2.json.samples.jsonl -o m.json
is_exit 0
same_file m.json.samples.jsonl s.json.samples.jsonl "merged shards: the log of one run"
done_testing
