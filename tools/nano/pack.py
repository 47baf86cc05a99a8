#!/usr/bin/env python3
"""Turns exported examples into token ids for train.py.

    pack.py TOKENIZER.json SYSTEM.txt EXPORT_DIR... -o PACKED.npz

EXPORT_DIR holds train.jsonl and validation.jsonl of `docassist export`. Examples of one document
come together, whatever folder and copy ("~1") they are from: the document is read once, and each
request with its answer is a branch behind it. For pre-training each document also gets branches
that quote: some words of a sentence ask for that sentence. For fine-tuning it gets more questions
of the kind that the rules ask most: about a word that one sentence alone has.
"""
import argparse
import json
import os
import random
import re

import numpy as np
from tokenizers import Tokenizer

N_QUOTES, N_TOPICS = 4, 5
KINDS = {"summarization": 0, "question_suggestion": 1, "question_answering": 2}
QUOTE, TOPIC = 3, 4
# How else people ask: for a part of the requests in place of the export's own wording. In each, the
# first of what {...} offers or any other.
REQUESTS = {
    "summarization": (
        "{Summarize|Sum up|Recap|Condense|Shorten|Abridge|Digest} {this|the|this whole|the attached} "
        "{document|text|page|article|report|letter|memo|file}{| please| for me| in brief| in two sentences}.",
        "{Please |Can you |Could you |Would you |I need you to |Kindly |}{write|give|make|prepare|draft|produce} "
        "{a|me a|us a} {short|brief|quick|concise|compact|two-sentence} {summary|overview|recap|abstract|synopsis|digest|outline}"
        "{| of this| of the document| of it| of the text above}{.|, please.|?}",
        "What {is|are} {this|it|the document|the text|the article|all this} {about|mainly about|on|saying}{|, briefly|, in a nutshell|, in short}?",
        "{What are|Tell me|Give me|State|Extract|I want} the {main|key|central|most important|essential} "
        "{points|ideas|facts|messages|findings|results|things}{| here| of this| in it| in brief}{.|?}",
        "{In short|Briefly|In a nutshell|In a few words|In plain words}, what {does it say|is this about|is the point|happened|matters here}?",
        "{TL;DR|tl;dr|Summary|Summary please|Short version|The gist|The short version, please}{.|?|}"),
    "question_suggestion": (
        "{Suggest|Propose|Give me|Write|List|Draft|Offer|Name|Invent|Prepare|Think of} {some|a few|three|3|good|further|follow-up|interesting} "
        "questions{| about this| about it| on this text| for the reader| that I could ask| to ask next}{.|, please.}",
        "{What|Which} {questions|other questions|things} {could|can|should|might|may} {I|one|we|a reader|someone} ask{| here| about this| about it| next| you}?",
        "What {else |}{could|can|should|might} {I|we|one} ask{| about this| here| about the text| you about it}?",
        "{Can|Could|Would|Will} you {suggest|propose|list|write|think of|recommend|come up with} {some|a few|three|3} questions{| for me| about this| on it}?",
        "{I do not know|I am not sure|I wonder|Tell me|Help me decide} what to ask{| here| about this| first| next}.",
        "{Quiz|Test|Examine} {me|my understanding|the reader} {on|about} {this|the text|the document} with {three|a few} questions."),
}
# A question ends with the word it is about, quoted or not.
ASK_TOPIC = (
    'What does {the document|the text|it|this} say about "%s"?', "What {is|are|was|were} {said about|known of|the} %s?",
    "{Where|How|When|Why} {is|are|was|were|does|do|did|can|should} {it|this|they|one|we|the} %s?",
    "{Who|Which|What} {has|is|was|made|needs|uses|does|did|can|will} {the |}%s?", "{How much|How many|How long|How often|Since when|For whom} is %s?",
    "{Is|Are|Does|Do|Can|Has|Was|Must} {there|it|this|one|we|they} %s?", "{And what|What|How} about %s?",
    "{Explain|Describe|Tell me|Show me}: %s?", "In what {way|case|place|year|order|form} {is|are|does} %s?")
OWN_WORDING = 0.5  # share of requests that keep it
WORD = re.compile(r"[A-Za-z][A-Za-z'-]*[A-Za-z]")
SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[\"'(A-Z])|\n+")


def worded(rng, forms):
    """One of the wordings that a form stands for."""
    return re.sub(r"\{([^{}]*)\}", lambda m: rng.choice(m[1].split("|")), rng.choice(forms))


