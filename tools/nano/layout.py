"""Which entries of a vector of the residual stream stand for what (Layout), and the vectors that
tokens and positions begin with.
"""
import math

import torch
import torch.nn.functional as F

from model import QK

CONTENT, FLAG = 4.0, 2.0  # lengths in a vector: of a part with content, of a flag that is set; much,
                          # so that what is learned beside them hardly changes LayerNorm's factors
DOCUMENT = 1              # id of <document>, see tokenizer.py
FINDING, COPYING = 4, 6   # blocks that read last what circuits wrote before; see circuits.py
# A token's vector in parts that have the same length in all tokens, so that a token is like no other
# as much as like itself: (entries, whether they tell its letters). The first 16 are its code.
PARTS = ((6, True), (2, False), (4, True), (4, False), (16, True), (18, True), (12, False))
CODE, SPELT = 16, 16
OF_LETTERS, OF_ITSELF = 0.83, 0.56  # lengths of what tells a token's letters, and of the rest
BACK = (8, 6, 6, 6, 6)  # entries for the tokens before the last
SOME = 8                # entries for what stood some tokens before
MARKERS = ("-", "*", "+", "\u2022")
HEADINGS = ("#", "##", "###", "####")
LEANING = frozenset("""this these that those it its they their such he she his her then thus so however
    therefore also but and or nor moreover furthermore otherwise instead for""".split())
# Words that say nothing about what a text is about.
EMPTY = frozenset("""about after all also and any are because been before being between both but can could
    did does each for from had has have her here his how into its may more most must not now one only
    other our out over same she should some such than that the their them then there these they this
    those through under use used using very was were what when where which while who will with would
    you your""".split())


class Layout:
    """Which entries of a vector stand for what. Parts begin where blocks of 32 do, which share a scale
    in Q4_0 and in 8 bits: so what stands in one part makes no difference to another."""

    # Flags that heads add up to exactly nothing: each is FLAG or 0, and in 8 bits one and the same.
    EXACT = ("line", "stop", "capital", "space", "marker", "quote", "ask", "document", "response",
             "request", "task_qa", "task_sum", "task_other", "heading",
             "after_line", "after_stop", "after_marker", "after_response", "after_response_2",
             "after_response_3", "answering", "summing", "suggesting", "begin", "after_begin",
             "inside", "outside", "ending", "found", "one", "rest")
    LOOSE = ("opening", "short", "whole", "spaced", "cased", "content", "repeated", "dense",
             "ended_whole", "ended_short", "ended_dense", "next", "count", "nowhere")

    def __init__(self, dim, heads, pairs=16):
        self.dim, self.head, self.pairs, self.n = dim, dim // heads, pairs, 0
        self.freq = 2.5 * (1 / 2000.0) ** (torch.arange(pairs) / (pairs - 1))
        self.pos = self.take(2 * pairs)
        self.tok = self.take(sum(n for n, _ in PARTS))
        self.align()
        self.place = self.take(2 * pairs)   # where its sentence began; in an answer: of the token copied
        self.target = self.take(2 * pairs)  # where the sentence found begins; see circuits.ends()
        self.back = [self.take(CODE + SPELT)] + [self.take(n) for n in BACK]  # tokens before, in short
        self.some = self.take(SOME)                                # the mean of more, before these
        self.opening = self.take(SOME)  # how its sentence began
        self.said = self.take(SOME)     # the first token of a summary's sentence, at the next two
        before = self.take(BACK[0])     # fills the block
        self.asked = [self.take(CODE + SPELT), before]  # the question's last tokens
        self.goal = self.asked[0]  # behind block 4: where the sentence being copied begins
        self.flag = {name: self.take(1) for name in self.EXACT}
        self.align()
        self.flag.update({name: self.take(1) for name in self.LOOSE})
        self.align()
        self.zero = dim - 1  # always zero; see balance()
        if self.n + 32 > dim:
            raise ValueError(f"a width of {dim} is too little: {self.n} entries are taken")

    def align(self):
        self.n += -self.n % QK

    def take(self, n):
        self.n += n
        return slice(self.n - n, self.n)

    def reserved(self, block):
        """Parts that only circuits may write in this block: they are read later."""
        to_copy = [self.pos, self.tok, self.place, self.target, *self.back[:3], self.goal,
                   *self.flag.values(), slice(self.zero, self.zero + 1)]
        to_find = [*self.back[3:], self.asked[1], self.some, self.opening, self.said]
        return to_copy * (block < COPYING) + to_find * (block < FINDING)


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
    upper, shouted, spaced = word[:1].isupper(), word[:2].isupper() and len(word) > 1, text[:1] == " "
    end = text.rstrip("\"')]\u201d\u2019")
    return {"line": "\n" in text, "stop": end[-1:] in (".", "!", "?"),
            "capital": upper or word[:1] in tuple("([\"\u201c"),
            "space": spaced, "marker": text in MARKERS, "quote": text == '"',
            "ask": text in ("?", '"?'), "document": text == "<document>",
            "response": text == "<response>", "request": text == "<request>",
            "heading": text in HEADINGS,
            "content": len(word) > 2 and word.isascii() and word.isalpha() and word.lower() not in EMPTY,
            "opening": upper * (0.55 if word.lower() in LEANING else 1),
            "spaced": 0.25 * spaced, "cased": -0.25 if shouted else 0.25 * upper}  # for the output


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


def part(at, which, n=None):
    """The first n entries of a part as a matrix [n][dim]."""
    n = n or which.stop - which.start
    m = torch.zeros(n, at.dim)
    m[:, which.start:which.start + n] = torch.eye(n)
    return m


def shortened(at):
    """[32][dim]: a token in short: its code, and more of its letters; each as long as the token."""
    return 2 * torch.cat([part(at, at.tok, CODE), part(at, at.tok, CODE + SPELT)[CODE:]])
