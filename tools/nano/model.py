"""SlimLM-nano in PyTorch: the form of MPT that SlimLM has (learned positions, biases, LayerNorm,
exact GELU, tied head), and what trains it well on a processor."""
import json
import math
import os

import torch
import torch.nn as nn
import torch.nn.functional as F

QK = 32  # values in a Q4_0 block


class RoundQ4(torch.autograd.Function):
    """Rounds to what Q4_0 holds (blocks of 32, one half-precision scale); the gradient passes."""

    @staticmethod
    def forward(ctx, w):
        b = w.reshape(-1, QK)
        at = b.abs().argmax(dim=1, keepdim=True)
        d = (b.gather(1, at) / -8).half().float()
        inv = torch.where(d == 0, torch.zeros_like(d), 1 / d)
        return ((b * inv).round().clamp(-8, 7) * d).reshape(w.shape)

    @staticmethod
    def backward(ctx, g):
        return g


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm_1, self.norm_2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        for name, rows, cols in (("q", dim, dim), ("k", dim, dim), ("v", dim, dim),
                                 ("o", dim, dim), ("up", 4 * dim, dim), ("down", dim, 4 * dim)):
            setattr(self, "w" + name, nn.Parameter(torch.empty(rows, cols)))
            setattr(self, "b" + name, nn.Parameter(torch.zeros(rows)))


