#!/usr/bin/env python3
"""Adds up a perf report by folder of the source: the kernel, other libraries, and our folders.

usage: perf report --no-children --stdio -t , --sort dso,symbol | profile.py    (from the root)
"""
import glob
import re
import sys

FOLDERS = ("io", "formats", "core/scan", "core/index", "core/query", "core", "tools")


def definitions():
    """Function name to folder, for all names at the beginning of a line that are followed by '('."""
    found = {}
    for folder in FOLDERS:
        for path in sorted(glob.glob(folder + "/*.[ch]")):
            with open(path, encoding="utf-8") as text:
                for line in text:
                    match = re.match(r"^[a-z][\w\s\*]*?\b(\w+)\(", line)
                    if match:
                        found.setdefault(match.group(1), folder)
    return found


def main():
    known, shares = definitions(), {}
    for line in sys.stdin:
        parts = [p.strip() for p in line.split(",")]
        if len(parts) < 3 or not parts[0].endswith("%"):
            continue
        name = re.sub(r"^\[.\]\s*", "", parts[2]).split(".")[0]
        if "[k" in parts[1] or "kernel" in parts[1] or "[k]" in parts[2]:
            folder = "kernel"
        elif "spoolray" in parts[1]:
            folder = known.get(name, "other code of ours")
        else:
            folder = parts[1].split(".so")[0]
        shares[folder] = shares.get(folder, 0.0) + float(parts[0].rstrip("%"))
    for folder, share in sorted(shares.items(), key=lambda pair: -pair[1]):
        if share >= 0.1:
            print("%s,%.2f" % (folder, share))


if __name__ == "__main__":
    main()
