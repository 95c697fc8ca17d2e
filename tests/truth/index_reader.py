#!/usr/bin/env python3
"""Reads an index as docs/INDEX-FORMAT.md describes it, and nothing else.

usage: index_reader.py INDEX-FOLDER QUERY-JSON

Lists every live message with its path, sender, account and recipients, asks the hash tables and
posting lists for some, and compares with what the program answered. Written from the document alone:
if it fails, the document or the index is wrong. Needs the shared libraries of xxHash and zstd.
"""
import ctypes
import json
import os
import struct
import sys

xxhash = ctypes.CDLL("libxxhash.so.0")
xxhash.XXH3_64bits_withSeed.restype = ctypes.c_uint64
xxhash.XXH3_64bits_withSeed.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
zstd = ctypes.CDLL("libzstd.so.1")
zstd.ZSTD_decompress.restype = ctypes.c_size_t
zstd.ZSTD_decompress.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]

STRINGS, NAMES, POSTINGS, COLUMN = 1, 2, 3, 256
PATH, SENDER, ACCOUNT, COUNT, ANCHOR, ADDRESS, STATE = 1, 10, 11, 27, 28, 29, 32
KEY_START, KEY_SLOT, ID_START, ID_SLOT = 33, 34, 35, 36
OF_ACCOUNT, OF_SENDER = 0, 1
STATES = ["pending", "done", "cancelled", "failed"]


def fail(what):
    print(what)
    sys.exit(1)


def check(holds, what):
    if not holds:
        fail(what)


def digest(data, seed=0):
    return xxhash.XXH3_64bits_withSeed(data, len(data), seed)


def padded(size):
    return (size + 7) // 8 * 8


def unpack_frame(stored, raw_size):
    out = ctypes.create_string_buffer(max(raw_size, 1))
    check(zstd.ZSTD_decompress(out, raw_size, stored, len(stored)) == raw_size, "a zstd frame")
    return out.raw[:raw_size]


