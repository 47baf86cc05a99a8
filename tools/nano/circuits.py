"""What SlimLM-nano knows before any training: heads that copy, and heads that look up the sentence
that has the word of a question, or that a summary should have next.

The tasks of the extractive assistant are mostly copying, which a transformer does with heads that
look back and heads that look for what followed the same tokens before (Olsson et al. 2022). A small
model would spend all of its training on finding them. Here they are written into seven blocks:

    block 0   look one, two and three tokens back; look which task was announced last; look whether a
              word stood before. The feed-forward part marks where a sentence begins
    block 1   look three back again, so that a token knows the six before it; look where its sentence
              began, how, and how long ago; look whether it stands in the document. Behind <response>:
              look at the end of the question
    block 2   in an answer: look where in the document the same tokens stand, from where one copies;
              at a summary's next sentence: how the last one began. In the document: how many of a
              sentence's words stood before, which is near to how central it is
    block 3   with the token behind a sentence: what is known of it. In an answer: agree with the last
              tokens on from where one copies; look whether a sentence ends there
    block 4   find where the sentence to be copied begins. For an answer: it has the question's last
              word. For a summary: an early one that is long and stands on its own; then, when one has
              ended, another behind it that is central, if there is one; if not, or after three, say that
              it ends
    block 5   the first, second and third token of the sentence found; all others look up in their
              sentence's first token which one is being copied
    block 6   copy: the token of that sentence in front of which the last three stand

Parts of a vector: layout.py; how a head is written: head.py. A head that has nothing to do looks at
<document>, where it takes nothing over, and in front of that at the first token. Training leaves the
first five blocks alone and adds to the others: what a request wants, when other answers end, how
a question is put.
"""
import math

import torch

from head import Head, balance, turns
from layout import (BACK, CODE, DOCUMENT, FLAG, PARTS, SOME, part, position_vectors, shortened,
                    token_vectors)

# About what LayerNorm multiplies with in front of each block's heads, and of the first's other half, at
# a width of 384; it grows with the root of the width.
FACTORS, FACTOR_INSIDE, AT_WIDTH = (3.13, 2.01, 1.65, 1.65, 1.65, 1.65, 1.5), 2.015, 384
# <document> is long, so that what is learned beside it hardly changes its own factor. Its other
# entries stay what they are in Q4_0 (8 steps) and, since it has no mean, in 8 bits too.
LONG = 8 * FLAG
# In front of it the first token is looked at instead; behind it, seldom: its flag is less.
BEFORE = 1 / 2
# How the choice of a summary's sentences depends on where they end, in nats: tokens behind the
# document's start, or behind the last one's end; linear between. Fitted to the extractive assistant,
# whose next sentence is never the same one again (0) and seldom shorter than ten tokens.
FIRST_AT = {0: 0, 25: -8, 50: -20, 100: -60, 200: -148, 400: -256, 600: -296, 903: -308}
NEXT_AT = {-900: -220, 0: -220, 10: 0, 25: 0, 50: -10, 100: -40, 200: -90, 400: -160, 900: -220}
NEXT_WEIGHTS = (-1, 1, 100), (2, 9, 0.05), (10, 120, 20), (121, 600, 8)
NO_NEXT = 50  # a next sentence must score more

FROZEN = 5                # blocks that hold circuits alone
FIXED = 6, 6, 5, 6, 4, 4, 1  # heads of each block that training leaves alone
IDLE = (5,), (1, 3), range(5), range(6), (0, 1, 2), (0, 1, 2, 3), (0,)  # may have nothing to do
BEHIND = ("after_response", "after_response_2", "after_response_3")  # before an answer's first tokens
ENDED = ("ending", "begin", "after_begin")  # in a summary: before a further sentence's first tokens
TASK = ("answering", "summing", "suggesting")
VOTES = 4                 # tokens that agree on from where one copies
OF_SENTENCE = ("whole", "short", "dense")


