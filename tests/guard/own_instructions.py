#!/usr/bin/env python3
"""Prints how many instructions callgrind counted in one object's own code, calls left out.

usage: own_instructions.py CALLGRIND-OUT OBJECT

OBJECT is the last component of its path. See "Callgrind Format Specification" in valgrind's manual:
objects are named once, as ob=(number) path; the line after calls= is the callee's cost.
"""
import os
import re
import sys


def main():
    names, total, inside, is_call = {}, 0, False, False
    with open(sys.argv[1], encoding="utf-8", errors="replace") as profile:
        for line in profile:
            named = re.match(r"c?ob=\((\d+)\)(?: (.*))?$", line)
            if named:
                if named.group(2):
                    names[named.group(1)] = os.path.basename(named.group(2).rstrip())
                if line.startswith("ob="):
                    inside = names[named.group(1)] == sys.argv[2]
            elif line.startswith("calls="):
                is_call = True
            elif re.match(r"[0-9+*-]", line):
                if inside and not is_call:
                    total += int(line.split()[-1]) if len(line.split()) > 1 else 0
                is_call = False
    print(total)
    return 0 if total > 0 else 1


sys.exit(main())
