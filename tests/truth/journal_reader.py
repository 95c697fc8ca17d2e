#!/usr/bin/env python3
"""Reads every journal and the list of jobs as docs/JOURNAL-FORMAT.md describes them, nothing else.

usage: journal_reader.py PRIVATE-FOLDER MESSAGES-OUT

Checks every frame's place, number and hash, the order and bodies of the frames, the running hashes
of SEAL and DECIDE, that each file taken lies in its slot, and the hash of each line of the list of
jobs; compares how many messages are out with what the program said. Needs the shared library of
xxHash.
"""
import ctypes
import os
import re
import struct
import sys

xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]

HEAD, DIR, FILE, SEAL, VERDICT, DECIDE, PURGE, END = range(1, 9)
TAKE = 1


def check(holds, what):
    if not holds:
        print(what)
        sys.exit(1)


def digest(data, seed=0):
    return xxhash.XXH3_64bits_withSeed(data, len(data), seed)


class Body:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        size = struct.calcsize("<" + layout)
        check(self.at + size <= len(self.data), "a body is cut off")
        values = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += size
        return values if len(values) > 1 else values[0]

    def text(self):
        length = self.take("H")
        self.at += length
        return self.data[self.at - length:self.at]

    def identity(self):
        values = self.take("7Q6I")
        handle = self.take("B")
        check(handle <= 128, "a handle is too long")
        self.at += handle
        return {"inode": values[1], "size": values[2]}

    def end(self):
        rest = self.data[self.at:]
        check(len(rest) < 8 and not any(rest), "a body is longer than it is told to be")


def frames(data):
    at, seq, batch_id = 0, 0, None
    while at + 24 <= len(data):
        length, kind, version, told = struct.unpack_from("<IHHQ", data, at)
        if length % 8 or not 24 <= length <= 16384 or at + length > len(data) or told != seq:
            break
        frame = data[at:at + length]
        if batch_id is None:
            batch_id = frame[24:40]
        seed = 0 if kind == HEAD else digest(batch_id, seq)
        if struct.unpack_from("<Q", frame, length - 8)[0] != digest(frame[:-8], seed):
            break
        check(version == 1, "another version")
        yield kind, Body(frame[16:-8]), frame
        at, seq = at + length, seq + 1


def read_head(body):
    check(body.take("8s") == b"SPJRNL01", "the journal's mark")
    body.take("16s")
    body.take("5Q")
    head = dict(zip(("operation", "flags", "dirs", "files", "messages"), body.take("5I")))
    body.take("I")
    body.take("Q")
    body.take("3I")
    body.text()
    body.text()
    body.identity()
    body.identity()
    return head


def read_file(body, dirs):
    message, number, _, way, _, _, zero = body.take("I6B")
    check(zero == 0, "a FILE's zero")
    from_dir, _ = body.take("I"), body.text()
    to_dir, to_name = body.take("I"), body.text()
    check(from_dir < len(dirs) and to_dir < len(dirs), "a FILE's DIR")
    return {"message": message, "number": number, "way": way, "to": (dirs[to_dir], to_name),
            "identity": body.identity()}


def read_journal(private, folder):
    with open(os.path.join(private, folder, "journal"), "rb") as file:
        data = file.read()
    head, dirs, files, out, running, order = None, [], [], None, 0, []
    for count, (kind, body, frame) in enumerate(frames(data)):
        check(not order or kind >= order[-1], "frames are out of order")
        order.append(kind)
        if kind == HEAD:
            head = read_head(body)
        elif kind == DIR:
            index, base = body.take("2I")
            body.take("Q")
            dirs.append((base, body.text()))
            check(index == len(dirs) - 1, "a DIR's index")
        elif kind == FILE:
            files.append(read_file(body, dirs))
        elif kind == SEAL:
            check(body.take("IQ") == (count, running), "SEAL's counts or hash")
        elif kind == VERDICT:
            body.take("IiBB")
        elif kind == DECIDE:
            values = body.take("5IQ")
            out = values[0]
            check(values[5] == running, "DECIDE's hash")
        body.end()
        running = digest(frame, running)
    check(order and order[0] == HEAD and SEAL in order and DECIDE in order, "no whole journal")
    check((len(dirs), len(files)) == (head["dirs"], head["files"]), "HEAD's counts")
    check(dirs[0] == (1, folder.encode()), "DIR 0 is not the batch's own folder")
    for file in files:
        if file["way"] == TAKE:
            base, path = file["to"][0]
            check((base, path) == dirs[0], "a slot lies elsewhere")
            check(file["to"][1] == b"%d.%d" % (file["message"], file["number"]), "a slot's name")
            found = os.stat(os.path.join(private, folder, file["to"][1].decode()))
            check((found.st_ino, found.st_size) ==
                  (file["identity"]["inode"], file["identity"]["size"]), "what lies in a slot")
    return out


def read_jobs(private):
    with open(os.path.join(private, "jobs"), "rb") as file:
        lines = file.read().rstrip(b"\0").splitlines()
    for line in lines:
        text, _, told = line.rpartition(b" #")
        check(re.fullmatch(rb"[0-9a-f]{16}", told) and int(told, 16) == digest(text),
              "the hash of a line of the list")
    return [line.split()[0].decode() for line in lines]


def main():
    private, told = sys.argv[1], int(sys.argv[2])
    folders = sorted(os.path.relpath(folder, private) for folder, _, names in os.walk(private)
                     if "journal" in names)
    out = sum(read_journal(private, folder) for folder in folders)
    words = read_jobs(private)
    check(words[0] == "job" and "batch" in words and words[-1] == "end", "the lines of the list")
    check(out == told, "%d messages are out, not %d" % (out, told))
    print("%d messages out in %d journals, %d lines" % (out, len(folders), len(words)))


if __name__ == "__main__":
    main()
