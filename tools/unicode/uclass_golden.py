"""Prints the figures of tests/unit/test_uclass.c from sources that the tables were not made from.

    pip install unicodedata2==16.0.0
    python tools/unicode/uclass_golden.py /usr/share/unicode/UnicodeData.txt

Categories: unicodedata2 16.0.0. Simple lower case: UnicodeData.txt of Debian's unicode-data 15.0.
"""
import hashlib
import sys

import unicodedata2 as u

cats = "".join(u.category(chr(c)) for c in range(0x110000))
print("unicode", u.unidata_version)
print("category sha256", hashlib.sha256(cats.encode()).hexdigest())
for name in "LMNPSZC":
    print(name, sum(cats[i] == name for i in range(0, len(cats), 2)))

lower = hashlib.sha256()
n = 0
for line in open(sys.argv[1]):
    f = line.split(";")
    if f[13]:
        lower.update(f"{int(f[0], 16)} {int(f[13], 16)}\n".encode())
        n += 1
print("lower", n, "sha256", lower.hexdigest())
