"""What SlimLM-nano knows before any training: heads that copy, and heads that look up the sentence
that has the word of a question, or that a summary should have next.

The tasks of the extractive assistant are mostly copying, which a transformer does with heads that
look back and heads that look for what followed the same tokens before (Olsson et al. 2022). A small
model would spend all of its training on finding them. Here they are written into five blocks:

    block 0   look one, two and three tokens back; look which task was announced last. The feed-forward
              part marks where a sentence begins
    block 1   look three back again, so that a token knows the six before it; look where its sentence
              began, how, and how long ago; look whether it stands in the document. Behind <response>:
              look at the end of the question
    block 2   in an answer: look where in the document the same tokens stand, from where one copies;
              in a summary: count its sentences
    block 3   find where the sentence to be copied begins. For an answer: it has the question's last
              word. For a summary: an early one that is long and stands on its own; then, when one has
              ended, another behind it
    block 4   repeat the token behind the place one copies from; the first, second and third token of
              the sentence found

A vector of the residual stream has a part for each of these (Layout). A head that has nothing to do
looks at <document>, where it takes nothing over. Scores are in nats, before softmax.
"""
import math

import torch
import torch.nn.functional as F

CONTENT, FLAG = 4.0, 2.0  # lengths in a vector: of a part with content, of a flag that is set; much,
                          # so that what is learned beside them hardly changes LayerNorm's factors
# About what LayerNorm multiplies with in front of each block's heads, and of the first's other half, at
# a width of 384; it grows with the root of the width.
FACTORS, FACTOR_INSIDE, AT_WIDTH = (3.13, 2.01, 1.65, 1.65, 1.65), 2.015, 384
# <document> is long, so that what is learned beside it hardly changes its own factor: about this.
LONG, FACTOR_LONG = 24.0, 0.79
DOCUMENT = 1              # id of <document>, see tokenizer.py
# A token's vector in parts that have the same length in all tokens, so that a token is like no other
# as much as like itself: (entries, whether they tell its letters). The first 16 are its code.
PARTS = ((6, True), (2, False), (4, True), (4, False), (16, True), (18, True), (14, False))
CODE, SPELT = 16, 16
OF_LETTERS, OF_ITSELF = 0.83, 0.56  # lengths of what tells a token's letters, and of the rest
BACK = (8, 8, 6, 6, 6)  # entries for the tokens before the last
SOME = 8                # entries for what stood some tokens before
MARKERS = ("-", "*", "+", "\u2022")
HEADINGS = ("#", "##", "###", "####")
LEANING = frozenset("""this these that those it its they their such he she his her then thus so however
    therefore also but and or nor moreover furthermore otherwise instead for""".split())
# How the choice of a summary's sentences depends on where they end, in nats: tokens behind the
# document's start, or behind the last one's end; linear between. Fitted to the extractive assistant.
FIRST_AT = {0: 0, 25: -8, 50: -20, 100: -60, 200: -148, 400: -256, 600: -296, 903: -308}
NEXT_AT = {-900: -400, 0: -400, 14: 0, 25: -12, 50: -32, 100: -68, 200: -116, 400: -152, 900: -152}


class Layout:
    """Which entries of a vector stand for what."""

    FLAGS = ("line", "stop", "capital", "space", "marker", "quote", "ask", "document", "response",
             "request", "task_qa", "task_sum", "task_other", "heading", "opening",
             "after_line", "after_stop", "after_marker", "after_response", "after_response_2",
             "after_response_3", "answering", "summing", "suggesting", "begin", "after_begin",
             "inside", "outside", "short", "whole", "share", "ending", "nowhere", "one")

    def __init__(self, dim, heads, pairs=16):
        self.dim, self.head, self.pairs, self.n = dim, dim // heads, pairs, 0
        self.freq = 2.5 * (1 / 2000.0) ** (torch.arange(pairs) / (pairs - 1))
        self.pos = self.take(2 * pairs)
        self.tok = self.take(sum(n for n, _ in PARTS))
        self.place = self.take(2 * pairs)   # where its sentence began; in an answer: of the token copied
        self.target = self.take(2 * pairs)  # where the sentence found begins
        self.back = [self.take(CODE + SPELT)] + [self.take(n) for n in BACK]  # tokens before, in short
        self.some = self.take(SOME)                                # the mean of more, before these
        self.opening = self.take(SOME)  # how its sentence began
        self.said = self.take(SOME)     # the first token of a summary's sentence, at the next two
        self.asked = [self.take(CODE + SPELT), self.take(BACK[0])]  # the question's last tokens
        self.flag = {name: self.take(1) for name in self.FLAGS}
        self.zero = dim - 1  # always zero; see balance()
        if self.n + 32 > self.zero:
            raise ValueError(f"a width of {dim} is too little: {self.n} entries are taken")

    def take(self, n):
        self.n += n
        return slice(self.n - n, self.n)

    def reserved(self, block):
        """Parts that only circuits may write in this block: they are read later."""
        parts = [(s, 4) for s in [self.pos, self.tok, self.place, self.target, *self.flag.values(),
                                  slice(self.zero, self.dim)]]
        parts += [(s, 3) for s in [*self.back, *self.asked, self.some, self.opening, self.said]]
        return [s for s, last in parts if block < last]


