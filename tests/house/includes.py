#!/usr/bin/env python3
"""Reads every include line and fails on an arrow that the house plan does not draw.

usage: includes.py REPOSITORY

The rules are those of docs/ARCHITECTURE.md: who may include whom, system headers without I/O in
formats/, one file for each library, includes written from the repository root, own header first.
"""
import os
import re
import sys

LAYERS = ("bench", "core", "formats", "io", "tests", "tools")
STAGES = {
    "scan": {"scan", "index"},
    "index": {"index"},
    "query": {"query", "index"},
    "batch": {"batch", "query", "index"},
}
PURE = {"assert.h", "ctype.h", "endian.h", "inttypes.h", "limits.h", "stdbool.h", "stddef.h",
        "stdint.h", "string.h", "strings.h", "time.h"}
LIBRARIES = {
    "liburing": {"io/uring.c"},
    "xxhash": {"core/index/hash.h"},
    "zstd": {"core/index/block.c", "io/unpack.c"},
    "zlib": {"io/unpack.c"},
    "idn2": {"core/index/address.c"},
    "pcre2": {"core/query/pattern.c"},
    "db.h": {"io/store_bdb.c"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def sources(root):
    for layer in LAYERS:
        for folder, _, names in os.walk(os.path.join(root, layer)):
            for name in sorted(names):
                if name.endswith((".c", ".h")):
                    yield os.path.relpath(os.path.join(folder, name), root)


def project_problem(root, path, target):
    """Why this project include is not allowed, or None."""
    if "/" not in target or ".." in target:
        return "is not written from the repository root"
    if not os.path.exists(os.path.join(root, target)):
        return "does not exist"
    parts, to = path.split("/"), target.split("/")
    layer, aim = parts[0], to[0]
    if layer == "tests":
        return None
    if layer in ("tools", "bench"):
        is_own = aim == layer
        is_micro = path.startswith("bench/micro/")
        if target == "core/spoolray.h" or is_own or is_micro:
            return None
        return layer + " may use core/spoolray.h only"
    if layer in ("io", "formats"):
        return None if aim == layer else layer + " stands alone"
    if aim in ("io", "formats"):
        return None
    if aim != "core":
        return "core may not look at " + aim
    if len(parts) == 2 or len(to) == 2:
        return None  # the catalogue ties the stages together; its header serves all
    if to[1] in STAGES.get(parts[1], set()):
        return None
    return "core/%s may not look at core/%s" % (parts[1], to[1])


def system_problem(path, target):
    layer = path.split("/")[0]
    if layer != "tests":
        for library, homes in LIBRARIES.items():
            if target.startswith(library) and path not in homes:
                return "belongs in " + " and ".join(sorted(homes)) + " alone"
        if target.startswith(("criterion", "jansson")):
            return "belongs in tests"
    if layer == "formats" and target not in PURE:
        return "formats use C library headers without I/O only"
    return None


def check_file(root, path):
    problems = []
    first = None
    with open(os.path.join(root, path), encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            match = INCLUDE.match(line)
            if not match:
                continue
            kind, target = match.groups()
            first = first or target
            reason = (project_problem(root, path, target) if kind == '"'
                      else system_problem(path, target))
            if reason:
                problems.append("%s:%d: %s: %s" % (path, number, target, reason))
    own = path[:-2] + ".h"
    if path.endswith(".c") and os.path.exists(os.path.join(root, own)) and first != own:
        problems.append("%s: %s must be its first include" % (path, own))
    return problems


def main():
    root = sys.argv[1]
    count, problems = 0, []
    for path in sources(root):
        count += 1
        problems += check_file(root, path)
    print("\n".join(problems) if problems else "%d files: every include is on the plan" % count)
    return 1 if problems or count == 0 else 0


sys.exit(main())
