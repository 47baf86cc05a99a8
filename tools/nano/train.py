#!/usr/bin/env python3
"""Trains SlimLM-nano: pre-training on documents, then fine-tuning on the SlimLM prompt format.

    train.py PACKED.npz TOKENIZER_FOLDER -o FOLDER --minutes M [options]

FOLDER becomes what `docassist model import` reads (config.json, model.safetensors, tokenizer.json),
renewed every few minutes; log.jsonl in it holds the curves. The schedule follows the clock, so that
a run ends when it should on any machine; with --steps it follows the steps and is repeatable.
"""
import argparse
import copy
import json
import math
import os
import random
import shutil
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F
from tokenizers import Tokenizer

import circuits
from layout import Layout, flags_of, task_marks, token_vectors
from model import Nano, write_safetensors
from pack import KINDS, QUOTE, TOPIC
from reference import load

RESPONSE = 6                       # id of <response>, see tokenizer.py
LOOKED_UP = 3                      # first tokens of a sentence, which circuits look up
# What a token is to training: nothing; of a document, a request or the system text; of an answer; of
# that what circuits look up; where an answer may end; where a summary may, which circuits know.
NONE, TEXT, ANSWER, LOOK, END, SUMMARY_END = range(6)
PRE_WEIGHTS, WEIGHTS = torch.tensor(((0, 0.5, 1, 2, 3, 2.5), (0, 0.15, 1, 2, 3, 2.5)))
SUMMARY, SUGGESTION, QUESTION = (KINDS[k] for k in (
    "summarization", "question_suggestion", "question_answering"))
SETTLE = 20                        # steps from one circuits.settle() to the next
N_TOPICS = 3                       # of a document at one time, beside its questions


class Data:
    def __init__(self, z, split, stops):
        """stops: [vocabulary], of tokens that end a sentence."""
        self.stops = stops
        self.ids = torch.from_numpy(z[split + "_ids"].astype(np.int64))
        self.docs = {}
        for n, kind, part, start, end in z[split + "_spans"].tolist():
            d = self.docs.setdefault(n, {"doc": None, "branches": []})
            if part == 0:
                d["doc"] = (start, end)
            elif part == 1:
                d["branches"].append([kind, (start, end), None])
            else:
                d["branches"][-1][2] = (start, end)
        self.docs = list(self.docs.values())

    def roles(self, kind, answer):
        """Of each token of an answer."""
        w = torch.full((len(answer),), ANSWER)
        if kind == SUGGESTION:
            return w
        start = int((answer == RESPONSE).nonzero()[0]) + 2  # the mark and a line end
        w[start:start + LOOKED_UP] = LOOK
        for i in (self.stops[answer[start:-1]].nonzero()[:, 0] + start + 1).tolist():
            w[i] = SUMMARY_END if kind == SUMMARY else END
            w[i + 1:i + LOOKED_UP] = LOOK
        w[-2:] = ANSWER
        return w

    def row(self, d, fine, rng, room):
        """Token ids, positions behind the document's start, branch numbers and roles."""
        def size(b):
            return b[1][1] - b[1][0] + b[2][1] - b[2][0]
        if fine:
            kinds = {}
            for b in rng.sample(d["branches"], len(d["branches"])):
                kinds.setdefault(b[0], []).append(b)
            own = kinds.get(SUMMARY, [])[:1] + kinds.get(SUGGESTION, [])[:1] + kinds.get(QUESTION, [])
            own += kinds.get(TOPIC, [])[:N_TOPICS]
            rng.shuffle(own)
        else:
            own = [b for b in d["branches"] if b[0] == QUOTE]
        start, end = d["doc"]
        n = end - start
        ids, pos, branch = [self.ids[start:end]], [torch.arange(n)], [torch.zeros(n, dtype=torch.long)]
        role = [torch.full((n,), TEXT)]
        role[0][0] = NONE  # nothing stands in front of it
        total = n
        for i, (kind, r, a) in enumerate(own):
            if total + size((kind, r, a)) > room:
                continue
            nr, na = r[1] - r[0], a[1] - a[0]
            ids += [self.ids[r[0]:r[1]], self.ids[a[0]:a[1]]]
            pos.append(torch.arange(n, n + nr + na))
            branch.append(torch.full((nr + na,), i + 1, dtype=torch.long))
            role += [torch.full((nr,), TEXT if fine else NONE), self.roles(kind, self.ids[a[0]:a[1]])]
            total += nr + na
        return torch.cat(ids), torch.cat(pos), torch.cat(branch), torch.cat(role)