TASKS = {"summarization": "task_sum", "question_suggestion": "task_other",
         "question_answering": "task_qa"}


def task_marks(tok):
    """Of each task the rarest of the tokens that announce it and none of the others: id to flag."""
    ids = {name: tok.encode(f"<intent>: {name}", add_special_tokens=False).ids for name in TASKS}
    return {max(i for i in own if not any(i in ids[other] for other in TASKS if other != name)):
            TASKS[name] for name, own in ids.items()}


def flags_of(text):
    """The flags that a token has by its text alone."""
    word = text.lstrip(" ")
    leaning = word.lower() in LEANING
    end = text.rstrip("\"')]\u201d\u2019")
    return {"line": "\n" in text, "stop": end[-1:] in (".", "!", "?"), "capital": word[:1].isupper(),
            "space": text[:1] == " ", "marker": text in MARKERS, "quote": text == '"',
            "ask": text in ("?", '"?'), "document": text == "<document>",
            "response": text == "<response>", "request": text == "<request>",
            "heading": text in HEADINGS, "opening": word[:1].isupper() * (0.55 if leaning else 1)}


def token_vectors(texts, marks, at):
    """[n][dim]: a token's own part (texts that differ in a space before them or in case share most
    of it) and its flags. marks: of task_marks()."""
    g = torch.Generator().manual_seed(11)
    total = {kind: sum(n for n, k in PARTS if k == kind) for kind in (True, False)}

    def made():
        return [F.normalize(torch.randn(n, generator=g), dim=0) * math.sqrt(n / total[k]) *
                (OF_LETTERS if k else OF_ITSELF) for n, k in PARTS]
    letters, out = {}, torch.zeros(len(texts), at.dim)
    for i, text in enumerate(texts):
        key = (text.lstrip(" ") or text).lower()
        own = made()
        spelt = letters.setdefault(key, own)
        out[i, at.tok] = CONTENT * torch.cat([s if k else o
                                              for s, o, (_, k) in zip(spelt, own, PARTS)])
        for name, there in flags_of(text).items():
            out[i, at.flag[name]] = FLAG * there
    for i, name in marks.items():
        out[i, at.flag[name]] = FLAG
    return out


def places(positions, at):
    """[n][2 * pairs]: sines of positions, which make "n before" a rotation."""
    angle = positions[:, None] * at.freq[None]
    return CONTENT / math.sqrt(at.pairs) * torch.stack([angle.sin(), angle.cos()], 2).flatten(1)


def position_vectors(context, at):
    """[context][dim]"""
    out = torch.zeros(context, at.dim)
    out[:, at.pos] = places(torch.arange(context), at)
    out[:, at.flag["one"]] = FLAG
    return out


def fitted(freq, points, below):
    """Cosines and sines of freq times a distance whose sum is the function with the given points,
    linear between, and a constant: least squares. Where it is `below` that many nats under its
    greatest value it may be less."""
    x, y = (torch.tensor([float(v) for v in t]).double() for t in (points.keys(), points.values()))
    d = torch.arange(x[0], x[-1] + 1, dtype=torch.double)
    i = torch.bucketize(d, x).clamp(1, len(x) - 1)
    want = y[i - 1] + (d - x[i - 1]) / (x[i] - x[i - 1]) * (y[i] - y[i - 1])
    angle = d[:, None] * freq.double()
    basis = torch.cat([angle.cos(), angle.sin(), torch.ones(len(d), 1).double()], 1)
    weight = 1 + 3 * ((d > -5) & (d < 250)).double()
    some = weight
    for _ in range(60):
        left = (basis * some[:, None]).T / len(d)
        c = torch.linalg.solve(left @ basis + 1e-3 * torch.eye(basis.shape[1]), left @ want)
        less = (want < want.max() - below) & (basis @ c < want)
        some = weight * torch.where(less, 0.02, 1.0)
    return c[:len(freq)].float(), c[len(freq):2 * len(freq)].float()


