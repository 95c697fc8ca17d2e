#!/usr/bin/env python3
"""Runs a command that writes JSON progress on stderr; prints seconds,messages done for each line.

usage: timeline.py COMMAND…
"""
import json
import subprocess
import sys
import time

start = time.monotonic()
with subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                      text=True) as child:
    for line in child.stderr:
        try:
            done = json.loads(line).get("messages_done")
        except ValueError:
            continue
        if done is not None:
            print("%.3f,%d" % (time.monotonic() - start, done), flush=True)
