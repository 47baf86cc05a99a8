#!/usr/bin/env python3
"""Loads an exported folder with the Hugging Face `datasets` library, as its users will.

    python3 -m venv /tmp/v && /tmp/v/bin/pip install datasets pyyaml
    /tmp/v/bin/python bench/export/load_dataset.py DIR

Checks that the card's front matter is valid YAML that the Hub's own parser takes, that the folder
and its single files load, that the columns are the ones the card declares, and that counts and bytes
agree. Last run with datasets 5.2.0, huggingface_hub 2.4.0. Exit code 1 when something differs.
"""
import json
import os
import sys
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["HF_HOME"] = tempfile.mkdtemp()

import datasets
import huggingface_hub
from huggingface_hub import DatasetCard


def main(folder):
    failures = []

    def check(what, got, want):
        print(("ok      " if got == want else "WRONG   ") + what)
        if got != want:
            failures.append(f"{what}: {got!r}, wanted {want!r}")

    print(f"datasets {datasets.__version__}, huggingface_hub {huggingface_hub.__version__}")
    card = DatasetCard.load(os.path.join(folder, "README.md"))
    info = card.data.to_dict()["dataset_info"]
    declared = datasets.Features._from_yaml_list(info["features"])
    config = card.data.to_dict()["configs"][0]
    files = {d["split"]: d["path"] for d in config["data_files"]}
    loaded = datasets.load_dataset(folder)
    check("splits", sorted(loaded), sorted(files))
    for s in info["splits"]:
        name = s["name"]
        path = os.path.join(folder, files[name])
        rows = [json.loads(line) for line in open(path, encoding="utf-8")]
        check(f"{name}: rows", loaded[name].num_rows, s["num_examples"])
        check(f"{name}: rows of the file", len(rows), s["num_examples"])
        check(f"{name}: bytes", os.path.getsize(path), s["num_bytes"])
        check(f"{name}: columns", loaded[name].features, declared)
        check(f"{name}: same keys in every row", {tuple(r) for r in rows}, {tuple(rows[0])})
        check(f"{name}: first row", loaded[name][0], rows[0])
        alone = datasets.load_dataset("json", data_files=path, split="train")
        check(f"{name}: the file alone", alone.num_rows, s["num_examples"])
    for f in failures:
        print(f, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