@torch.no_grad()
def seed(model, at, texts, marks, prefix):
    """Writes the circuits into model. texts: of the tokens, by id; marks: of task_marks(). prefix: ids
    of what stands before every <document>."""
    for s in at.reserved(2):
        model.wte[:, s] = 0
    for s in at.reserved(0):
        model.wpe[:, s] = 0
    model.wte += token_vectors(texts, marks, at)
    model.wpe += position_vectors(model.context, at)
    model.wpe[0, at.pos] = 0  # no place: for idle heads
    model.wte[DOCUMENT, at.pos] = -model.wpe[len(prefix), at.pos]
    for v, rest in ((model.wte[DOCUMENT], 1), (model.wpe[0], BEFORE)):
        v[at.flag["rest"]] = rest * FLAG
        v[at.flag["nowhere"]] = LONG
        v[at.asked[1]] = -LONG / BACK[0]  # nobody reads this part there
    for i, b in enumerate(model.blocks):
        b.factor, b.long = FACTORS[min(i, len(FACTORS) - 1)] * math.sqrt(at.dim / AT_WIDTH), 1
        for s in at.reserved(i):
            b.wo[s] = b.wdown[s] = 0
    for _ in range(3):  # until what LayerNorm does with <document> is what its heads are made for
        write(model, at, prefix, model.wte[texts.index("\n")])
        settle(model, at, prefix)
        mean = list(at_document(model, prefix))[FROZEN].sum() / BACK[0]
        model.wte[DOCUMENT, at.asked[1]] -= mean  # no mean, where the most heads look at it
        settle(model, at, prefix)
        for b, x in zip(model.blocks, at_document(model, prefix)):
            b.long = 1 / x.std(unbiased=False)
    model.norm_f.weight.fill_(0.25)
    for s in at.flag.values():
        model.norm_f.weight[s] = 0
    for name in ("spaced", "cased"):
        model.norm_f.weight[at.flag[name]] = 2.8


def write(model, at, prefix, line_end):
    """All circuits, for the factors that the blocks have. line_end: vector of the token."""
    short = shortened(at)
    look_back(at, model.blocks[0], short, len(prefix))
    begins(at, model.blocks[0])
    look_around(at, model.blocks[1], short)
    follow(at, model.blocks[2], short)
    ends(at, model.blocks[3])
    find(at, model.blocks[4], short, len(prefix))
    is_last(at, model.blocks[4], line_end)
    look_up(at, model.blocks[5])
    copy(at, model.blocks[6], short)
    for b, n in zip(model.blocks, FIXED):
        for w in (b.wq, b.wk, b.wv):
            balance(w[:n * at.head], at)


def look_back(at, b, short, start):
    """Block 0: the last three tokens; the task announced last."""
    flag = at.flag
    for h, moved in enumerate(({"line": "after_line", "stop": "after_stop", "marker": "after_marker",
                                "response": "after_response"},
                               {"response": "after_response_2"},
                               {"response": "after_response_3"})):
        head = Head(at, b, h)
        head.near(80, h + 1)
        head.take(short if h == 0 else short[:BACK[h - 1]], at.back[h])
        for name, to in moved.items():
            head.take(part(at, flag[name]), flag[to])
        if h == 0:
            head.take(part(at, flag["response"]), flag["spaced"], -2)
    head = Head(at, b, 3)
    head.flag(150, {"task_qa": 1, "task_sum": 1, "task_other": 1, "rest": 2})
    head.shaped({0: -80, start - 2: -80, start + 4: -10, 1023: 0}, 60, origin=0)
    for name, to in (("task_qa", "answering"), ("task_sum", "summing"), ("task_other", "suggesting")):
        head.take(part(at, flag[name]), flag[to], 1.058)  # the factor of these tokens is less
    head = Head(at, b, 4)
    head.shaped({-1000: -8, -45: -8, -30: 0, -8: 0, -3: -8, 0: -8}, 7)
    head.take(short[:SOME], at.some, 4)
    head = Head(at, b, 5)  # whether the word stands before, but not just before
    letters = part(at, at.tok)[[its for n, its in PARTS for _ in range(n)]]
    head.match(320, letters, letters)
    head.near(-80, 0, pairs=slice(2, 10))
    head.idle(175)
    head.take(part(at, flag["content"]), flag["repeated"])