class Head:
    """A head under construction: each term of its score takes some of its rows."""

    def __init__(self, at, block, h):
        self.at, self.b, self.c = at, block, block.factor
        self.rows, self.used = slice(h * at.head, (h + 1) * at.head), 0
        for p in (block.wq, block.wk, block.wv, block.bq, block.bk, block.bv):
            p[self.rows] = 0
        block.wo[:, self.rows] = 0
        self.values = 0

    def next(self, n):
        at = slice(self.rows.start + self.used, self.rows.start + self.used + n)
        self.used += n
        assert self.used <= self.at.head
        return at

    def match(self, nats, q, k):
        """q, k: projections [n][dim] of the query's and the key's vector. Alike, they score nats."""
        rows = self.next(len(q))
        a = math.sqrt(8 * nats) / (self.c * CONTENT)
        self.b.wq[rows] = a * q
        self.b.wk[rows] = a * k

    def turned(self, cos, sin, of=None, origin=None):
        """Scores the sum of cosines and sines of the distance from the position of part `of` (its own,
        or one taken over), or from a fixed position `origin`. cos, sin: [pairs] in nats."""
        at, rows = self.at, self.next(2 * self.at.pairs)
        a = math.sqrt(8 * at.pairs) / (self.c * CONTENT)
        size = (cos ** 2 + sin ** 2).sqrt().clamp(min=1e-9).sqrt()
        self.b.wk[rows, at.pos] = a * torch.diag(size.repeat_interleave(2))
        x, y = cos / size, sin / size
        turn = torch.block_diag(*torch.stack([x, y, -y, x], 1).view(-1, 2, 2))
        if origin is None:
            self.b.wq[rows, of or at.pos] = a * turn
        else:
            fixed = places(torch.tensor([float(origin)]), at)[0]
            self.b.wq[rows, at.flag["one"]] = a / FLAG * (turn @ fixed)[:, None]

    def near(self, nats, n, of=None):
        """Scores nats where the position is n less than that of part `of`."""
        angle, one = n * self.at.freq, nats / self.at.pairs
        self.turned(one * angle.cos(), -one * angle.sin(), of)

    def nearest(self, nats):
        """The nearer, the more: falls by nats in about 20 tokens."""
        slow = self.at.freq[11] / self.at.freq
        self.turned(nats * torch.where(slow <= 1.01, slow, 0.0), torch.zeros(self.at.pairs))

    def shaped(self, points, below, of=None, origin=None):
        """Scores what a function of the distance says, given by points; see fitted()."""
        self.turned(*fitted(self.at.freq, points, below), of, origin)

    def rising(self, nats):
        """The later, the more: a sine that rises along all of the context."""
        row = self.next(1)
        a = math.sqrt(8 * abs(nats))
        self.b.wq[row, self.at.flag["one"]] = math.copysign(a, nats) / (FLAG * self.c)
        self.b.wk[row, self.at.pos.stop - 2] = a * math.sqrt(self.at.pairs) / (self.c * CONTENT)

    def flag(self, nats, keys):
        """Scores the keys' flags, weighted."""
        row = self.next(1)
        unit, a = FLAG * self.c, math.sqrt(8 * abs(nats))
        self.b.wq[row, self.at.flag["one"]] = math.copysign(a, nats) / unit
        for name, w in keys.items():
            self.b.wk[row, self.at.flag[name]] = w * a / unit

    def idle(self, base, *terms):
        """<document>'s score: base, and nats for each flag that the query has, of pairs (nats, flags)."""
        row = self.next(1)
        unit, a = FLAG * self.c, math.sqrt(8 * 100)
        for nats, names in ((base, ["one"]), *terms):
            for name in names:
                self.b.wq[row, self.at.flag[name]] += nats / 100 * a / unit
        self.b.wk[row, self.at.flag["document"]] = a / (FLAG * self.b.long)

    def take(self, source, target, gain=1.0):
        """Value: the projection source [n][dim] of the key's vector goes to target (a slice of n)."""
        rows = slice(self.rows.start + self.values, self.rows.start + self.values + len(source))
        self.values += len(source)
        assert self.values <= self.at.head
        self.b.wv[rows] = source
        self.b.wo[target, rows] = gain / self.c * torch.eye(len(source))


