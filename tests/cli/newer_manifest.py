#!/usr/bin/env python3
"""Makes an index one of a version to come: sets a must-understand bit in its manifest.

usage: newer_manifest.py MANIFEST      the layout is that of docs/INDEX-FORMAT.md, section 5
"""
import ctypes
import struct
import sys

MUST_UNDERSTAND, HEAD, CHECKSUM = 12, 40, 32


def main():
    try:
        xxh3 = ctypes.CDLL("libxxhash.so.0").XXH3_64bits_withSeed
    except OSError:
        sys.exit("no libxxhash here")
    xxh3.restype = ctypes.c_uint64
    xxh3.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint64]
    with open(sys.argv[1], "r+b") as file:
        whole = bytearray(file.read())
        body = bytes(whole[HEAD:])
        old = xxh3(bytes(whole[:CHECKSUM]), CHECKSUM, xxh3(body, len(body), 0))
        assert old == struct.unpack_from("<Q", whole, CHECKSUM)[0], "the layout is another one"
        struct.pack_into("<I", whole, MUST_UNDERSTAND, 1)
        new = xxh3(bytes(whole[:CHECKSUM]), CHECKSUM, xxh3(body, len(body), 0))
        struct.pack_into("<Q", whole, CHECKSUM, new)
        file.seek(0)
        file.write(whole)


main()