def look_around(at, b, short):
    """Block 1: the three tokens before the last three; where the sentence began, how and how long ago;
    inside the document or outside; the end of the question."""
    flag = at.flag
    head = Head(at, b, 0)
    head.near(80, 3)
    for i in range(3):
        head.take(part(at, at.back[i], BACK[2 + i]), at.back[3 + i])
    head = Head(at, b, 1)  # not in answers
    head.flag(150, {"begin": 1, "one": -1})
    head.nearest(60)
    head.idle(-50, (600, TASK))
    head.take(part(at, at.pos), at.place)
    head.take(short[:SOME], at.opening)
    head.take(part(at, flag["opening"]), flag["whole"])
    head = Head(at, b, 2)
    head.flag(100, {"document": 1, "request": 2})
    head.take(part(at, flag["document"]), flag["inside"], b.factor / b.long)
    head.take(part(at, flag["request"]), flag["outside"])
    head = Head(at, b, 3)  # 11 tokens before an answer's first, or 12 when it is a quote's end
    head.near(120, 12)
    head.flag(50, {"ask": 1, "quote": 1.7})
    head.idle(440, (-220, BEHIND), (-220, ["answering"]))
    head.take(part(at, at.back[0]), at.asked[0])
    head.take(part(at, at.back[1]), at.asked[1])
    head = Head(at, b, 4)  # how lately: an eighth less with each token
    head.shaped({-1000: -9, -64: -8, 0: 0}, 7.9)
    head.take(part(at, flag["begin"]), flag["short"], 8)
    head = Head(at, b, 5)
    head.near(80, 1)
    head.take(part(at, flag["begin"]), flag["after_begin"])


def follow(at, b, short):
    """Block 2: where the longest run of the last tokens stands in the document, the earlier the better;
    at the first and second token of a summary's further sentence: of what ended before them."""
    token = [short[:12], *(part(at, s, n) for s, n in zip(at.back, (12,) + BACK))]
    for k in range(3):
        head = Head(at, b, k)
        for i, nats in enumerate((140, 88, 56, 36, 22, 14)[:6 - k]):
            n = min(len(token[i + k]), len(token[i]))
            head.match(nats * CODE / n, token[i + k][:n], token[i][:n])
        head.match(60, part(at, at.some), part(at, at.some))
        head.rising(-40)
        head.flag(300, {"inside": 1, "one": -1})
        if k == 0:
            head.idle(1240, (-1280, TASK), (480, BEHIND), (160, ["summing", "suggesting"]),
                      (320, ENDED[1:]))
        else:
            head.idle(1000, (-500, ENDED[k:k + 1]), (-500, ["summing"]), (500, BEHIND))
        head.take(part(at, at.pos), at.place)
    head = Head(at, b, 3)
    head.flag(200, {"begin": 1, "response": -0.5, "one": -1})
    head.nearest(60)
    head.idle(1000, (-500, ENDED[1:]), (-500, ["summing"]), (500, BEHIND[:1]))
    head.take(short[:SOME], at.said)
    head = Head(at, b, 4)  # how many words of its sentence, n / (n + 4)
    head.near(12, 0, of=at.place, key=at.place, pairs=slice(2, 10))
    head.flag(8, {"repeated": 1})
    head.idle(20)
    head.take(part(at, at.flag["repeated"]), at.flag["dense"])


def ends(at, b):
    """Block 3: where a sentence has ended, what is known of it, with the token behind its end: only that
    one tells whether "3." ends one or goes on. In a summary: whether the sentence copied ends."""
    flag = at.flag
    head = Head(at, b, 0)
    head.near(80, 1)
    head.idle(400, (-200, ["after_stop", "inside"]))
    head.take(part(at, at.place), at.target)
    head.take(part(at, at.opening), at.said)
    for name in OF_SENTENCE:
        head.take(part(at, flag[name]), flag["ended_" + name])
    head = Head(at, b, 1)
    head.near(200, -1, of=at.place)
    head.idle(300, (-260, ["summing"]), (260, BEHIND + ENDED[1:]))
    new = part(at, flag["line"]) + part(at, flag["begin"])
    head.take(new, flag["next"])
    head.take(new, flag["spaced"], 2)  # the next sentence's first token has a space in front
    for j in range(VOTES):  # where one copies from is what the last tokens say together
        head = Head(at, b, 2 + j)
        head.near(80, j)
        head.idle(400, (-400, ["answering", "summing"]))
        head.take(turns(at, j) @ part(at, at.place), at.place, 1 / VOTES - (j == 0))
    once = step(at, b, 0, b.factor, {"next": 1, "line": -1, "task_sum": -1}, 0.4, 0.6)
    b.wdown[flag["ending"], :2] = FLAG * once