class Packer:
    def __init__(self, path):
        self.tok = Tokenizer.from_file(path)
        self.mark = {m: self.tok.token_to_id(m) for m in (
            "<|endoftext|>", "<document>", "</document>", "<request>", "</request>", "<intent>:",
            "<response>", "</response>")}

    def ids(self, text):
        return self.tok.encode(text, add_special_tokens=False).ids

    def document(self, text):
        """From <document> to <request>: what all branches share."""
        return self.ids("<document>\n" + text + "\n</document>\n\n<request>")

    def answer(self, intent, text):
        head = f"<intent>: {intent}\n" if intent else ""
        return self.ids(head + "<response>\n" + text + "\n</response>") + [
            self.mark["<|endoftext|>"]]

    def branch(self, kind, request, intent, response):
        r = self.ids("\n" + request + "\n</request>")
        a = self.answer(intent, response)
        return kind, r, a


def doc_key(doc_id):
    return re.sub(r"~\d+$", "", doc_id)


def read(dirs, split):
    docs = {}
    for d in dirs:
        path = os.path.join(d, split + ".jsonl")
        if not os.path.exists(path):
            continue
        for line in open(path, encoding="utf-8"):
            e = json.loads(line)
            item = docs.setdefault(doc_key(e["doc_id"]), {"text": e["document"], "asks": {}})
            item["asks"].setdefault((e["task"], e["request"]), e["response"])
    return docs


def sentences(text):
    found = [s.strip() for s in SENTENCE.split(text)]
    return [s for s in found if 5 <= len(s.split()) <= 45 and text.count(s) == 1]


def topics(p, text, rng):
    """Branches that ask about a word which only one sentence has."""
    count = {}
    for w in WORD.findall(text):
        count[w.lower()] = count.get(w.lower(), 0) + 1
    out, found = [], sentences(text)
    for s in rng.sample(found, min(N_TOPICS, len(found))):
        own = [w for w in WORD.findall(s) if len(w) >= 5 and count[w.lower()] == 1]
        if own:
            w = max(own, key=len) if rng.random() < 0.5 else rng.choice(own)
            out.append(p.branch(TOPIC, worded(rng, ASK_TOPIC) % w, "question_answering", s))
    return out


def quotes(p, text, rng):
    """Branches that find a sentence by words out of it."""
    out, found = [], sentences(text)
    for s in rng.sample(found, min(N_QUOTES, len(found))):
        words = s.split()
        n = rng.randint(2, 4)
        for _ in range(8):
            at = rng.randint(0, len(words) - n)
            part = " ".join(words[at:at + n]).strip(".,;:()\"'")
            if part and text.count(part) == 1:
                out.append(p.branch(QUOTE, part, None, s))
                break
    return out


def pack(p, docs, rng, max_len):
    flat, spans = [], []  # spans: doc, kind, part, start, end; part 0 document, 1 request, 2 answer
    n = 0
    for key in sorted(docs):
        d = docs[key]
        head = p.document(d["text"])
        if len(head) > max_len:
            continue
        branches = []
        for (task, request), response in sorted(d["asks"].items()):
            if task in REQUESTS and rng.random() >= OWN_WORDING:
                request = worded(rng, REQUESTS[task])
            branches.append(p.branch(KINDS[task], request, task, response))
        branches += quotes(p, d["text"], rng) + topics(p, d["text"], rng)
        for kind, part, ids in [(0, 0, head)] + [
                x for k, r, a in branches for x in ((k, 1, r), (k, 2, a))]:
            spans.append((n, kind, part, len(flat), len(flat) + len(ids)))
            flat.extend(ids)
        n += 1
    return np.array(flat, np.uint16), np.array(spans, np.int64), n


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("tokenizer")
    ap.add_argument("system")
    ap.add_argument("dirs", nargs="+")
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("--max-len", type=int, default=860)
    ap.add_argument("--seed", type=int, default=1)
    a = ap.parse_args()
    p = Packer(a.tokenizer)
    system = open(a.system, encoding="utf-8").read().rstrip("\n")
    out = {"prefix": np.array(p.ids(system + "\n\n "), np.uint16)}
    rng = random.Random(a.seed)
    for split in ("train", "validation"):
        flat, spans, n = pack(p, read(a.dirs, split), rng, a.max_len)
        out[split + "_ids"], out[split + "_spans"] = flat, spans
        print(f"{split}: {n} documents, {len(flat)} tokens")
    np.savez_compressed(a.output, **out)
    print(f"prefix: {len(out['prefix'])} tokens")


if __name__ == "__main__":
    main()
