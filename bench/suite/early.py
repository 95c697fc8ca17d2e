#!/usr/bin/env python3
"""Runs a triage that writes JSON; prints when somebody was named first, who, who in the end, and
when that was: seconds,name,name,seconds (none,none,name,seconds without an early verdict).

usage: early.py COMMAND…
"""
import json
import subprocess
import sys
import time


def main():
    start = time.monotonic()
    first, name = "none", "none"
    with subprocess.Popen(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True) as child:
        for line in child.stderr:
            if "spoolray.early/" in line and first == "none":
                first, name = "%.3f" % (time.monotonic() - start), json.loads(line)["name"]
        final = json.loads(child.stdout.read())["name"]
    print("%s,%s,%s,%.3f" % (first, name, final, time.monotonic() - start))


if __name__ == "__main__":
    main()
