#!/usr/bin/env python3
"""Picks the HTML pages of unpacked Debian packages and writes what ingest --meta joins.

    pages.py PACKAGES UNPACKED PAGES META

PACKAGES is the list beside this file, UNPACKED a folder with one folder a package (dpkg-deb -x).
Pages are copied into PAGES/PACKAGE/, META gets one line a page: its package, version and the
licences that the package's copyright file names.
"""
import json
import os
import re
import sys

# Lists of links, searches and the sources of examples: no prose.
JUNK = re.compile(r"(genindex|modindex|search|/index-[a-z]|/_sources/|/_modules/|/src/|toc\.html|"
                  r"/idx-|keyword-index|doxygen|changelog|/fonts?/)", re.I)
# The paragraph mark behind a heading that links to itself.
PERMALINK = re.compile(r'<a\b[^>]*>\s*(¶|&para;|&#182;|&#xb6;)\s*</a>', re.I)
# Translations of pages that stand beside the English ones.
OTHER = re.compile(r"/(amd64/(?!en/)[a-z]{2}(_[A-Z]{2})?/|[^/]*\.(de|es|fr|ja|ko|tr|pt-br|zh-cn|da)\b|"
                   r"manual/(de|es|fr|ja|ko|tr|pt-br|zh-cn|da)/)")


KNOWN = ["Apache-2.0", "MPL-2.0", "GPL-3", "GPL-2", "LGPL-2.1", "LGPL-3", "GFDL", "PostgreSQL",
         "PSF", "public domain", "BSD", "MIT", "IBM Public License", "Eclipse Public License"]


def licences(path):
    """The short names of a machine-readable copyright file, or those that a plain one mentions;
    without either, where to read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            text = f.read()
    except OSError:
        return ["as in the copyright file of the package that its documentation folder links to"]
    names = [n.strip() for n in re.findall(r"^License:[ \t]*(\S.*)$", text, re.M)]
    names = [n for n in names if len(n) <= 40 and n[0] != "*"] or \
            [n for n in KNOWN if n.lower() in text.lower()]
    return sorted(set(names)) or ["as in its copyright file"]


def main():
    listing, unpacked, pages, meta = sys.argv[1:]
    n = 0
    with open(meta, "w", encoding="utf-8") as out:
        for line in open(listing, encoding="utf-8"):
            if line.startswith("#") or not line.strip():
                continue
            name, leave = line.split()
            root = os.path.join(unpacked, name)
            leave = re.compile(leave) if leave != "-" else None
            legal = licences(os.path.join(root, "usr/share/doc", name, "copyright"))
            for folder, folders, files in os.walk(root):
                folders.sort()
                for f in sorted(files):
                    path = os.path.join(folder, f)
                    inside = path[len(root):]
                    if not re.search(r"\.html?(\.en)?$", f) or os.path.islink(path) or \
                            JUNK.search(inside) or OTHER.search(inside) or (leave and leave.search(inside)):
                        continue
                    flat = re.sub(r"\.html?(\.en)?$", "",
                                  re.sub(r"^/usr/share/(doc/)?", "", inside))
                    flat = re.sub(r"[^A-Za-z0-9.+_-]", "_", flat)[-180:] + ".html"
                    os.makedirs(os.path.join(pages, name), exist_ok=True)
                    link = os.path.join(pages, name, flat)
                    if os.path.exists(link):
                        continue
                    with open(path, encoding="utf-8", errors="replace", newline="") as page:
                        text = PERMALINK.sub("", page.read())
                    with open(link, "w", encoding="utf-8", newline="") as page:
                        page.write(text)
                    out.write(json.dumps({"path": name + "/" + flat, "package": name,
                                          "licences": legal}) + "\n")
                    n += 1
    print(f"{n} pages")


if __name__ == "__main__":
    main()
