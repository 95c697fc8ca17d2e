#!/usr/bin/env python3
"""Promise P1 on a Postfix spool: every file is in one place, and each message whole where it is.

usage: whole.py list SPOOL                the files below it: path, inode, size, times, mode
       whole.py check LIST SPOOL KIND     where the files of LIST are now; prints in, out, held, gone
                                          KIND purge: files may be gone
"""
import os
import re
import sys


def walk(spool, private):
    """Path below the spool and stat of every regular file, of ours or of the server's."""
    for folder, folders, names in os.walk(spool):
        below = os.path.relpath(folder, spool)
        ours = below.split("/")[0] == ".spoolray"
        if not private and ".spoolray" in folders:
            folders.remove(".spoolray")
        if ours != private and below != ".":
            continue
        for name in names:
            meta = os.lstat(os.path.join(folder, name))
            yield os.path.normpath(os.path.join(below, name)), meta


def print_list(spool):
    for path, meta in sorted(walk(spool, False), key=lambda entry: entry[0]):
        print(path, meta.st_ino, meta.st_size, meta.st_mtime_ns, oct(meta.st_mode))


def place(path, lies, slots):
    if slots and lies:
        raise SystemExit(f"{path} is in two places: {lies}, {slots}")
    if slots:
        return "out"
    if not lies:
        return "gone"
    if lies == path:
        return "in"
    if lies.startswith("hold/") and os.path.basename(lies) == os.path.basename(path):
        return "held"
    raise SystemExit(f"{path} lies at {lies}")


def check(listing, spool, kind):
    now = {meta.st_ino: path for path, meta in walk(spool, False)}
    slots = {meta.st_ino: path for path, meta in walk(spool, True)
             if re.fullmatch(r"[0-9]+\.[0-9]+", os.path.basename(path))}
    messages = {}
    with open(listing) as lines:
        for line in lines:
            path, inode = line.split()[:2]
            queue = path.split("/")[0]
            where = place(path, now.get(int(inode)), slots.get(int(inode)))
            if queue in ("defer", "bounce", "trace"):
                messages.setdefault(os.path.basename(path), [None, []])[1].append((path, where))
            elif queue in ("incoming", "active", "deferred", "hold", "corrupt"):
                messages.setdefault(os.path.basename(path), [None, []])[0] = where
            elif where != "in":
                raise SystemExit(f"{path} is no message and is {where}")
    counts = dict.fromkeys(("in", "out", "held", "gone"), 0)
    for name, (where, logs) in messages.items():
        if where is None:
            continue
        counts[where] += 1
        for path, log in logs:
            if log != {"held": "in"}.get(where, where):
                raise SystemExit(f"{name} is half: {where}, {path} {log}")
    if counts["gone"] > 0 and kind != "purge":
        raise SystemExit(f"{counts['gone']} messages are lost")
    print(*counts.values())


if sys.argv[1] == "list":
    print_list(sys.argv[2])
else:
    check(*sys.argv[2:5])
