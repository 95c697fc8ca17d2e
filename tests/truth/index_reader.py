#!/usr/bin/env python3
"""Reads an index as docs/INDEX-FORMAT.md describes it, and nothing else.

usage: index_reader.py INDEX-FOLDER QUERY-JSON

Lists every live message with its path, sender, account and recipients, finds every account, sender and
id again by its tag, and compares with what the program answered. Written from the document alone:
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

STRINGS, NAMES, COLUMN = 1, 2, 256
PATH, INODE, SENDER, ACCOUNT, ARRIVAL, COUNT = 1, 2, 10, 11, 22, 27
SHAPE, NUMBER, ID_TAG, ANCHOR, ADDRESS, STATE, TAG = 28, 29, 30, 31, 32, 35, 36
PEOPLE, RECIPIENTS, TAGGED, OTHER, CLASSES = 0, 1, 3, 7, 8
HAS_ZERO, DICTIONARY, DELTA, SERIAL, PLANES = 1, 2, 4, 8, 16
BASE52 = b"0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz"
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


def unzigzag(value):
    return value >> 1 if value & 1 == 0 else -(value >> 1) - 1


def digits(value, base, width=1):
    text = b""
    while value or len(text) < width:
        text = BASE52[value % base:value % base + 1] + text
        value //= base
    return text


def unpack_bits(data, count, width):
    bits = int.from_bytes(data, "little")
    return [bits >> i * width & (1 << width) - 1 for i in range(count)] if width else [0] * count


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
         *classes, told) = struct.unpack_from("<IIIIQIIQQ8IQ", data, 8)
        table = data[96:96 + 40 * sections]
        check((version, must, size) == (2, 0, len(data)), "the segment's header")
        check(sum(classes) == self.string_count, "the number of strings")
        self.starts = [sum(classes[:i]) for i in range(CLASSES + 1)]
        check(seed_check == digest(b"", secret), "the segment's secret")
        check(told == digest(data[:88], digest(table)), "the segment's checksum")
        self.secret = secret
        self.sections = {}
        for at in range(0, len(table), 40):
            kind, blocks, offset, payload, items, told = struct.unpack_from("<IIQQQQ", table, at)
            directory = data[offset:offset + blocks * 32]
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
        count = {ANCHOR: (self.rows + 63) // 64, TAG: self.starts[TAGGED]}.get(
            number, self.recipients if ADDRESS <= number <= STATE else self.rows)
        if COLUMN + number not in self.sections:
            return [0] * count
        directory, payload, items = self.sections[COLUMN + number]
        check(items == count, "the items of column %d" % number)
        keys = []
        for at in range(0, len(directory), 32):
            low, high, told, offset, words, width, flags = struct.unpack_from("<QQQIHBB", directory, at)
            block = payload[offset * 8:(offset + words) * 8]
            check(told == digest(block), "a column block's checksum")
            of_block = self.read_keys(Bytes(block), min(4096, items - len(keys)), low, high, width, flags)
            check(all(key == 0 or low <= key <= high for key in of_block), "a key beyond its block's")
            keys += of_block
        check(len(keys) == items, "the items of column %d" % number)
        return keys

    @staticmethod
    def read_keys(block, count, low, high, width, flags):
        def key_of(code):
            return (0 if code == 0 else low + code - 1) if flags & HAS_ZERO else low + code
        head = block.number("Q") if flags & (DICTIONARY | DELTA | SERIAL) else 0
        if flags & DICTIONARY:
            wide = (high - low + (flags & HAS_ZERO)).bit_length()
            known = [key_of(code) for code in
                     unpack_bits(block.take((head * wide + 63) // 64 * 8), head, wide)]
        if not flags & PLANES:
            codes = unpack_bits(block.take((count * width + 63) // 64 * 8), count, width)
            check(block.is_at_end(), "a column's block ends elsewhere")
        elif width <= 4:
            frame = block.take(block.number("I"))
            codes = unpack_bits(unpack_frame(frame, (count * width + 63) // 64 * 8), count, width)
        else:
            codes = [0] * count
            for shift in range(0, width, 8):
                plane = unpack_frame(block.take(block.number("I")), count)
                codes = [code | byte << shift for code, byte in zip(codes, plane)]
        if flags & DICTIONARY:
            return [known[code] for code in codes]
        if flags & DELTA:
            keys = []
            for code in codes:
                head = head + unzigzag(code) & (1 << 64) - 1
                keys.append(head)
            return keys
        if flags & SERIAL:
            keys = []
            for code in codes:
                keys.append(head if code == 0 else code - 1)
                head = max(head, keys[-1] + 1)
            return keys
        return [key_of(code) for code in codes]

    def text(self, of, key):
        return None if key == 0 else self.strings[self.starts[of] + key - 1]

    def account(self, row):
        key = self.column(ACCOUNT)[row]
        return (self.text(PEOPLE, self.column(SENDER)[row]) if key == 1
                else self.text(PEOPLE, max(key - 1, 0)))

    def shaped_id(self, row):
        shape, number = self.column(SHAPE)[row], self.column(NUMBER)[row]
        inode, arrival = self.column(INODE)[row], self.column(ARRIVAL)[row]
        if shape == 1:
            return b"%05X%X" % (number, inode)
        seconds = unzigzag(number >> 23) + (arrival - (1 << 63) if arrival else 0)
        return (digits(seconds, 52, 6) + digits(number & (1 << 23) - 1, 52, 4) + b"z"
                + digits(inode, 51))

    def names(self):
        row = 0
        for _, count, data in self.blocks(NAMES):
            for _ in range(count):
                files = data.varint()
                check((files == 0) == (self.column(SHAPE)[row] > 0), "a name or a shape")
                queue_id = data.text() if files else self.shaped_id(row)
                names = [] if files else [queue_id]
                for _ in range(files - 1):
                    data.varint()
                    form = data.number("B")
                    names.append(queue_id if form == 0 else data.text() if form == 1
                                 else data.text() + queue_id + data.text())
                yield queue_id, names[0]
                row += 1
            check(data.is_at_end(), "a block of names ends elsewhere")

    def recipients_of(self, row):
        counts = self.column(COUNT)
        first = self.column(ANCHOR)[row // 64] + sum(counts[row // 64 * 64:row])
        return [(self.text(RECIPIENTS, self.column(ADDRESS)[i]), self.column(STATE)[i])
                for i in range(first, first + counts[row])]

    def messages(self):
        for row, (queue_id, name) in enumerate(self.names()):
            folder = self.text(OTHER, self.column(PATH)[row])
            yield {
                "id": queue_id,
                "path": (folder + b"/" if folder else b"") + name,
                "sender": self.text(PEOPLE, self.column(SENDER)[row]),
                "account": self.account(row),
                "recipients": self.recipients_of(row),
            }


def is_normal(text):
    return text == text.lower() and not any(sign in text for sign in (b'"', b"<", b"xn--")) \
        and text[:1] != b"@" and max(text, default=0) < 128


def check_lookups(segment, messages):
    """What lies in normal form already has its tag, and every id that has no shape."""
    asked = 0
    tags = segment.column(TAG)
    for of, mask in ((PEOPLE, 0xffff), (RECIPIENTS, 0xfff)):
        for number in range(segment.starts[of], segment.starts[of + 1]):
            if is_normal(segment.strings[number]):
                check(tags[number] == digest(segment.strings[number], segment.secret) & mask,
                      "the tag of %r" % segment.strings[number])
                asked += 1
    for row, message in enumerate(messages):
        told = 0 if segment.column(SHAPE)[row] else 1 + (
            digest(message["id"], segment.secret) & 0xffff)
        check(segment.column(ID_TAG)[row] == told, "the tag of an id")
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
    print("%d messages in %d segments, %d tags" % (count, len(segments), asked))


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
