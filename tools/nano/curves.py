#!/usr/bin/env python3
"""Draws the curves of a training log as SVG: curves.py log.jsonl -o curves.svg"""
import argparse
import json

W, H, LEFT, TOP, BOTTOM = 760, 300, 56, 28, 40
PANELS = (("Loss (nats a token)", (("doc", "documents", "#7a7a7a"), ("answer", "answers", "#0b62a4"),
                                   ("end", "whether an answer ends", "#c0392b"))),
          ("Right next token", (("hit", "answers", "#0b62a4"),
                                ("end_hit", "whether an answer ends", "#c0392b"))))


def smooth(values, n=5):
    return [sum(values[max(0, i - n):i + 1]) / len(values[max(0, i - n):i + 1])
            for i in range(len(values))]


def panel(rows, title, lines, top):
    out = [f'<text x="{LEFT}" y="{top - 10}" font-weight="bold">{title}</text>']
    high = max(max(r.get(k, 0) for r in rows) for k, _, _ in lines)
    high = 1.0 if high <= 1 else float(int(high) + 1)
    last = rows[-1]["tokens"]

    def x(t):
        return LEFT + (W - LEFT - 20) * t / last

    def y(v):
        return top + H * (1 - v / high)

    for i in range(6):
        v = high * i / 5
        out.append(f'<line x1="{LEFT}" x2="{W - 20}" y1="{y(v):.1f}" y2="{y(v):.1f}" '
                   f'stroke="#ddd"/><text x="{LEFT - 6}" y="{y(v) + 4:.1f}" '
                   f'text-anchor="end">{v:.1f}</text>')
    for i in range(1, 5):
        t = last * i / 4
        out.append(f'<text x="{x(t):.1f}" y="{top + H + 16}" text-anchor="end">'
                   f'{t / 1e6:.1f} M tokens</text>')
    for flag, label in (("fine", "SlimLM prompts"), ("round", "rounded to Q4_0")):
        at = next((r["tokens"] for r in rows if r[flag]), None)
        if at:
            out.append(f'<line x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{top}" y2="{top + H}" '
                       f'stroke="#999" stroke-dasharray="4 3"/><text x="{x(at) + 4:.1f}" '
                       f'y="{top + 12}" fill="#555">{label}</text>')
    for n, (k, label, colour) in enumerate(lines):
        has = [r for r in rows if k in r]
        points = " ".join(f"{x(r['tokens']):.1f},{y(min(v, high)):.1f}" for r, v in
                          zip(has, smooth([r[k] for r in has])))
        out.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                   f'stroke-width="1.5"/><text x="{LEFT + 170 + 170 * n}" y="{top - 10}" '
                   f'fill="{colour}">{label}</text>')
    return out


def main():
    ap = argparse.ArgumentParser()
    ap.add_argument("log")
    ap.add_argument("-o", "--output", required=True)
    a = ap.parse_args()
    rows = [r for r in map(json.loads, open(a.log, encoding="utf-8")) if "tokens" in r and
            "event" not in r]
    total = TOP + len(PANELS) * (H + TOP + BOTTOM)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{W}" height="{total}" '
           'font-family="sans-serif" font-size="12">',
           f'<rect width="{W}" height="{total}" fill="white"/>']
    for i, (title, lines) in enumerate(PANELS):
        out += panel(rows, title, lines, TOP + i * (H + TOP + BOTTOM))
    with open(a.output, "w", encoding="utf-8") as f:
        f.write("\n".join(out + ["</svg>"]) + "\n")


if __name__ == "__main__":
    main()