def find(at, b, short, start):
    """Block 4: where the sentence begins that is to be copied. start: position of <document>."""
    head = Head(at, b, 0)  # it has the quoted word, or the word before the question mark
    for nats, rows in ((18, slice(0, 16)), (54, slice(16, 32))):
        head.match(nats, part(at, at.asked[0])[rows], short[rows])
    head.match(18, part(at, at.asked[1]), part(at, at.back[0], BACK[0]))
    head.flag(120, {"inside": 1, "one": -1})
    head.idle(350, (-200, BEHIND), (-200, ["answering"]))
    head.take(part(at, at.place), at.target)
    for h in 1, 2:
        head = Head(at, b, h)
        head.flag(700, {"after_stop": 1, "begin": 1, "line": 1, "inside": 2, "one": -4, "rest": 2,
                        "outside": -3})
        head.flag(-160, {"ended_short": 1})
        head.flag(128, {"ended_whole": 1, "one": -1, "rest": 1})
        head.match(250, part(at, at.said), part(at, at.said))
        if h == 1:
            head.shaped(FIRST_AT, 280, origin=start)
            head.idle(2800, (-1750, BEHIND), (-1750, ["summing"]))
        else:
            head.shaped(NEXT_AT, 120, of=at.place, weights=NEXT_WEIGHTS)
            head.flag(150, {"ended_dense": 1})
            head.idle(8 * NO_NEXT, (-7 * NO_NEXT, ["summing"]), (8 * NO_NEXT, BEHIND))
        head.take(part(at, at.target), at.target)
        head.take(part(at, at.flag["one"]), at.flag["found"])
    head = Head(at, b, 3)  # one of the summary's sentences that have ended and the mark before them
    head.flag(10, {"ending": 1, "response": 1, "outside": 1, "one": -2})
    head.take(part(at, at.flag["response"]), at.flag["count"], 3)


def look_up(at, b):
    """Block 5: the first, second or third token of the sentence found; behind them, where it begins."""
    for i in range(3):
        head = Head(at, b, i)
        head.near(160, -i, of=at.target)
        head.idle(520, (-250, [BEHIND[i], ENDED[i]]), (-250, ["answering", "summing"]),
                  (300, BEHIND[:i]))
        repeat(at, head)
    head = Head(at, b, 3)
    head.flag(200, {"begin": 1, "found": 1, "response": -1, "one": -2})
    head.nearest(120)
    head.idle(400, (-400, ["answering", "summing"]))
    head.take(part(at, at.target), at.goal)


def copy(at, b, short):
    """Block 6: a token in front of which the last three stand, in the sentence that is being copied; of
    several the one behind the longest run of the last tokens."""
    head = Head(at, b, 0)
    before = [short, *(part(at, s) for s in at.back)]
    for nats, n, last, key in zip((140, 88, 50), (12, 8, 6), before, before[1:]):
        head.match(nats * CODE / n, last[:n], key[:n])
    head.near(80, -1, of=at.place, pairs=slice(8))
    head.near(150, 0, of=at.goal, key=at.place, pairs=slice(2, 10))
    head.flag(120, {"inside": 1, "one": -1})
    head.idle(50, (1200, ENDED + BEHIND))
    repeat(at, head)


def repeat(at, head, say=3.0):
    """Says the token that the head looks at; its case too, since its code is about letters."""
    head.take(part(at, at.tok), at.tok, say)
    head.take(part(at, at.flag["cased"]), at.flag["cased"], 8)


def at_document(model, prefix):
    """For each block, the vector that <document> has in front of it: [dim]."""
    ids = torch.cat([torch.as_tensor(v, device=model.wte.device) for v in (prefix, [DOCUMENT])])
    x = (model.w(model.wte)[ids] + model.wpe[:len(ids)])[None]
    for b in model.blocks:
        yield x[0, -1]
        x = model.block(b, x)


