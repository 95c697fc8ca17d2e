#!/usr/bin/env python3
"""The shared library exports what spoolray.h declares and spoolray.map lists, and nothing else.

usage: symbols.py REPOSITORY LIBSPOOLRAY.SO
"""
import re
import subprocess
import sys


def declared(root):
    with open(root + "/core/spoolray.h", encoding="utf-8") as header:
        text = re.sub(r"/\*.*?\*/", "", header.read(), flags=re.S)
    # what only C++ sees is a template: the library has no symbol for it
    text = re.sub(r"#ifdef __cplusplus.*?#(else|endif)", "", text, flags=re.S)
    return {name for name in re.findall(r"\b(spr_\w+)\s*\(", text)}


def listed(root):
    with open(root + "/core/spoolray.map", encoding="utf-8") as names:
        return set(re.findall(r"^\s+(spr_\w+);$", names.read(), flags=re.M))


def exported(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1] for line in lines if line.split()[1] in "TDBRVW"}


def main():
    root, library = sys.argv[1:]
    sets = {"spoolray.h": declared(root), "spoolray.map": listed(root),
            "the library": exported(library)}
    problems = []
    for here, names in sets.items():
        for there, others in sets.items():
            problems += ["%s: in %s, not in %s" % (name, here, there) for name in sorted(names - others)]
    print("\n".join(problems) if problems else "%d public symbols" % len(sets["spoolray.h"]))
    return 1 if problems or not sets["spoolray.h"] else 0


sys.exit(main())
