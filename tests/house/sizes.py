#!/usr/bin/env python3
"""Fails on a C file above 500 lines and on a function above 80.

usage: sizes.py REPOSITORY

The formatter puts the braces of a function, and of nothing else, alone into the first column, so a
function is what lies between two such lines.
"""
import os
import sys

FILE_MAX, FUNCTION_MAX = 500, 80


def check_file(path, shown):
    problems, start, name, previous = [], None, "", ""
    with open(path, encoding="utf-8") as source:
        lines = source.read().split("\n")
    if len(lines) - 1 > FILE_MAX:
        problems.append("%s: %d lines, %d are allowed" % (shown, len(lines) - 1, FILE_MAX))
    for number, line in enumerate(lines, 1):
        if line == "{":
            start, name = number, previous
        elif line.startswith("}") and start is not None:
            length = number - start + 1
            if length > FUNCTION_MAX:
                problems.append("%s:%d: %d lines, %d are allowed: %s"
                                % (shown, start, length, FUNCTION_MAX, name))
            start = None
        elif line and not line[0].isspace():
            previous = line
    return problems


def main():
    root = sys.argv[1]
    count, problems = 0, []
    for layer in ("bench", "core", "formats", "io", "tests", "tools"):
        for folder, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    path = os.path.join(folder, name)
                    count += 1
                    problems += check_file(path, os.path.relpath(path, root))
    print("\n".join(problems) if problems else "%d files: all within their size" % count)
    return 1 if problems or count == 0 else 0


sys.exit(main())