@torch.no_grad()
def settle(model, at, prefix):
    """Makes idle heads take over exactly nothing: what stands at <document> changes a little while the
    model learns, and a bit of it from each of many heads would be a wrong position."""
    col = at.flag["rest"].start
    for b, heads, x in zip(model.blocks, IDLE, at_document(model, prefix)):
        x = model.a(b.norm_1(x))
        for h in heads:
            rows = slice(h * at.head, (h + 1) * at.head)
            b.wv[rows, col] = 0
            balance(b.wv[rows], at)
            more = -(b.wv[rows] @ x + b.bv[rows]) / (x[col] - x[at.zero])
            b.wv[rows, col] += more
            b.wv[rows, at.zero] -= more


def step(at, b, row, factor, rule, low, high):
    """Two hidden units, of which low and high are where a sum of flags starts to count and counts in
    full. Returns what their outputs are to be multiplied with. The falling one has 8/7 of the slope and
    7/8 of the weight, since Q4_0 reaches from -8 to 7."""
    steep, unit = 30.0, FLAG * factor
    for j, (edge, slope) in enumerate(((low, steep), (high, steep * 8 / 7))):
        b.wup[row + j] = 0
        for name, w in rule.items():
            b.wup[row + j, at.flag[name]] = slope * w / unit
        b.bup[row + j] = -slope * edge
        b.wdown[:, row + j] = 0
    balance(b.wup[row:row + 2], at)
    return torch.tensor([1, -7 / 8]) / (steep * (high - low))


def begins(at, b):
    """A line or a sentence begins, but not at a list's marker; the text behind a marker begins."""
    less = -7 / 8
    rules = ({"after_line": 1, "line": less, "marker": less, "heading": less, "after_stop": 5 / 8,
              "capital": 4 / 8},
             {"after_marker": 0.5, "space": 0.5})
    for r, rule in enumerate(rules):
        once = step(at, b, 2 * r, FACTOR_INSIDE * math.sqrt(at.dim / AT_WIDTH), rule, 0.7, 0.9)
        b.wdown[at.flag["begin"], 2 * r:2 * r + 2] = FLAG * once


def is_last(at, b, line_end):
    """Where a summary's sentence has ended: says line_end ([dim], a token) when no other was found or
    three have ended (count is 0.71 then, and 0.95 after two), and otherwise that it is not line_end."""
    rules = ((6, {"ending": 1, "found": -1, "summing": 0.5}, 0.9, 1.1),
             (6, {"ending": 4, "one": -1, "count": -3.66}, -0.08, 0.24),
             (-1.5, {"ending": 8, "one": -32 / 3, "count": 3.25}, -0.16, 0.24))
    for r, (says, rule, low, high) in enumerate(rules):
        once = step(at, b, 2 * r, b.factor, rule, low, high)
        b.wdown[at.tok, 2 * r:2 * r + 2] = says * line_end[at.tok][:, None] * once


def held(b, n, of=lambda p: p):
    """The rows of a block that its first n rows of heads are made of; of: what of each parameter."""
    return [of(p)[:n] for p in (b.wq, b.wk, b.wv, b.bq, b.bk, b.bv)] + [of(b.wo)[:, :n]]


@torch.no_grad()
def keep(model, at):
    """Sets the gradients to zero of the circuits behind the frozen blocks, and of all that would write
    where they read. Without this they are lost among steps that are as long in every direction."""
    for s in at.reserved(2):
        model.wte.grad[:, s] = 0
    for s in at.flag.values():
        model.norm_f.weight.grad[s] = 0
    for i in range(FROZEN, len(FIXED)):
        b = model.blocks[i]
        for g in held(b, FIXED[i] * at.head, lambda p: p.grad):
            g.zero_()
        for s in at.reserved(i):
            for p in (b.wo, b.bo, b.wdown, b.bdown):
                p.grad[s] = 0
        for p in b.norm_1.parameters():
            p.grad.zero_()


@torch.no_grad()
def restore(model, own, at):
    """Puts the circuits of own, a model before training, into one that was trained with others."""
    for s in at.reserved(2):
        model.wte[:, s] = own.wte[:, s]
    model.wpe.copy_(own.wpe)
    for b, o in zip(model.blocks[:FROZEN], own.blocks):
        b.load_state_dict(o.state_dict())
    for i in range(FROZEN, len(FIXED)):
        n = FIXED[i] * at.head
        for p, q in zip(held(model.blocks[i], n), held(own.blocks[i], n)):
            p.copy_(q)
