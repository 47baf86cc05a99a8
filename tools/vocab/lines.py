"""Test lines for comparing tokenizers: real text and random text, the same for the same seed."""
import random
import unicodedata


def real_lines(paths):
    for path in paths:
        with open(path, encoding="utf-8", errors="replace", newline="\n") as f:
            for line in f:
                yield line.replace("\0", "")  # JSON Lines carry no U+0000


def _any_char(r):
    while True:
        c = r.randrange(0x110000)
        if not 0xD800 <= c < 0xE000:
            return chr(c)


ASCII = [chr(c) for c in range(1, 128)]
WORDS = ["the", "The", "THE", "don't", "DON'T", "it'S", "we've", "I'll", "naïve", "Straße", "ſ",
         "'ſ", "'s", "'RE", "'", "’s", "12345", "1,234.5", "٣٤٥", "Ⅷ", "½", "你好", "世界", "ひらがな",
         "カタカナ", "한국어", "שלום", "مرحبا", "ภาษาไทย", "हिन्दी", "Ελλάδα", "Привет", "ПРИВЕТ", "ǅ", "ʰ",
         "e\u0301", "\u0301", "A\u0301", "👩\u200d👩\u200d👧", "🏽", "\ufeff", "\u00ad", "\u200b", "\u00a0",
         "\u3000", "\u2028", "\u0085", "\x1c", "\x1f", "\x0b", "\x0c", "\r\n", "\n", "\n\n", "\r", "\t",
         " ", "  ", "   ", "        ", "/", "//", "...", "!!!", "==", "->", "{}", "()", "<|endoftext|>",
         "<s>", "</s>", "[CLS]", "▁", "▁▁", "<0x0A>", "http://a.b/c?d=e", "foo_bar", "camelCase",
         "XMLHttpRequest", "x" * 40, "a" * 200, " " * 60, "\n" * 30, "0" * 50, "\U000f0000", "\ue000"]


def random_lines(n, seed=1):
    r = random.Random(seed)
    assigned = [chr(c) for c in range(0x30000) if unicodedata.category(chr(c)) not in ("Cn", "Cs")]
    makers = [
        lambda: "".join(r.choice(ASCII) for _ in range(r.randrange(60))),
        lambda: "".join(r.choice(assigned) for _ in range(r.randrange(40))),
        lambda: "".join(_any_char(r) for _ in range(r.randrange(30))),
        lambda: "".join(r.choice(WORDS) for _ in range(r.randrange(20))),
        lambda: r.choice(["", " ", "\n"]).join(r.choice(WORDS) for _ in range(r.randrange(20))),
        lambda: "".join(r.choice(" \t\n\r'a.A1é") for _ in range(r.randrange(40))),
        lambda: "".join(chr(r.randrange(0x250)) for _ in range(1, r.randrange(2, 40))),
    ]
    for _ in range(n):
        line = r.choice(makers)()
        yield line.replace("\0", "")
