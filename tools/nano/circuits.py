"""What SlimLM-nano knows before any training: heads that copy, and heads that look up the sentence
that has the word of a question.

The tasks of the extractive assistant are mostly copying, which a transformer does with heads that
look back and heads that look for what followed the same tokens before (Olsson et al. 2022). A small
model would spend all of its training on finding them. Here they are written into four blocks:

    block 0   look one, two and three tokens back; look which task was announced last. The feed-forward
              part marks where a sentence begins
    block 1   look three back again, so that a token knows the six before it; look where its sentence
              began; look whether it stands in the document. Behind <response>: look at the end of the
              question
    block 2   find where the sentence to be repeated begins. In an answer: it has the question's last
              word. In a summary: one of the first, long and whole; then, when one has ended with its
              line, the next
    block 3   repeat what followed the same six tokens, or the same three; the first, second and third
              token of the sentence found

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
FACTORS, FACTOR_INSIDE, AT_WIDTH = (3.1, 1.75, 1.42, 1.1), 1.96, 384
DOCUMENT = 1              # id of <document>, see tokenizer.py
LETTERS = 44              # of a token's vector, what tells its letters; its length and the rest's
OF_LETTERS, OF_ITSELF = 0.83, 0.56
MARKERS = ("-", "*", "+", "\u2022")
HEADINGS = ("#", "##", "###", "####")


class Layout:
    """Which entries of a vector stand for what."""

    OWN = ("line", "stop", "capital", "space", "marker", "quote", "ask", "document", "response",
           "request", "task_qa", "task_sum", "task_other", "heading")
    MOVED = ("after_line", "after_stop", "after_marker", "after_response", "after_response_2",
             "after_response_3", "answering", "summing", "begin", "outside", "one")
    SENTENCE = ("dense", "whole", "after_stop_2")

    def __init__(self, dim, heads, pairs=16):
        self.dim, self.head, self.pairs, self.n = dim, dim // heads, pairs, 0
        self.freq = 2.5 * (1 / 2000.0) ** (torch.arange(pairs) / (pairs - 1))
        self.pos = self.take(2 * pairs)
        self.tok = self.take(self.head)
        self.back = [self.take(32)] + [self.take(16) for _ in range(5)]  # tokens before, in short
        self.flag = {name: self.take(1) for name in self.OWN + self.MOVED}
        self.begin = self.take(2 * pairs)            # where the sentence began
        self.asked = [self.take(32), self.take(16)]  # the last tokens of the question, in short
        self.target = self.take(2 * pairs)           # where the sentence found begins
        self.flag.update({name: self.take(1) for name in self.SENTENCE})
        if self.n + 32 > dim:
            raise ValueError(f"a width of {dim} is too little: {self.n} entries are taken")

    def take(self, n):
        self.n += n
        return slice(self.n - n, self.n)

    def reserved(self, block):
        """Parts that only circuits may write in this block: they are read later."""
        parts = [(self.pos, 3), (self.tok, 3), (self.begin, 2), (self.target, 3)]
        parts += [(s, 3) for s in self.back + list(self.flag.values())]
        parts += [(s, 2) for s in self.asked]
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
    end = text.rstrip("\"')]\u201d\u2019")
    return {"line": "\n" in text, "stop": end[-1:] in (".", "!", "?"), "capital": word[:1].isupper(),
            "space": text[:1] == " ", "marker": text in MARKERS, "quote": text == '"',
            "ask": text in ("?", '"?'), "document": text == "<document>",
            "response": text == "<response>", "request": text == "<request>",
            "heading": text in HEADINGS}


def token_vectors(texts, marks, at):
    """[n][dim]: a token's own part (texts that differ in a space before them or in case share most
    of it) and its flags. marks: of task_marks()."""
    g = torch.Generator().manual_seed(11)
    letters, out = {}, torch.zeros(len(texts), at.dim)
    own = F.normalize(torch.randn(len(texts), at.head - LETTERS, generator=g), dim=1)
    for i, text in enumerate(texts):
        key = (text.lstrip(" ") or text).lower()
        if key not in letters:
            letters[key] = F.normalize(torch.randn(LETTERS, generator=g), dim=0)
        out[i, at.tok] = CONTENT * torch.cat([OF_LETTERS * letters[key], OF_ITSELF * own[i]])
        for name, there in flags_of(text).items():
            out[i, at.flag[name]] = FLAG * there
    for i, name in marks.items():
        out[i, at.flag[name]] = FLAG
    return out


def position_vectors(context, at):
    """[context][dim]: sines of the position, which make "n before" a rotation."""
    angle = torch.arange(context)[:, None] * at.freq[None]
    out = torch.zeros(context, at.dim)
    out[:, at.pos][:, 0::2] = CONTENT / math.sqrt(at.pairs) * angle.sin()
    out[:, at.pos][:, 1::2] = CONTENT / math.sqrt(at.pairs) * angle.cos()
    out[:, at.flag["one"]] = FLAG
    return out


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
        a = math.sqrt(8 * abs(nats)) / (self.c * CONTENT)
        self.b.wq[rows] = math.copysign(a, nats) * q
        self.b.wk[rows] = a * k

    def near(self, nats, n, weights=None, of=None):
        """Scores nats where the position is n less than that of part `of` (its own, or one taken
        over). weights: of each frequency, for a slope in place of a peak."""
        at = self.at
        w = torch.ones(at.pairs) if weights is None else weights
        q, k = torch.zeros(2, 2 * at.pairs, at.dim)
        k[:, at.pos] = torch.eye(2 * at.pairs)
        turn = torch.zeros(2 * at.pairs, 2 * at.pairs)
        for i in range(at.pairs):
            angle = float(at.freq[i]) * n
            s, c = math.sin(angle), math.cos(angle)
            turn[2 * i, 2 * i], turn[2 * i, 2 * i + 1] = w[i] * c, -w[i] * s
            turn[2 * i + 1, 2 * i], turn[2 * i + 1, 2 * i + 1] = w[i] * s, w[i] * c
        q[:, of or at.pos] = turn
        self.match(nats if weights is None else nats * at.pairs, q, k)

    def near_place(self, nats, place):
        """Falls from nats with the distance from a position, given as its vector."""
        rows = self.next(2 * self.at.pairs)
        a = math.sqrt(8 * nats) / (self.c * CONTENT)
        slow = torch.cat([torch.zeros(12), torch.ones(2 * self.at.pairs - 12)])
        self.b.bq[rows] = a * self.c * place * slow
        self.b.wk[rows, self.at.pos] = a * torch.eye(2 * self.at.pairs)

    def nearest(self, nats):
        """The nearer, the more: falls by nats in about 20 tokens."""
        slow = self.at.freq[11] / self.at.freq
        self.near(nats, 0, torch.where(slow <= 1.01, slow, torch.zeros(())))

    def flag(self, nats, keys, when=None):
        """Scores the keys' flags, weighted; when: only so far as the query has that flag, too."""
        row = self.next(1)
        unit, a = FLAG * self.c, math.sqrt(8 * abs(nats))
        if when is None:
            self.b.bq[row] = math.copysign(a, nats)
        else:
            for name in when:
                self.b.wq[row, self.at.flag[name]] = math.copysign(a, nats) / unit
        for name, w in keys.items():
            self.b.wk[row, self.at.flag[name]] = w * a / unit

    def idle(self, nats, *flags):
        """Looks at <document> unless the query has one of each list of flags."""
        self.flag(nats * len(flags), {"document": 1}, when=["one"])
        for names in flags:
            self.flag(-nats, {"document": 1}, when=names)

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


