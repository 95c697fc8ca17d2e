#!/usr/bin/env python3
"""Writes one Postfix queue file by the grammar of its manual pages, for mail no server would take.

usage: postfix_file.py SPOOL QUEUE SENDER ACCOUNT SUBJECT RECIPIENT…   (\\xNN in texts: that byte)

Prints the queue id.
"""
import os
import re
import sys


def raw(text):
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m.group(1), 16)]), os.fsencode(text))


def record(kind, payload=b""):
    length, size = b"", len(payload)
    while True:
        size, low = size >> 7, size & 0x7f
        length += bytes([low | (0x80 if size else 0)])
        if not size:
            return kind + length + payload


def main():
    spool, queue, sender, account, subject = sys.argv[1:6]
    recipients = [raw(r) for r in sys.argv[6:]]
    envelope = record(b"T", b"1795000000 123456") + record(b"A", b"log_client_address=192.0.2.9")
    if account:
        envelope += record(b"A", b"sasl_method=PLAIN") + record(b"A", b"sasl_username=" + raw(account))
    envelope += record(b"S", raw(sender)) + b"".join(record(b"R", r) for r in recipients) + record(b"M")
    content = record(b"N", b"Subject: " + raw(subject)) + record(b"N", b"From: x@y.test") \
        + record(b"N") + record(b"N", b"body \x1b[2J of the message")
    sizes = (len(content), 97 + len(envelope), len(recipients), 0, len(content), 0)
    size = record(b"C", b" ".join(b"%15d" % n for n in sizes))
    data = size + envelope + content + record(b"X") + record(b"E")
    os.makedirs(os.path.join(spool, queue), exist_ok=True)
    path = os.path.join(spool, queue, "new")
    with open(path, "xb") as file:
        file.write(data)
    os.chmod(path, 0o700)
    name = "A1B2C%X" % os.stat(path).st_ino
    folder = os.path.join(spool, queue, name[0]) if queue == "deferred" else os.path.join(spool, queue)
    os.makedirs(folder, exist_ok=True)
    os.utime(path, (1795000000, 1795000000))
    os.rename(path, os.path.join(folder, name))
    print(name)


main()
