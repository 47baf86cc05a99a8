#!/bin/sh
# Exports 300 annotated documents in both formats, with a review sheet beside them, and loads them
# with the real `datasets` library. DATASETS_PYTHON names a Python that has it (and PyYAML).
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../annotate/common.sh"
python=${DATASETS_PYTHON:?a Python with the datasets library}
documents 300 120 | perl -MJSON::PP -ne '$d = decode_json($_);
    $d->{meta} = {licence => "CC0-1.0"}; $d->{language} = {code => "en", confidence => 1};
    print JSON::PP->new->canonical->utf8->encode($d), "\n"' >docs.jsonl
server
"$build/docassist" annotate -q docs.jsonl -o a.jsonl --base-url "$url" --keep-failed
for format in messages prompt-completion; do
    "$build/docassist" export a.jsonl -o "$format" --split 80/10/10 --format "$format" --sample 20 \
        --decontaminate -q
    echo "-- $format"
    "$python" "$here/load_dataset.py" "$format" 2>err && code=0 || code=$?
    verdict "$format loads" $code -eq 0
    [ $code -eq 0 ] || cat err
done
exit $failed