def part(at, which, n=None):
    """The first n entries of a part as a matrix [n][dim]."""
    n = n or which.stop - which.start
    m = torch.zeros(n, at.dim)
    m[:, which.start:which.start + n] = torch.eye(n)
    return m


BEHIND = ("after_response", "after_response_2", "after_response_3")  # before an answer's first tokens
ENDED = ("ending", "begin", "after_begin")  # in a summary: before a further sentence's first tokens
TASK = ("answering", "summing", "suggesting")


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
    model.wte[DOCUMENT, at.pos] = -model.wpe[len(prefix), at.pos]  # no place: for idle heads
    model.wte[DOCUMENT, at.flag["nowhere"]] = LONG
    for i, b in enumerate(model.blocks):
        b.factor, b.long = (f * math.sqrt(at.dim / AT_WIDTH) for f in (FACTORS[min(i, 4)], FACTOR_LONG))
        for s in at.reserved(i):
            b.wo[s] = b.wdown[s] = 0
    short = shortened(at)
    look_back(at, model.blocks[0], short, len(prefix))
    begins(at, model.blocks[0])
    look_around(at, model.blocks[1], short)
    follow(at, model.blocks[2], short)
    find(at, model.blocks[3], short, len(prefix))
    repeat(at, model.blocks[4])
    for b, n in zip(model.blocks, FIXED):
        for w in (b.wq, b.wk, b.wv):
            balance(w[:n * at.head], at)
    balance(model.blocks[0].wup[:N_HIDDEN], at)
    model.norm_f.weight.fill_(0.25)
    settle(model, at, prefix)


def balance(rows, at):
    """Makes rows add up to nothing, so that the mean that LayerNorm takes away makes no difference."""
    rows[:, at.zero] -= rows.sum(1)


def shortened(at):
    """[32][dim]: a token in short: its code, and more of its letters; each as long as the token."""
    return 2 * torch.cat([part(at, at.tok, CODE), part(at, at.tok, CODE + SPELT)[CODE:]])


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
    head = Head(at, b, 3)
    head.flag(150, {"task_qa": 1, "task_sum": 1, "task_other": 1, "document": 2.7})
    head.shaped({0: -80, start - 2: -80, start + 4: -10, 1023: 0}, 60, origin=0)
    for name, to in (("task_qa", "answering"), ("task_sum", "summing"), ("task_other", "suggesting")):
        head.take(part(at, flag[name]), flag[to])
    head = Head(at, b, 4)
    head.shaped({-1000: -8, -45: -8, -30: 0, -8: 0, -3: -8, 0: -8}, 7)
    head.take(short[:SOME], at.some, 4)


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
    head = Head(at, b, 3)  # one of the summary's sentences and the mark before them
    head.flag(20, {"begin": 1, "summing": 1, "outside": 1, "one": -3})
    head.take(part(at, at.flag["response"]), at.flag["share"])
    head = Head(at, b, 4)
    head.flag(200, {"begin": 1, "response": -0.5, "one": -1})
    head.nearest(60)
    head.idle(1000, (-500, ENDED[1:]), (-500, ["summing"]), (500, BEHIND[:1]))
    head.take(short[:SOME], at.said)


def find(at, b, short, start):
    """Block 3: where the sentence begins that is to be copied. start: position of <document>."""
    head = Head(at, b, 0)  # it has the quoted word, or the word before the question mark
    for nats, rows in ((18, slice(0, 16)), (54, slice(16, 32))):
        head.match(nats, part(at, at.asked[0])[rows], short[rows])
    head.match(18, part(at, at.asked[1]), part(at, at.back[0], BACK[0]))
    head.flag(120, {"inside": 1, "one": -1})
    head.idle(350, (-200, BEHIND), (-200, ["answering"]))
    head.take(part(at, at.place), at.target)
    for h in 1, 2:
        head = Head(at, b, h)
        head.flag(700, {"stop": 1, "inside": 1, "one": -2})
        head.flag(-160, {"short": 1})
        head.flag(128, {"whole": 1})
        head.match(250, part(at, at.said), part(at, at.opening))
        if h == 1:
            head.shaped(FIRST_AT, 280, origin=start)
            head.idle(2800, (-1500, BEHIND), (-1500, ["summing"]))
        else:
            head.shaped(NEXT_AT, 120, of=at.place)
            head.idle(1400, (-1500, ["summing"]), (1500, BEHIND))
        head.take(part(at, at.place), at.target)
    head = Head(at, b, 3)  # in a summary: whether a line or a sentence ends with the token copied
    head.near(200, -1, of=at.place)
    head.idle(300, (-260, ["summing"]), (260, BEHIND + ENDED[1:]))
    head.take(part(at, at.flag["line"]) + part(at, at.flag["begin"]), at.flag["ending"])


