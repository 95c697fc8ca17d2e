#!/usr/bin/env python3
"""Compares a text with lines in which * stands for anything within the line.

usage: glob.py PATTERNS TEXT
"""
import re
import sys


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        patterns = file.read().split("\n")
    with open(sys.argv[2], encoding="utf-8", errors="backslashreplace") as file:
        lines = file.read().split("\n")
    for number, (pattern, line) in enumerate(zip(patterns, lines), 1):
        if not re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), line):
            print("line %d\n  expected: %s\n  printed:  %s" % (number, pattern, line))
            print("--- all that was printed\n" + "\n".join(lines))
            return 1
    if len(patterns) != len(lines):
        print("expected %d lines, %d were printed" % (len(patterns) - 1, len(lines) - 1))
        print("--- all that was printed\n" + "\n".join(lines))
        return 1
    return 0


sys.exit(main())
