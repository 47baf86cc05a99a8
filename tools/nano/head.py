"""Attention heads written by hand: each term of a head's score takes some of its rows, and what it
takes over goes from one part of a vector to another. Scores are in nats, before softmax.
"""
import math

import torch

from layout import CONTENT, FLAG, places


def fitted(freq, points, below, weights=((-4, 249, 4),)):
    """Cosines and sines of freq times a distance whose sum is the function with the given points,
    linear between, and a constant: least squares. Where it is `below` that many nats under its
    greatest value it may be less. weights: of distances from, to."""
    x, y = (torch.tensor([float(v) for v in t]).double() for t in (points.keys(), points.values()))
    d = torch.arange(x[0], x[-1] + 1, dtype=torch.double)
    i = torch.bucketize(d, x).clamp(1, len(x) - 1)
    want = y[i - 1] + (d - x[i - 1]) / (x[i] - x[i - 1]) * (y[i] - y[i - 1])
    angle = d[:, None] * freq.double()
    basis = torch.cat([angle.cos(), angle.sin(), torch.ones(len(d), 1).double()], 1)
    weight = torch.ones(len(d)).double()
    for first, last, more in weights:
        weight[(d >= first) & (d <= last)] = more
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

    def turned(self, of, cos, sin, key=None, pairs=slice(None)):
        """Scores the sum of cosines and sines ([pairs], in nats) of the distance from the position that
        part `of` holds, or from a fixed position, to the one that the key's part holds (its own)."""
        at = self.at
        used = torch.arange(2 * at.pairs).view(-1, 2)[pairs].flatten()
        rows = self.next(len(used))
        a = math.sqrt(8 * at.pairs) / (self.c * CONTENT)
        size = (cos ** 2 + sin ** 2).sqrt().clamp(min=1e-9).sqrt()
        self.b.wk[rows, key or at.pos] = a * torch.diag(size.repeat_interleave(2))[used]
        x, y = cos / size, sin / size
        turn = torch.block_diag(*torch.stack([x, y, -y, x], 1).view(-1, 2, 2))[used]
        if isinstance(of, slice):
            self.b.wq[rows, of] = a * turn
        else:
            fixed = places(torch.tensor([float(of)]), at)[0]
            self.b.wq[rows, at.flag["one"]] = a / FLAG * (turn @ fixed)[:, None]

    def near(self, nats, n, of=None, key=None, pairs=slice(None)):
        """Scores nats where the key's position is n less than that of part `of`. With some of the
        sines only: pairs."""
        angle = n * self.at.freq
        one = nats / len(self.at.freq[pairs])
        self.turned(of or self.at.pos, one * angle.cos(), -one * angle.sin(), key, pairs)

    def nearest(self, nats):
        """The nearer, the more: falls by nats in about 20 tokens."""
        slow = self.at.freq[11] / self.at.freq
        self.turned(self.at.pos, nats * torch.where(slow <= 1.01, slow, 0.0),
                    torch.zeros(self.at.pairs))

    def shaped(self, points, below, of=None, origin=None, **more):
        """Scores what a function of the distance says, given by points; see fitted()."""
        start = (of or self.at.pos) if origin is None else origin
        self.turned(start, *fitted(self.at.freq, points, below, **more))

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
        self.b.wk[row, self.at.flag["rest"]] = a / (FLAG * self.b.long)

    def take(self, source, target, gain=1.0):
        """Value: the projection source [n][dim] of the key's vector goes to target (a slice of n)."""
        rows = slice(self.rows.start + self.values, self.rows.start + self.values + len(source))
        self.values += len(source)
        assert self.values <= self.at.head
        self.b.wv[rows] = source
        self.b.wo[target, rows] = gain / self.c * torch.eye(len(source))


def turns(at, n):
    """[2 * pairs][2 * pairs]: makes a position's sines those of n tokens later."""
    c, s = (n * at.freq).cos(), (n * at.freq).sin()
    return torch.block_diag(*torch.stack([c, s, -s, c], 1).view(-1, 2, 2))


def balance(rows, at):
    """Makes rows add up to nothing, so that the mean that LayerNorm takes away makes no difference."""
    rows[:, at.zero] -= rows.sum(1)