class Nano(nn.Module):
    def __init__(self, vocab=4096, dim=192, layers=4, heads=3, context=1024, texts=None):
        super().__init__()
        self.vocab, self.dim, self.heads, self.context = vocab, dim, heads, context
        self.wte = nn.Parameter(torch.empty(vocab, dim))
        self.wpe = nn.Parameter(torch.empty(context, dim))
        self.blocks = nn.ModuleList(Block(dim) for _ in range(layers))
        self.norm_f = nn.LayerNorm(dim)
        self.round = False
        self.start(texts)

    def start(self, texts):
        """A vector starts in four parts: sines of the position (which makes "k before" a rotation),
        the token, room for the six tokens before, which seed_heads() uses, and room for the rest.
        texts: the tokens' texts, by id; those that differ in a space before them or in case start
        alike."""
        pairs, tok, slots, _ = self.parts()
        freq = 2.5 * (1 / 2000.0) ** (torch.arange(pairs) / (pairs - 1))
        angle = torch.arange(self.context)[:, None] * freq[None]
        self.freq = freq
        with torch.no_grad():
            nn.init.normal_(self.wte, std=0.003)
            width = tok.stop - tok.start
            own = torch.randn(self.vocab, width)
            if texts:
                own = 0.6 * own + 0.8 * self.kin(texts, width)
            self.wte[:, tok] = 0.8 * F.normalize(own, dim=1)
            nn.init.normal_(self.wpe, std=0.002)
            self.wpe[:, 0:2 * pairs:2] += 0.8 / math.sqrt(pairs) * angle.sin()
            self.wpe[:, 1:2 * pairs:2] += 0.8 / math.sqrt(pairs) * angle.cos()
            for x, part in ((self.wte, slice(0, 2 * pairs)), (self.wpe, tok)):
                x[:, part] = 0
            for part in slots:
                self.wte[:, part] = self.wpe[:, part] = 0
        for b in self.blocks:
            for n in "qkv":
                nn.init.normal_(getattr(b, "w" + n), std=1 / math.sqrt(self.dim))
            nn.init.normal_(b.wup, std=1 / math.sqrt(self.dim))
            nn.init.normal_(b.wo, std=0.1 / math.sqrt(self.dim * 2 * len(self.blocks)))
            nn.init.normal_(b.wdown, std=0.1 / math.sqrt(4 * self.dim * 2 * len(self.blocks)))

    def parts(self):
        """Pairs of sine and cosine; where the token stands, the six before it, and the rest."""
        hd = self.dim // self.heads
        pairs = self.dim // 16
        slot = 5 * self.dim // 96
        tok = slice(2 * pairs, 2 * pairs + hd)
        slots = [slice(tok.stop + i * slot, tok.stop + (i + 1) * slot) for i in range(6)]
        return pairs, tok, slots, slice(slots[-1].stop, self.dim)

    @staticmethod
    def kin(texts, width):
        """A vector for each token: that of its letters, and one for the space and the capital."""
        g = torch.Generator().manual_seed(11)
        space, capital = torch.randn(2, width, generator=g)
        known, out = {}, torch.zeros(len(texts), width)
        for i, t in enumerate(texts):
            plain = t.lstrip(" ") or t
            key = plain.lower()
            if key not in known:
                known[key] = torch.randn(width, generator=g)
            out[i] = known[key]
            if plain != t:
                out[i] += space
            if plain != key:
                out[i] += capital
        return out

    @torch.no_grad()
    def seed_heads(self, look=2.0, find=2.5, say=3.5, sure=2.0):
        """Starts three heads of the first layer as looks one, two and three tokens back, one of the
        second as a look three back at what those brought, and two of the third as looks for what
        followed the same six, or the same three, tokens before (Olsson et al. 2022): copying is
        what this model has to learn, and from noise it would use up the time there is."""
        d, hd = self.dim, self.dim // self.heads
        pairs, tok, slots, _ = self.parts()
        slot = slots[0].stop - slots[0].start
        g = torch.Generator().manual_seed(7)
        short = torch.linalg.qr(torch.randn(hd, hd, generator=g))[0][:slot]  # a token in short
        short = short * math.sqrt(hd / slot)  # as long as the token
        one, two, three = self.blocks[:3]
        for i, b in enumerate(self.blocks):
            for part in self.not_for(i):
                b.wo[part] = b.wdown[part] = 0

        def head(block, h, q, k, v, o, sharp):
            rows = slice(h * hd, (h + 1) * hd)
            block.wq[rows], block.wk[rows] = sharp * q, sharp * k
            block.wv[rows], block.wo[:, rows] = v, 0.08 * o.T  # about LayerNorm's factor, undone

        def zeros(n):
            return [torch.zeros(hd, d) for _ in range(n)]

        def back(n):  # query and key of "n tokens back"
            q, k = zeros(2)
            for i in range(pairs):
                w = float(self.freq[i]) * n
                s, c = math.sin(w), math.cos(w)
                k[2 * i, 2 * i], k[2 * i + 1, 2 * i + 1] = 1, 1
                q[2 * i, 2 * i], q[2 * i, 2 * i + 1] = c, -s
                q[2 * i + 1, 2 * i], q[2 * i + 1, 2 * i + 1] = s, c
            return q, k

        for h in range(3):
            v, o = zeros(2)
            v[:slot, tok] = short
            o[:slot, slots[h]] = torch.eye(slot)
            head(one, h, *back(h + 1), v, o, look)
        v, o = zeros(2)
        for i in range(3):
            v[i * slot:(i + 1) * slot, slots[i]] = torch.eye(slot)
            o[i * slot:(i + 1) * slot, slots[3 + i]] = torch.eye(slot)
        head(two, 0, *back(3), v, o, 1.5 * look)
        for h, n in enumerate((6, 3)):
            q, k, v, o = zeros(4)
            part = min(slot, hd // n)
            for i in range(n):
                at = slice(i * part, (i + 1) * part)
                k[at, slots[i]] = torch.eye(slot)[:part]
                if i:
                    q[at, slots[i - 1]] = torch.eye(slot)[:part]
                else:
                    q[at, tok] = short[:part]
            v[:, tok] = torch.eye(hd)
            o[:, tok] = say * torch.eye(hd)
            head(three, h, q, k, v, o, find)
        self.norm_f.weight.fill_(sure)

    def not_for(self, i):
        """Parts of a vector that block i must not write into: positions and the tokens before, and
        the token itself until the third block has copied it."""
        pairs, tok, slots, _ = self.parts()
        own = [slice(0, 2 * pairs), slice(slots[0].start, slots[-1].stop)]
        return own + [tok] if i < 2 else own

    @torch.no_grad()
    def keep_seeds(self):
        """Sets the gradients to zero of what seed_heads() made in the first two blocks, and of all
        that would write where it reads. Without this it is lost among steps that are as long in
        every direction."""
        hd, (pairs, _, slots, _) = self.dim // self.heads, self.parts()
        for part in self.not_for(len(self.blocks)):
            self.wte.grad[:, part] = 0
        self.wpe.grad[:, :slots[-1].stop] = 0
        for p in self.blocks[0].norm_1.parameters():
            p.grad.zero_()
        for i, (b, n) in enumerate(zip(self.blocks, [3 * hd, hd] + [0] * len(self.blocks))):
            for p in (b.wq, b.wk, b.wv, b.bq, b.bk, b.bv):
                p.grad[:n] = 0
            b.wo.grad[:, :n] = 0
            for part in self.not_for(i):
                for p in (b.wo, b.bo, b.wdown, b.bdown):
                    p.grad[part] = 0

    def w(self, p):
        return RoundQ4.apply(p) if self.round else p

    def qkv(self, x, w, b):
        n, t, _ = x.shape
        hd = self.dim // self.heads
        return [F.linear(x, w[i], getattr(b, "b" + i)).view(n, t, self.heads, hd).transpose(1, 2)
                for i in "qkv"]

    def rest(self, x, y, w, b):
        n, _, t, _ = y.shape
        x = x + F.linear(y.transpose(1, 2).reshape(n, t, self.dim), w["o"], b.bo)
        h = F.gelu(F.linear(b.norm_2(x), w["up"], b.bup))
        return x + F.linear(h, w["down"], b.bdown)

    def forward(self, ids, pos, mask, prefix=None):
        """ids, pos: [n][t]. mask: [n][t][s + t], True where a row may look; s: length of prefix,
        tokens that all rows have in front of them, computed once. Returns [n][t][dim]."""
        wte = self.w(self.wte)
        x = wte[ids] + self.wpe[pos]
        y = None
        if prefix is not None:
            y = (wte[prefix] + self.wpe[:len(prefix)])[None]
        for b in self.blocks:
            w = {n: self.w(getattr(b, "w" + n)) for n in ("q", "k", "v", "o", "up", "down")}
            q, k, v = self.qkv(b.norm_1(x), w, b)
            if y is not None:
                pq, pk, pv = self.qkv(b.norm_1(y), w, b)
                k = torch.cat([pk.expand(len(x), -1, -1, -1), k], dim=2)
                v = torch.cat([pv.expand(len(x), -1, -1, -1), v], dim=2)
                y = self.rest(y, F.scaled_dot_product_attention(pq, pk, pv, is_causal=True), w, b)
            x = self.rest(x, F.scaled_dot_product_attention(q, k, v, attn_mask=mask[:, None]), w, b)
        return self.norm_f(x), wte

    def mpt(self):
        """The tensors under the names of MPT."""
        out = {"transformer.wte.weight": self.wte, "transformer.wpe.weight": self.wpe,
               "transformer.norm_f.weight": self.norm_f.weight,
               "transformer.norm_f.bias": self.norm_f.bias}
        for i, b in enumerate(self.blocks):
            p = f"transformer.blocks.{i}."
            out[p + "attn.Wqkv.weight"] = torch.cat([b.wq, b.wk, b.wv])
            out[p + "attn.Wqkv.bias"] = torch.cat([b.bq, b.bk, b.bv])
            for ours, theirs in (("o", "attn.out_proj"), ("up", "ffn.up_proj"),
                                 ("down", "ffn.down_proj")):
                out[p + theirs + ".weight"] = getattr(b, "w" + ours)
                out[p + theirs + ".bias"] = getattr(b, "b" + ours)
            for n in ("norm_1", "norm_2"):
                out[p + n + ".weight"] = getattr(b, n).weight
                out[p + n + ".bias"] = getattr(b, n).bias
        return {k: v.detach().float().contiguous() for k, v in out.items()}

    def config(self):
        return {"model_type": "mpt", "architectures": ["MPTForCausalLM"], "d_model": self.dim,
                "n_heads": self.heads, "n_layers": len(self.blocks), "expansion_ratio": 4,
                "max_seq_len": self.context, "vocab_size": self.vocab, "learned_pos_emb": True,
                "no_bias": False, "norm_type": "layernorm", "norm_eps": 1e-05,
                "tie_word_embeddings": True, "bos_token_id": 0, "eos_token_id": 0,
                "torch_dtype": "float32",
                "attn_config": {"alibi": False, "attn_type": "multihead_attention",
                                "qk_ln": False, "rope": False, "clip_qkv": None}}


def write_safetensors(tensors, path):
    """The format of huggingface/safetensors: length, JSON header, data."""
    head, at, data = {}, 0, []
    for name, t in tensors.items():
        raw = t.numpy().astype("<f4").tobytes()
        head[name] = {"dtype": "F32", "shape": list(t.shape), "data_offsets": [at, at + len(raw)]}
        at += len(raw)
        data.append(raw)
    text = json.dumps(head).encode()
    text += b" " * (-len(text) % 8)
    with open(path + ".part", "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for raw in data:
            f.write(raw)
    os.replace(path + ".part", path)
