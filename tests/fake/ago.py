#!/usr/bin/python3
"""ago.py DIR SECONDS - what check_replication_* remember in DIR was so long ago (lib/lag.c: varints, since in zigzag)."""
import glob, sys


def varint(b, at):
    v = shift = 0
    while True:
        v |= (b[at] & 127) << shift
        at += 1
        if not b[at - 1] & 128:
            return v, at
        shift += 7


def put(v):
    out = bytearray()
    while True:
        out.append(v & 127 | (128 if v > 127 else 0))
        v >>= 7
        if not v:
            return bytes(out)


for name in glob.glob(sys.argv[1] + '/check_replication_*-*'):
    b, at, out = open(name, 'rb').read(), 0, b''
    while at < len(b):
        key, at = varint(b, at)
        value, at = varint(b, at)
        since, at = varint(b, at)
        out += put(key) + put(value) + put(since - 2 * int(sys.argv[2]))
    open(name, 'wb').write(out)
