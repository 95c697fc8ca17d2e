#!/usr/bin/env python3
"""Fails on a comment that cites a rule or a measurement which docs/REASONS.md does not have.

usage: reasons.py REPOSITORY
"""
import os
import re
import sys

CITED = re.compile(r"\b(SAFETY|PERF)((?:,? [I0-9][0-9]*[a-z]?(?:\.[0-9]+)?\b)+)")
ELSEWHERE = re.compile(r"\b(HOUSE|STYLE|PRODUCT) [0-9]")


def known(root):
    with open(os.path.join(root, "docs/REASONS.md"), encoding="utf-8") as page:
        text = page.read()
    kinds = re.split(r"^## (SAFETY|PERF)", text, flags=re.M)
    return {kind: set(re.findall(r"^\| ([I0-9][\w.]*) \|", body, flags=re.M))
            for kind, body in zip(kinds[1::2], kinds[2::2])}


def main():
    root = sys.argv[1]
    reasons = known(root)
    count, problems = 0, []
    for layer in ("bench", "core", "formats", "io", "tests", "tools"):
        for folder, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if not name.endswith((".c", ".h")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), root)
                with open(os.path.join(root, path), encoding="utf-8") as source:
                    text = source.read()
                for kind, numbers in CITED.findall(text):
                    for number in re.findall(r"[I0-9][\w.]*", numbers):
                        count += 1
                        if number.rstrip(".") not in reasons[kind]:
                            problems.append("%s: %s %s is not in docs/REASONS.md" % (path, kind, number))
                problems += ["%s: %s is no document of this tree" % (path, match.group(0))
                             for match in ELSEWHERE.finditer(text)]
    print("\n".join(problems) if problems else "%d reasons are told" % count)
    return 1 if problems or count == 0 else 0


sys.exit(main())
