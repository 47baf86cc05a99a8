"""Prints the figures of tests/unit/test_unorm.c.

    pip install unicodedata2==16.0.0
    python tools/unicode/unorm_golden.py NormalizationTest.txt

The table is what unicodedata2 makes of four short texts around every code point. NormalizationTest
.txt (Unicode 15.0, Debian's unicode-data) must agree with it first.
"""
import hashlib
import sys

import unicodedata2 as u

FORMS = ["NFC", "NFD", "NFKC", "NFKD"]
for line in open(sys.argv[1]):
    if line[0] in "#@":
        continue
    c = ["".join(chr(int(x, 16)) for x in f.split()) for f in line.split(";")[:5]]
    want = dict(NFC=[1, 1, 1, 3, 3], NFD=[2, 2, 2, 4, 4], NFKC=[3] * 5, NFKD=[4] * 5)
    for form in FORMS:
        for i in range(5):
            assert u.normalize(form, c[i]) == c[want[form][i]]
for form in FORMS:
    h = hashlib.sha256()
    for c in range(0x40000):
        if not 0xD800 <= c < 0xE000:
            s = chr(c)
            for text in (s, "a" + s + "\u0301\u0334", s + "\u1161\u11a8", "e\u0327" + s + "\u0302"):
                h.update(u.normalize(form, text).encode() + b"\n")
    print(form, h.hexdigest())