def batches(data, fine, budget, rng, room):
    """For ever: rows of like length, about `budget` tokens together."""
    while True:
        order = list(range(len(data.docs)))
        rng.shuffle(order)
        for at in range(0, len(order), 400):
            rows = [data.row(data.docs[i], fine, rng, room) for i in order[at:at + 400]]
            rows.sort(key=lambda r: len(r[0]))
            groups, group = [], []
            for r in rows:
                if group and (len(group) + 1) * len(r[0]) > budget:
                    groups.append(group)
                    group = []
                group.append(r)
            groups.append(group)
            rng.shuffle(groups)
            yield from groups


def collate(rows, prefix_len, shift):
    n, t = len(rows), max(len(r[0]) for r in rows)
    ids, pos = torch.zeros(n, t, dtype=torch.long), torch.zeros(n, t, dtype=torch.long)
    branch, role = torch.full((n, t), -1, dtype=torch.long), torch.full((n, t), NONE)
    for i, r in enumerate(rows):
        k = len(r[0])
        ids[i, :k], pos[i, :k], branch[i, :k], role[i, :k] = r
        pos[i] += shift[i]
    own = (branch[:, None, :] == 0) | (branch[:, None, :] == branch[:, :, None])
    mask = own & torch.ones(t, t, dtype=torch.bool).tril()
    if prefix_len:
        mask = torch.cat([torch.ones(n, t, prefix_len, dtype=torch.bool), mask], dim=2)
    # The target of a token is the next one of its branch; a branch's first token is told by the
    # last of the document, which is the same for all and is left out.
    target = torch.roll(ids, -1, 1)
    role = torch.roll(role, -1, 1)
    same = torch.roll(branch, -1, 1) == branch
    same[:, -1] = False
    return ids, pos, mask, target, torch.where(same, role, NONE)


def loss_of(model, own, prefix, rows, fine, rng, device, line_end, sample=1.0):
    """Loss and facts. own: the model before training. Which sentence comes is for its circuits to say:
    a model that has to say what the teacher said, and is unsure, learns to begin with a frequent word.
    Where a sentence has ended it is asked whether line_end, an answer's last token, is next; in a summary
    circuits say that too."""
    if fine:
        pre, shift = prefix, [len(prefix)] * len(rows)
    else:
        longest = max(int(r[1].max()) + 1 for r in rows)
        pre, shift = None, [rng.randint(0, model.context - longest) for _ in rows]
    ids, pos, mask, target, role = collate(rows, len(prefix) if fine else 0, shift)
    weights = WEIGHTS if fine else PRE_WEIGHTS
    w = weights[role]
    if sample < 1:  # of the documents' tokens only some, at more weight: the head is dear
        keep = torch.rand(w.shape) < sample
        w = torch.where(role == TEXT, w * keep / sample, w)
    at = w > 0
    ids, pos, mask, target, w, at, role = (v.to(device) for v in (ids, pos, mask, target, w, at, role))
    x, y = model.bottom(ids, pos, mask, pre)
    out, before, wte = model.top(x, y, mask)
    wanted, wa, role = target[at], w[at], role[at]
    answer, look, end = role >= ANSWER, role == LOOK, role >= END
    ends = wanted[end] == line_end
    with torch.no_grad():
        known, _, known_wte = own.top(x, y, mask)
        said = F.linear(known[at][look | end], known_wte)
        ends = torch.where(role[end] == END, ends, said[end[look | end]].argmax(1) == line_end)
        said[:, line_end] = -math.inf
    wanted = wanted.masked_scatter(look | end, said.argmax(1))
    logits = F.linear(out[at], wte)
    margin = logits[end, line_end]
    logits[end, line_end] = -math.inf
    margin = margin - logits[end].logsumexp(1)  # log odds of an end against all else
    losses = F.cross_entropy(logits, wanted, reduction="none")
    if_ended = F.softplus(-margin)
    losses = losses.masked_scatter(end, torch.where(ends, if_ended, losses[end] + if_ended + margin))
    hit = (logits.argmax(1) == wanted).float()
    plain = answer & ~end

    def mean(values):
        return values.float().mean().item() if len(values) else 0.0
    total, of = (losses * wa).sum(), wa.sum()
    if fine:  # the system text, as often as there are documents behind it
        share = weights[TEXT].item() * len(rows)
        total = total + share * F.cross_entropy(F.linear(before[0, :-1], wte), prefix[1:], reduction="sum")
        of = of + share * (len(prefix) - 1)
    return total / of, {
        "doc": mean(losses[~answer]), "answer": mean(losses[plain]), "hit": mean(hit[plain]),
        "end": mean(losses[end]), "end_hit": mean((margin > 0) == ends),
        "tokens": int((ids > 0).sum())}