def repeat(at, b, say=3.0):
    """Block 4: the next token."""
    token = part(at, at.tok)
    head = Head(at, b, 0)  # the one behind
    head.near(240, -1, of=at.place)
    head.idle(50, (450, ENDED + BEHIND))
    head.take(token, at.tok, say)
    for i in range(3):  # the first, second or third token of the sentence found
        head = Head(at, b, 1 + i)
        head.near(160, -i, of=at.target)
        head.idle(520, (-250, [BEHIND[i], ENDED[i]]), (-250, ["answering", "summing"]),
                  (300, BEHIND[:i]))
        head.take(token, at.tok, say)


@torch.no_grad()
def settle(model, at, prefix):
    """Makes idle heads take over exactly nothing: what stands at <document> changes a little while the
    model learns, and a bit of it from each of many heads would be a wrong position."""
    device = model.wte.device
    ids = torch.cat([torch.as_tensor(x, device=device) for x in (prefix, [DOCUMENT])])
    col = at.flag["document"].start
    x = (model.w(model.wte)[ids] + model.wpe[:len(ids)])[None]
    for b, heads in zip(model.blocks, IDLE):
        at_document = b.norm_1(x)[0, -1]
        for h in heads:
            rows = slice(h * at.head, (h + 1) * at.head)
            b.wv[rows, col] = 0
            balance(b.wv[rows], at)
            own = at_document[col] - at_document[at.zero]
            more = -(b.wv[rows] @ at_document + b.bv[rows]) / own
            b.wv[rows, col] += more
            b.wv[rows, at.zero] -= more
        x = model.block(b, x)


def begins(at, b):
    """Two steps out of four hidden units: a line or a sentence begins, but not at a list's marker; the
    text behind a marker begins. A step's falling unit has 8/7 of the slope and 7/8 of the weight, since
    Q4_0 reaches from -8 to 7."""
    steep, low, high = 30.0, 0.7, 0.9
    unit = FLAG * FACTOR_INSIDE * math.sqrt(at.dim / AT_WIDTH)
    less = -7 / 8
    rules = ({"after_line": 1, "line": less, "marker": less, "heading": less, "after_stop": 5 / 8,
              "capital": 3 / 8},
             {"after_marker": 0.5, "space": 0.5})
    for r, rule in enumerate(rules):
        for j, edge in enumerate((low, high)):
            row = 2 * r + j
            b.wup[row] = 0
            slope = steep * (8 / 7 if j else 1)
            for name, w in rule.items():
                b.wup[row, at.flag[name]] = slope * w / unit
            b.bup[row] = -slope * edge
            b.wdown[:, row] = 0
            b.wdown[at.flag["begin"], row] = (-7 / 8 if j else 1) * FLAG / (steep * (high - low))


IDLE = (), (1, 3), (0, 1, 2, 4), (0, 1, 2, 3), (0, 1, 2, 3)  # heads that may have nothing to do
FIXED = 5, 6, 5, 4, 4  # heads of each block that training leaves alone
N_HIDDEN = 4          # hidden units of the first block, likewise


@torch.no_grad()
def keep(model, at):
    """Sets the gradients to zero of the circuits, and of all that would write where they read. Without
    this they are lost among steps that are as long in every direction."""
    for s in at.reserved(2):
        model.wte.grad[:, s] = 0
    for s in at.reserved(0):
        model.wpe.grad[:, s] = 0
    for i, b in enumerate(model.blocks[:len(FIXED)]):
        n = FIXED[i] * at.head
        for p in (b.wq, b.wk, b.wv, b.bq, b.bk, b.bv):
            p.grad[:n] = 0
        b.wo.grad[:, :n] = 0
        for s in at.reserved(i):
            for p in (b.wo, b.bo, b.wdown, b.bdown):
                p.grad[s] = 0
        for p in b.norm_1.parameters():
            p.grad.zero_()
    b = model.blocks[0]
    b.wup.grad[:N_HIDDEN] = b.bup.grad[:N_HIDDEN] = 0
    b.wdown.grad[:, :N_HIDDEN] = 0
    for p in b.norm_2.parameters():
        p.grad.zero_()
