#!/usr/bin/python3
"""Agents of SNMP version 2c on loopback, each with a fault of its own.

    snmp.py FOLDER <FIFO

Writes "NAME PORT" lines to FOLDER/agents when all listen, and ends with its standard input.
The community is "public"; whoever asks with another one hears nothing.
"""
import bisect
import os
import random
import select
import socket
import sys

APPL, MTA, GROUP = "1.3.6.1.2.1.27.1.1.", "1.3.6.1.2.1.28.1.1.", "1.3.6.1.2.1.28.2.1."
ASYNCOS, BARRACUDA = "1.3.6.1.4.1.15497.1.1.1.", "1.3.6.1.4.1.20632.2."
FORTIMAIL = "1.3.6.1.4.1.12356.105.1.103.2.1."
INTEGER, STRING, OID, GAUGE, COUNTER, TICKS, COUNTER64, END = 2, 4, 6, 0x42, 0x41, 0x43, 0x46, 0x82


# --- BER ---

def tlv(tag, body):
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + body


def number(v):
    return v.to_bytes(v.bit_length() // 8 + 1, "big", signed=True)


def oid(key):
    out = bytes([key[0] * 40 + key[1]])
    for v in key[2:]:
        part = [v & 127]
        while v > 127:
            v >>= 7
            part.append(128 | v & 127)
        out += bytes(reversed(part))
    return out


def take(b):
    n, at = b[1], 2
    if n & 128:
        at += n & 127
        n = int.from_bytes(b[2:at], "big")
    return b[0], b[at:at + n], b[at + n:]


def read_oid(b):
    key, v = [b[0] // 40, b[0] % 40], 0
    for c in b[1:]:
        v = v << 7 | c & 127
        if not c & 128:
            key.append(v)
            v = 0
    return tuple(key)


def value(tag, v):
    if tag in (STRING, OID):
        return tlv(tag, v)
    return tlv(tag, b"" if tag == END else number(v))


# --- what is served ---

def key(text):
    return tuple(int(x) for x in text.split("."))


def table(rows):
    return sorted((key(o), tag, v) for o, tag, v in rows)


def mta(stored=1204, state=1, name=b"Postfix"):
    return [("1.3.6.1.2.1.1.3.0", TICKS, 8640000), (APPL + "2.1", STRING, name),
            (APPL + "6.1", INTEGER, state), (MTA + "1.1", COUNTER, 50000), (MTA + "2.1", GAUGE, stored),
            (MTA + "3.1", COUNTER, 48000), (MTA + "5.1", GAUGE, 2048), (MTA + "8.1", GAUGE, 1300),
            (MTA + "12.1", COUNTER, 2)]


def group(i, stored, oldest, name, why=b""):
    return [(GROUP + "%s.1.%d" % (c, i), t, v) for c, t, v in (
        ("3", COUNTER, 5), ("4", GAUGE, stored), ("7", GAUGE, 10), ("12", INTEGER, oldest),
        ("22", STRING, why), ("25", STRING, name))]


GROUPS = group(1, 1130, 1152000, b"example.net", b"Connection refused") + group(2, 74, 6000, b"example.com")
GOOD = mta() + GROUPS
TABLES = {
    "good": GOOD,
    "down": mta(3, 2) + GROUPS,
    "congested": mta(3, 4),
    "hostile": mta(7, 1, b"x\x1b[31m|<script>") + group(1, 7, 100, b"a'; |total=0\n\x00OK", b"\xff\xfe" * 300),
    "types": [("1.3.6.1.2.1.1.3.0", STRING, b"soon"), (MTA + "2.1", STRING, b"1204"), (MTA + "5.1", INTEGER, -5),
              (GROUP + "12.1.1", OID, oid(key("1.3.6.1"))), (MTA + "2.2", COUNTER64, 1 << 63)],
    "zero": [("1.3.6.1.2.1.1.3.0", TICKS, 100), (MTA + "2.1", GAUGE, 0), (MTA + "5.1", GAUGE, 0),
             (GROUP + "4.1.26", GAUGE, 0), (GROUP + "7.1.26", GAUGE, 0)],
    "none": [("1.3.6.1.2.1.1.3.0", TICKS, 100)],
    "empty": mta(0),
    "many": mta(60000) + [r for i in range(1, 700) for r in group(i, i, i, b"d%d.example.net" % i)],
    "asyncos": [(ASYNCOS + "4.0", INTEGER, 83), (ASYNCOS + "5.0", INTEGER, 2), (ASYNCOS + "11.0", GAUGE, 520),
                (ASYNCOS + "14.0", GAUGE, 7200)],
    "full": [(ASYNCOS + "4.0", INTEGER, 99), (ASYNCOS + "5.0", INTEGER, 3), (ASYNCOS + "11.0", GAUGE, 520)],
    "barracuda": [(BARRACUDA + "2.0", INTEGER, 4), (BARRACUDA + "3.0", INTEGER, 19), (BARRACUDA + "4.0", INTEGER, 17)],
    "fortimail": [(FORTIMAIL + c + ".%d" % i, t, v) for i, (name, n, kb) in enumerate(
        [(b"default queue", 31, 534), (b"default slow queue", 300, 9000)], 1)
        for c, t, v in (("1", INTEGER, i), ("2", STRING, name), ("3", GAUGE, n), ("4", GAUGE, kb))],
}
# These answer from GOOD, and wrongly.
FAULTS = ["circle", "endless", "few", "toobig", "error", "refused", "garbage", "cut", "silent", "halfway", "more", "stranger"]
NAMES = list(TABLES) + FAULTS
SORTED = {name: table(rows) for name, rows in TABLES.items()}
endless = [0]


def after(rows, k):
    at = bisect.bisect_right(rows, k, key=lambda row: row[0])
    return rows[at] if at < len(rows) else (k, END, None)


def answer(name, asked, first, most):
    """Varbinds of a GETBULK: each is (key, tag, value)."""
    rows = SORTED[name if name in SORTED else "good"]
    out = [after(rows, k) for k in asked[:first]]
    at = asked[first:]
    for _ in range(most):
        if name == "circle":
            row = [(key(GROUP + "4.1.1"), GAUGE, 1) if k[:10] == key(GROUP + "4") else after(rows, k) for k in at]
        elif name == "endless":
            endless[0] += 1
            row = [((k[:13] if k[4] == 4 else k[:10]) + ((1,) if k[:9] == key(GROUP[:-1]) else ()) + (endless[0],),
                    GAUGE, 1) for k in at]
        else:
            row = [after(rows, k) for k in at]
        at = [r[0] for r in row]
        out += row
    return out


def reply(name, data, heard):
    _, body, _ = take(data)
    _, version, body = take(body)
    _, community, body = take(body)
    _, pdu, _ = take(body)
    _, request, pdu = take(pdu)
    _, first, pdu = take(pdu)
    _, most, pdu = take(pdu)
    _, binds, _ = take(pdu)
    asked = []
    while binds:
        _, bind, binds = take(binds)
        asked.append(read_oid(take(bind)[1]))
    first, most = int.from_bytes(first, "big"), int.from_bytes(most, "big")
    if community != b"public" or name == "silent" or (name == "halfway" and heard > 1):
        return None
    if name == "garbage":
        return random.Random(heard).randbytes(200)
    error = {"error": 5, "refused": 16, "toobig": 1 if most > 1 else 0}.get(name, 0)
    out = [] if error or name == "few" else answer(name, asked, first, most + (9 if name == "more" else 0))
    binds = b"".join(tlv(0x30, tlv(OID, oid(k)) + value(t, v)) for k, t, v in out)
    if name == "stranger":
        request = number(int.from_bytes(request, "big") ^ 1)
    pdu = tlv(0xa2, tlv(INTEGER, request) + tlv(INTEGER, bytes([error])) + tlv(INTEGER, b"\0") + tlv(0x30, binds))
    whole = tlv(0x30, tlv(INTEGER, version) + tlv(STRING, community) + pdu)
    return whole[:len(whole) // 2] if name == "cut" else whole


def main():
    agents, heard = {}, {}
    for name in NAMES:
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.bind(("127.0.0.1", 0))
        agents[s] = name
        heard[name] = 0
    with open(sys.argv[1] + "/agents.new", "w") as f:
        for s, name in agents.items():
            f.write("%s %d\n" % (name, s.getsockname()[1]))
    os.rename(sys.argv[1] + "/agents.new", sys.argv[1] + "/agents")
    while True:
        for s in select.select([sys.stdin] + list(agents), [], [])[0]:
            if s is sys.stdin:
                return
            data, who = s.recvfrom(65535)
            heard[agents[s]] += 1
            out = reply(agents[s], data, heard[agents[s]])
            if out is not None:
                s.sendto(out, who)


main()