class Muon:
    """Momentum, made orthogonal by Newton-Schulz steps (Jordan et al. 2024), for matrices."""

    def __init__(self, params, momentum=0.95):
        self.params, self.momentum = params, momentum
        self.buf = [torch.zeros_like(p) for p in params]

    @torch.no_grad()
    def step(self, lr):
        for p, m in zip(self.params, self.buf):
            m.lerp_(p.grad, 1 - self.momentum)
            g = p.grad.lerp(m, self.momentum)
            flip = g.shape[0] > g.shape[1]
            x = g.T if flip else g
            x = x / (x.norm() + 1e-7)
            for _ in range(5):
                a = x @ x.T
                x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
            x = x.T if flip else x
            p.add_(x, alpha=-lr * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def token_texts(tok):
    """By id; of a token that is no text of its own, as the tokenizer names it."""
    texts = [tok.decode([i], skip_special_tokens=False) for i in range(tok.get_vocab_size())]
    return [tok.id_to_token(i) if not t or "\ufffd" in t else t for i, t in enumerate(texts)]


def save(model, folder, tokenizer):
    write_safetensors({k: v.cpu() for k, v in model.mpt().items()},
                      os.path.join(folder, "model.safetensors"))
    with open(os.path.join(folder, "config.json"), "w", encoding="utf-8") as f:
        json.dump(model.config(), f, indent=1)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(os.path.join(tokenizer, name), folder)


def schedule(done, a):
    """Share of the learning rate at a share of the run: up, level, down to a tenth."""
    if done < a.warmup:
        return done / a.warmup
    if done < a.level:
        return 1.0
    return max(0.02, 1 - (done - a.level) / (1 - a.level))


def options():
    ap = argparse.ArgumentParser()
    ap.add_argument("packed")
    ap.add_argument("tokenizer")
    ap.add_argument("-o", "--output", required=True)
    ap.add_argument("--minutes", type=float, default=60)
    ap.add_argument("--steps", type=int, default=0)
    ap.add_argument("--dim", type=int, default=384)
    ap.add_argument("--layers", type=int, default=7)
    ap.add_argument("--heads", type=int, default=6)
    ap.add_argument("--wide", type=int, default=2, help="feed-forward units, in widths")
    ap.add_argument("--batch", type=int, default=4000, help="tokens a step")
    ap.add_argument("--lr", type=float, default=0.012, help="of the matrices (Muon)")
    ap.add_argument("--adam-lr", type=float, default=0.002, help="of everything else")
    ap.add_argument("--pre", type=float, default=0.0, help="share of pre-training")
    ap.add_argument("--round", type=float, default=0.6, help="from here on with Q4_0's rounding")
    ap.add_argument("--warmup", type=float, default=0.02)
    ap.add_argument("--level", type=float, default=0.35, help="end of the full learning rate")
    ap.add_argument("--resume", help="go on from what an earlier run wrote into this folder, "
                    "with the circuits of now")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--threads", type=int, default=0)
    ap.add_argument("--save-every", type=float, default=3, help="minutes")
    return ap.parse_args()


def models(a, at, tok, texts, prefix, device):
    """The model before training, which has the circuits alone, and the one to be trained."""
    marks = task_marks(tok)
    own = Nano(vocab=len(texts), dim=a.dim, layers=a.layers, heads=a.heads, wide=a.wide)
    circuits.seed(own, at, texts, marks, prefix)
    if a.resume:
        model = load(a.resume)
        codes = token_vectors(texts, marks, at)[:, at.tok]
        if (model.dim, len(model.blocks)) != (a.dim, a.layers) or \
                (model.wte[:, at.tok] - codes).abs().mean() > 0.1:
            sys.exit(f"train.py: {a.resume}: made with another layout of vectors")
        circuits.restore(model, own, at)
    else:
        model = copy.deepcopy(own)
    for m in own, model:
        m.to(device)
        m.frozen = circuits.FROZEN
    for p in [model.wpe, *model.blocks[:model.frozen].parameters()]:
        p.requires_grad_(False)
    return own, model


def teller(path):
    """A function that writes a row of the log, and prints it."""
    log = open(path, "w", encoding="utf-8")

    def tell(**row):
        line = json.dumps(row)
        print(line, flush=True)
        log.write(line + "\n")
        log.flush()
    return tell


def main():
    a = options()
    if a.threads:
        torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = random.Random(a.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    os.makedirs(a.output, exist_ok=True)
    z = np.load(a.packed)
    tok = Tokenizer.from_file(os.path.join(a.tokenizer, "tokenizer.json"))
    texts = token_texts(tok)
    stops = torch.tensor([flags_of(t)["stop"] for t in texts])
    line_end = texts.index("\n")
    train, valid = Data(z, "train", stops), Data(z, "validation", stops)
    prefix = torch.from_numpy(z["prefix"].astype(np.int64)).to(device)
    at = Layout(a.dim, a.heads)
    own, model = models(a, at, tok, texts, prefix, device)
    learned = [p for b in model.blocks[model.frozen:] for p in b.parameters()]
    matrices = [p for p in learned if p.ndim == 2]
    rest = [p for p in learned if p.ndim == 1] + list(model.norm_f.parameters())
    adam = torch.optim.AdamW([model.wte, *rest], lr=a.adam_lr, betas=(0.9, 0.95), weight_decay=0.0)
    muon = Muon(matrices)
    n_params = sum(p.numel() for p in model.parameters())
    room = model.context - len(prefix)
    tell = teller(os.path.join(a.output, "log.jsonl"))
    tell(event="start", parameters=n_params, documents=len(train.docs), args=vars(a))
    vrng = random.Random(5)
    held = {fine: [next(b) for b in [batches(valid, fine, a.batch, vrng, room)] for _ in range(4)]
            for fine in (False, True)}

    @torch.no_grad()
    def validation(fine):
        facts = [loss_of(model, own, prefix, rows, fine, vrng, device, line_end)[1]
                 for rows in held[fine]]
        return {k: round(sum(x[k] for x in facts) / len(facts), 4) for k in facts[0] if k != "tokens"}

    source = {fine: batches(train, fine, a.batch, rng, room) for fine in (False, True)}
    began, saved, tokens, step, sums = time.time(), time.time(), 0, 0, {}
    while True:
        done = step / a.steps if a.steps else (time.time() - began) / (60 * a.minutes)
        if done >= 1:
            break
        fine = done >= a.pre
        model.round = done >= a.round
        rows = next(source[fine])
        loss, facts = loss_of(model, own, prefix, rows, fine, rng, device, line_end, sample=0.35)
        loss.backward()
        circuits.keep(model, at)
        torch.nn.utils.clip_grad_norm_([model.wte, *rest], 1.0)
        rate = schedule(done, a)
        for group in adam.param_groups:
            group["lr"] = a.adam_lr * rate
        adam.step()
        muon.step(a.lr * rate)
        if step % SETTLE == 0:
            circuits.settle(model, at, prefix)
        model.zero_grad(set_to_none=True)
        step += 1
        tokens += facts["tokens"]
        for k, v in facts.items():
            sums[k] = sums.get(k, 0.0) + v
        if step % 10 == 0:
            n = sums.pop("tokens")
            tell(step=step, done=round(done, 4), fine=fine, round=model.round,
                 seconds=round(time.time() - began, 1), tokens=tokens, rate=round(rate, 3),
                 **{k: round(v / 10, 4) for k, v in sums.items()})
            sums = {}
        if time.time() - saved > 60 * a.save_every:
            saved = time.time()
            save(model, a.output, a.tokenizer)
            tell(event="validation", step=step, fine=fine, **validation(fine))
    circuits.settle(model, at, prefix)
    save(model, a.output, a.tokenizer)
    tell(event="end", step=step, tokens=tokens, seconds=round(time.time() - began, 1),
         **validation(True))


if __name__ == "__main__":
    main()
