"""Packs a tiktoken vocabulary for building into the program.

    npm pack tiktoken@1.0.22 && tar xzf tiktoken-1.0.22.tgz
    python3 tools/vocab/pack_ranks.py package/encoders/o200k_base.json engine/data/o200k_base.bin
    python3 tools/vocab/pack_ranks.py package/encoders/cl100k_base.json engine/data/cl100k_base.bin

The ranks are checked against the SHA-256 that tiktoken (PyPI) demands of its own download. Every
token but the 256 single bytes is the union of two tokens of lower rank, the last merge that
byte-pair encoding makes inside it; storing that pair gives both the bytes and the merge table.

Format, little-endian: "DARANKS1", u32 number of tokens, 256 bytes (the byte of ids 0..255), then
for each id from 256 the ids left and right, each in as many bits as id - 1 needs, first bit lowest.
"""
import base64
import hashlib
import json
import struct
import sys

SHA256 = {
    "o200k_base": "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    "cl100k_base": "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
}


def read_ranks(path):
    ranks = []
    for line in json.load(open(path))["bpe_ranks"].split("\n"):
        if line:
            _, first, *tokens = line.split(" ")
            assert int(first) == len(ranks), "ranks have a gap"
            ranks += [base64.b64decode(t) for t in tokens]
    return ranks


def last_merge(token, rank):
    """The two parts left before the last merge when encoding the bytes of token."""
    parts = [token[i : i + 1] for i in range(len(token))]
    limit = rank[token]
    while len(parts) > 2:
        best, at = limit, -1
        for i in range(len(parts) - 1):
            r = rank.get(parts[i] + parts[i + 1], limit)
            if r < best:
                best, at = r, i
        if at < 0:
            raise ValueError(f"token {limit} is never the result of merges")
        parts[at : at + 2] = [parts[at] + parts[at + 1]]
    return parts


def main():
    source, target = sys.argv[1:]
    name = source.split("/")[-1].split(".")[0]
    ranks = read_ranks(source)
    text = b"".join(base64.b64encode(t) + b" %d\n" % i for i, t in enumerate(ranks))
    if hashlib.sha256(text).hexdigest() != SHA256[name]:
        sys.exit(f"{source}: not the ranks tiktoken uses")
    rank = {t: i for i, t in enumerate(ranks)}
    assert all(len(t) == 1 for t in ranks[:256])
    bits = n_bits = 0
    out = bytearray(b"DARANKS1" + struct.pack("<I", len(ranks)) + b"".join(ranks[:256]))
    for i in range(256, len(ranks)):
        width = (i - 1).bit_length()
        for part in last_merge(ranks[i], rank):
            bits |= rank[part] << n_bits
            n_bits += width
            while n_bits >= 8:
                out.append(bits & 255)
                bits >>= 8
                n_bits -= 8
    if n_bits:
        out.append(bits & 255)
    open(target, "wb").write(out)
    print(f"{target}: {len(ranks)} tokens, {len(out)} bytes")


main()