BEHIND = ("after_response", "after_response_2", "after_response_3")  # the answer's first tokens
ENDED = ("stop", "after_stop", "after_stop_2")  # a sentence has ended, zero to two tokens ago


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
    for i, b in enumerate(model.blocks):
        b.factor = FACTORS[min(i, 3)] * math.sqrt(at.dim / AT_WIDTH)
        for s in at.reserved(i):
            b.wo[s] = b.wdown[s] = 0
    short = shortened(at)
    look_back(at, model.blocks[0], short)
    begins(at, model.blocks[0])
    look_around(at, model.blocks[1])
    find(at, model.blocks[2], short, model.wpe[len(prefix) + 20, at.pos])
    repeat(at, model.blocks[3], short)
    model.norm_f.weight.fill_(0.4)
    settle(model, at, prefix)


def shortened(at):
    """[32][dim]: a token in short: 16 entries of all of it, 16 of its letters; each as long as the
    token."""
    g = torch.Generator().manual_seed(7)
    mixed = torch.linalg.qr(torch.randn(at.head, at.head, generator=g))[0][:16]
    spelt = torch.linalg.qr(torch.randn(LETTERS, LETTERS, generator=g))[0][:16]
    out = torch.zeros(32, at.dim)
    out[:16, at.tok] = mixed * math.sqrt(at.head / 16)
    out[16:, at.tok][:, :LETTERS] = spelt * (math.sqrt(LETTERS / 16) / OF_LETTERS)
    return out


def look_back(at, b, short):
    """Block 0: the last three tokens; the task announced last."""
    flag = at.flag
    for h, moved in enumerate(({"line": "after_line", "stop": "after_stop", "marker": "after_marker",
                                "response": "after_response"},
                               {"response": "after_response_2", "stop": "after_stop_2"},
                               {"response": "after_response_3"})):
        head = Head(at, b, h)
        head.near(80, h + 1)
        head.take(short if h == 0 else short[:16], at.back[h])
        for name, to in moved.items():
            head.take(part(at, flag[name]), flag[to])
    head = Head(at, b, 3)
    head.flag(150, {"task_qa": 1, "task_sum": 1, "task_other": 1, "document": 1})
    head.nearest(45)
    head.take(part(at, flag["task_qa"]), flag["answering"])
    head.take(part(at, flag["task_sum"]), flag["summing"])