class Bytes:
    """Takes values from the front."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, size):
        check(self.at + size <= len(self.data), "a value is cut off")
        self.at += size
        return self.data[self.at - size:self.at]

    def number(self, layout):
        return struct.unpack("<" + layout, self.take(struct.calcsize("<" + layout)))[0]

    def varint(self):
        value, shift = 0, 0
        while True:
            byte = self.number("B")
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def text(self):
        return self.take(self.varint())

    def optional_text(self):
        return self.text() if self.number("B") else None

    def is_at_end(self):
        return self.at == len(self.data)


def read_manifest(folder):
    with open(os.path.join(folder, "MANIFEST"), "rb") as file:
        data = file.read()
    check(data[:8] == bytes.fromhex("01 53 50 52 6D 61 6E 0A"), "the manifest's mark")
    version, must, _, _, size, told = struct.unpack_from("<IIIIQQ", data, 8)
    check((version, must, size) == (1, 0, len(data)), "the manifest's header")
    check(told == digest(data[:32], digest(data[40:])), "the manifest's checksum")
    body = Bytes(data[40:])
    secret = body.number("Q")
    for _ in ("spool root", "format", "host"):
        body.optional_text()
    body.take(12 + 16 + 8 + 2 + 8)  # layout, root, time, two marks, next segment
    segments = []
    for _ in range(body.number("I")):
        name = body.optional_text().decode()
        rows, live, _ = body.number("I"), body.number("I"), body.number("Q")
        dead = [0] * ((rows + 63) // 64)
        if body.number("B"):
            dead = [body.number("Q") for _ in dead]
        alive = [not dead[row // 64] >> row % 64 & 1 for row in range(rows)]
        check(sum(alive) == live, "live rows of " + name)
        segments.append((name, alive))
    for _ in range(body.number("I")):
        body.optional_text()
        body.take(16)
    check(body.is_at_end(), "the manifest's end")
    return secret, segments


class Segment:
    def __init__(self, path, secret):
        with open(path, "rb") as file:
            self.data = file.read()
        data = self.data
        check(data[:8] == bytes.fromhex("01 53 50 52 73 65 67 0A"), "the segment's mark")
        (version, must, _, sections, size, self.rows, self.string_count, self.recipients, seed_check,
         told) = struct.unpack_from("<IIIIQIIQQQ", data, 8)
        table = data[64:64 + 40 * sections]
        check((version, must, size) == (1, 0, len(data)), "the segment's header")
        check(seed_check == digest(b"", secret), "the segment's secret")
        check(told == digest(data[:56], digest(table)), "the segment's checksum")
        self.secret = secret
        self.sections = {}
        for at in range(0, len(table), 40):
            kind, blocks, offset, payload, items, told = struct.unpack_from("<IIQQQQ", table, at)
            entry = 24 if kind >= COLUMN else 32
            directory = data[offset:offset + blocks * entry]
            check(offset % 8 == 0 and told == digest(directory), "a directory's checksum")
            start = offset + padded(len(directory))
            self.sections[kind] = (directory, data[start:start + payload], items)
        self.strings = [text for block in self.blocks(STRINGS) for text in self.texts(block)]
        check(len(self.strings) == self.string_count, "the number of strings")
        self.columns = {}

    def blocks(self, kind):
        directory, payload, _ = self.sections[kind]
        for at in range(0, len(directory), 32):
            offset, stored, raw, first, count, told = struct.unpack_from("<QIIIIQ", directory, at)
            frame = payload[offset:offset + stored]
            check(told == digest(frame), "a block's checksum")
            yield first, count, Bytes(unpack_frame(frame, raw))

    @staticmethod
    def texts(block):
        _, count, data = block
        texts = [data.text() for _ in range(count)]
        check(data.is_at_end(), "a block of strings ends elsewhere")
        return texts

    def column(self, number):
        if number not in self.columns:
            self.columns[number] = self.read_column(number)
        return self.columns[number]

    def read_column(self, number):
        directory, payload, items = self.sections[COLUMN + number]
        keys = []
        for at in range(0, len(directory), 24):
            base, told, offset, distinct, width, flags = struct.unpack_from("<QQIHBB", directory, at)
            count = min(4096, items - len(keys))
            words = (count * width + 63) // 64
            block = payload[offset * 8:(offset + distinct + words) * 8]
            check(told == digest(block), "a column block's checksum")
            dictionary = struct.unpack_from("<%dQ" % distinct, block)
            bits = int.from_bytes(block[distinct * 8:], "little")
            for _ in range(count):
                code = bits & (1 << width) - 1
                bits >>= width
                if distinct:
                    keys.append(dictionary[code])
                elif flags & 1:
                    keys.append(0 if code == 0 else base + code - 1)
                else:
                    keys.append(base + code)
        check(len(keys) == items, "the items of column %d" % number)
        return keys

    def text(self, key):
        return None if key == 0 else self.strings[key - 1]

    def names(self):
        for _, count, data in self.blocks(NAMES):
            for _ in range(count):
                queue_id, files = data.text(), []
                for _ in range(data.varint()):
                    data.varint()
                    form = data.number("B")
                    files.append(queue_id if form == 0 else data.text() if form == 1
                                 else data.text() + queue_id + data.text())
                yield queue_id, files[0]
            check(data.is_at_end(), "a block of names ends elsewhere")

    def recipients_of(self, row):
        counts = self.column(COUNT)
        first = self.column(ANCHOR)[row // 64] + sum(counts[row // 64 * 64:row])
        return [(self.text(self.column(ADDRESS)[i]), self.column(STATE)[i])
                for i in range(first, first + counts[row])]

    def messages(self):
        for row, (queue_id, name) in enumerate(self.names()):
            folder = self.text(self.column(PATH)[row])
            yield {
                "id": queue_id,
                "path": (folder + b"/" if folder else b"") + name,
                "sender": self.text(self.column(SENDER)[row]),
                "account": self.text(self.column(ACCOUNT)[row]),
                "recipients": self.recipients_of(row),
            }

    def find(self, text, starts, slots):
        """The items of the slots that a text may have in a hash table."""
        bits = 0
        while bits < 30 and len(slots) >> bits > 4:
            bits += 1
        check(len(starts) == (1 << bits) + 1, "the number of buckets")
        value = digest(text, self.secret)
        bucket = value >> 64 - bits if bits else 0
        return [slot >> 6 for slot in slots[starts[bucket]:starts[bucket + 1]]
                if slot & 63 == value & 63]

    def postings(self):
        lists = {}
        for first, count, data in self.blocks(POSTINGS):
            item, first_row = first, 0
            for _ in range(count):
                item += data.varint()
                zigzag = data.varint()
                first_row += zigzag >> 1 if zigzag & 1 == 0 else -(zigzag >> 1) - 1
                rows = [first_row]
                for _ in range(data.varint()):
                    rows.append(rows[-1] + data.varint() + 1)
                rows += lists.get(item, [])
                lists[item] = sorted(rows)
            check(data.is_at_end(), "a block of postings ends elsewhere")
        return lists


def check_lookups(segment, messages):
    """What lies in normal form already is found by hash, and its list has exactly its rows."""
    lists = segment.postings()
    starts, slots = segment.column(KEY_START), segment.column(KEY_SLOT)
    asked = 0
    for kind, fact in ((OF_ACCOUNT, "account"), (OF_SENDER, "sender")):
        rows_of = {}
        for row, message in enumerate(messages):
            if message[fact] is not None:
                rows_of.setdefault(message[fact].lower(), []).append(row)
        for text, rows in rows_of.items():
            if text not in {message[fact] for message in messages} or b'"' in text or b"xn--" in text:
                continue
            ids = [i for i in segment.find(text, starts, slots) if segment.strings[i] == text]
            check(len(ids) == 1, "the string table lacks %r" % text)
            check(lists.get(kind * segment.string_count + ids[0]) == rows, "the list of %r" % text)
            asked += 1
    starts, slots = segment.column(ID_START), segment.column(ID_SLOT)
    for row, message in enumerate(messages):
        check(row in segment.find(message["id"], starts, slots), "the id table lacks a row")
    return asked


def main():
    folder, answers = sys.argv[1:]
    secret, segments = read_manifest(folder)
    read, asked = {}, 0
    for name, alive in segments:
        segment = Segment(os.path.join(folder, name), secret)
        messages = list(segment.messages())
        check(len(messages) == len(alive) == segment.rows, "the rows of " + name)
        asked += check_lookups(segment, messages)
        for message, lives in zip(messages, alive):
            if lives:
                check(message["path"] not in read, "%r lives twice" % message["path"])
                read[message["path"]] = message
    count = len(read)
    check(count > 0 and asked > 0, "nothing can be compared")
    compare(read, answers)
    print("%d messages in %d segments, %d lists" % (count, len(segments), asked))


def told_by(message):
    return {
        "id": message["queue_id"],
        "sender": message["sender"],
        "account": message["auth_account"],
        "recipients": [(r["address"], STATES.index(r["state"])) for r in message["recipients"]],
    }


def as_text(value):
    return value.decode("utf-8", "surrogateescape") if isinstance(value, bytes) else value


def compare(read, answers):
    with open(answers, encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            told = json.loads(line)
            message = read.pop(os.fsencode(told["path"]), None)
            check(message is not None, "only the program knows " + told["path"])
            for fact, value in told_by(told).items():
                mine = message[fact]
                mine = ([(as_text(address), state) for address, state in mine]
                        if fact == "recipients" else as_text(mine))
                check(mine == value, "%s: %s: %r, not %r" % (told["path"], fact, mine, value))
    check(not read, "the program does not know %r" % sorted(read)[:3])


if __name__ == "__main__":
    main()
