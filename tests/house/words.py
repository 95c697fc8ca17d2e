#!/usr/bin/env python3
"""Fails on a word in the wrong layer.

usage: words.py REPOSITORY

io/ knows the kernel and nothing of mail; formats/ do no I/O, allocate nothing and keep no error
number; nothing outside formats/ decides by the name of a format; no text excuses itself.
"""
import os
import re
import sys

LAYERS = ("bench", "core", "formats", "io", "tests", "tools")
RULES = [
    ("io/", re.compile(r"(?i)postfix|imail|exim|sendmail|qmail|smtp|sender|recipient|envelope|"
                       r"mailbox|e-?mail|\bmail\b(?! server)"), "a mail word in io/"),
    ("formats/", re.compile(r"\b(malloc|calloc|realloc|free|fopen|open|openat|read|write|errno|"
                            r"pthread_\w+|printf|fprintf)\s*(\(|\b=)"), "formats do no I/O"),
    ("core/", re.compile(r'strcmp\([^;]*"(postfix|imail)"'), "core decides by a format's name"),
    ("", re.compile(r"\b(FIXME|XXX)\b|\bTODO\b(?!\()|\bfor now\b|not (yet )?implemented|"
                    r"\bplaceholder\b", re.I), "a promise instead of a deed"),
    ("", re.compile(r"^\s*//"), "comments are written /* so */"),
]


def main():
    root = sys.argv[1]
    count, problems = 0, []
    for layer in LAYERS:
        for folder, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if not name.endswith((".c", ".h")):
                    continue
                path = os.path.relpath(os.path.join(folder, name), root)
                count += 1
                with open(os.path.join(root, path), encoding="utf-8") as lines:
                    for number, line in enumerate(lines, 1):
                        for prefix, pattern, reason in RULES:
                            match = path.startswith(prefix) and pattern.search(line)
                            if match:
                                problems.append("%s:%d: %s: %s" % (path, number, reason,
                                                                   match.group(0).strip()))
    print("\n".join(problems) if problems else "%d files: every word is at home" % count)
    return 1 if problems or count == 0 else 0


sys.exit(main())