def look_around(at, b):
    """Block 1: the three tokens before the last three; where the sentence began, and whether with a
    capital; inside the document or outside; the end of the question; how dense sentences are."""
    flag = at.flag
    head = Head(at, b, 0)
    head.near(120, 3)
    for i in range(3):
        head.take(part(at, at.back[i], 16), at.back[3 + i])
    head = Head(at, b, 1)
    head.flag(350, {"begin": 1, "one": -1})
    head.nearest(100)
    head.take(part(at, at.pos), at.begin)
    head.take(part(at, flag["capital"]), flag["whole"])
    head = Head(at, b, 2)
    head.flag(150, {"document": 1, "request": 1})
    head.nearest(45)
    head.take(part(at, flag["request"]), flag["outside"])
    head = Head(at, b, 3)  # 11 tokens before an answer's first, or 12 when it is a quote's end
    head.near(120, 12)
    head.flag(50, {"ask": 1, "quote": 1.7})
    head.idle(220, BEHIND, ["answering"])
    head.take(part(at, at.back[0]), at.asked[0])
    head.take(part(at, at.back[1]), at.asked[1])
    head = Head(at, b, 4)  # few sentences began lately where they are long
    head.nearest(4)
    head.take(part(at, flag["begin"]), flag["dense"], 10)


def find(at, b, short, first):
    """Block 2: where the sentence begins that is to be repeated. first: the vector of a position among
    a document's first."""
    head = Head(at, b, 0)  # it has the quoted word, or the word before the question mark
    for nats, rows in ((18, slice(0, 16)), (54, slice(16, 32))):
        head.match(nats, part(at, at.asked[0])[rows], short[rows])
    head.match(18, part(at, at.asked[1]), part(at, at.back[0], 16))
    head.flag(-120, {"outside": 1})
    head.idle(200, BEHIND, ["answering"])
    head.take(part(at, at.begin), at.target)
    head = Head(at, b, 1)  # a summary's first: one of the document's first, long and whole
    head.flag(200, {"stop": 1, "one": -1.6})
    head.flag(-300, {"outside": 1})
    head.near_place(150, first)
    head.flag(-68, {"dense": 1})
    head.flag(68, {"whole": 1})
    head.idle(800, BEHIND, ["summing"])
    head.take(part(at, at.begin), at.target)
    for k, name in enumerate(ENDED):  # a summary's next: behind the last one and an empty line
        head = Head(at, b, 2 + k)
        for i in range(4):
            own = part(at, at.back[i + k - 1], 12) if i + k else short[:12]
            head.match(80, own, part(at, at.back[2 + i], 12))
        head.flag(120, {"begin": 1})
        head.flag(215, {"document": 1}, when=["one"])
        head.idle(500, [name], ["summing"])
        head.take(part(at, at.pos), at.target)


def repeat(at, b, short, say=3.0):
    """Block 3: the next token."""
    token = part(at, at.tok)
    for h, n in enumerate((6, 3)):  # what followed the same six, or three
        head = Head(at, b, h)
        rows = min(16, (at.head - 2) // n)
        for i in range(n):
            own = part(at, at.back[i - 1], rows) if i else short[:rows]
            head.match(80, own, part(at, at.back[i], rows))
        head.flag(800, {"document": 1}, when=["after_response"])
        head.take(token, at.tok, say)
    for i in range(3):  # the first, second or third token of the sentence found
        head = Head(at, b, 2 + i)
        head.near(250, -i, of=at.target)
        head.flag(20, {"document": 1}, when=["one"])
        head.idle(300, [BEHIND[i], ENDED[i]], ["answering", "summing"])
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
            b.wv[rows, col] = -(b.wv[rows] @ at_document + b.bv[rows]) / at_document[col]
        x = model.block(b, x)


def begins(at, b):
    """Two steps out of four hidden units: a line or a sentence begins, but not at a list's marker; the
    text behind a marker begins. A step's falling unit has 8/7 of the slope and 7/8 of the weight, since
    Q4_0 reaches from -8 to 7."""
    steep, low, high = 30.0, 0.7, 0.9
    unit = FLAG * FACTOR_INSIDE * math.sqrt(at.dim / AT_WIDTH)
    rules = ({"after_line": 1, "line": -1, "marker": -1, "heading": -1, "after_stop": 0.6,
              "capital": 0.4},
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


IDLE = (), (3,), (0, 1, 2, 3, 4), (0, 1, 2, 3, 4)  # heads of each block that may have nothing to do
FIXED = (4, 5, 5, 5)  # heads of each block that training leaves alone
N_HIDDEN = 4          # hidden units of the first block, likewise


@torch.no_grad()
def keep(model, at):
    """Sets the gradients to zero of the circuits, and of all that would write where they read. Without
    this they are lost among steps that are as long in every direction."""
    for s in at.reserved(2):
        model.wte.grad[:, s] = 0
    for s in at.reserved(0):
        model.wpe.grad[:, s] = 0
    for i, b in enumerate(model.blocks[:4]):
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
