#!/usr/bin/python3
"""zone.py ZONE PORTFILE - name servers at 127.0.0.1 to .9, one port, each with a serial or a fault.

Lines of ZONE: "ns ZONE HOST" and "host HOST ADDRESS" are said by all ("ns ZONE !servfail": they fail); "ADDRESS ZONE MANNER [SERIAL]" is
what that server says when it is asked for the SOA: serial, notauth, alias, foreign (of another zone), cut (in
the SOA), silent, refused, servfail, unknown, empty, garbage, late, mirror (the question comes back). Who asks for an SOA with recursion is refused. ZONE
is read again for each question. Ends when its standard input ends."""
import os
import select
import socket
import struct
import sys
import time


def name(text):
    return b"".join(bytes([len(part)]) + part.encode() for part in text.split(".") if part) + b"\0"


def record(owner, kind, data):
    return name(owner) + struct.pack(">HHIH", kind, 1, 60, len(data)) + data


def soa(zone, serial):
    return name("ns1." + zone) + name("hostmaster." + zone) + struct.pack(">5I", serial, 3600, 600, 86400, 60)


def asked(packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("latin-1").lower())
        at += packet[at] + 1
    return ".".join(labels), struct.unpack(">H", packet[at + 1:at + 3])[0], packet[12:at + 5]


def answer(own, packet):
    zone, kind, section = asked(packet)
    rows = [line.split() for line in open(sys.argv[1])]
    flags, found = 0x8580, []
    if kind == 6:
        manner, serial = next(((r[2], int(r[3]) if len(r) > 3 else 0) for r in rows
                               if len(r) > 2 and r[:2] == [own, zone]), ("refused", 0))
        if packet[2] & 1:
            manner = "refused"
        if manner == "silent":
            return None
        if manner == "mirror":
            return packet
        if manner == "garbage":
            return packet[:2] + b"\x85\x80\0\1\xff\xff\0\0\0\0" + section + b"\xc0" * 40
        if manner == "late":
            time.sleep(0.3)
        flags = {"refused": 0x8005, "servfail": 0x8002, "unknown": 0x8403, "notauth": 0x8000}.get(manner, 0x8400)
        data = soa(zone, serial)
        if manner in ("serial", "notauth", "late"):
            found = [record(zone.upper(), 6, data)]
        elif manner == "foreign":
            found = [record("example.net", 6, data)]
        elif manner == "alias":
            found = [record(zone, 5, name("example.net")), record("example.net", 6, data)]
        elif manner == "cut":
            found = [record(zone, 6, data[:-8])]
    elif kind == 2 and ["ns", zone, "!servfail"] in rows:
        flags = 0x8182
    elif kind == 2:
        found = [record(zone, 2, name(r[2])) for r in rows if r[:2] == ["ns", zone]]
    elif kind == 1:
        found = [record(zone, 1, socket.inet_aton(r[2])) for r in rows if r[:2] == ["host", zone]]
    return packet[:2] + struct.pack(">HHHHH", flags, 1, len(found), 0, 0) + section + b"".join(found)


def servers():
    """All at one port, whichever is free at all addresses."""
    while True:
        socks, port = {}, 0
        try:
            for i in range(1, 10):
                s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                s.bind(("127.0.0.%d" % i, port))
                port = s.getsockname()[1]
                socks[s] = "127.0.0.%d" % i
            return socks, port
        except OSError:
            continue


def main():
    socks, port = servers()
    with open(sys.argv[2] + ".new", "w") as f:
        f.write(str(port))
    os.rename(sys.argv[2] + ".new", sys.argv[2])
    while True:
        for s in select.select([sys.stdin] + list(socks), [], [])[0]:
            if s is sys.stdin:
                return
            packet, peer = s.recvfrom(4096)
            out = answer(socks[s], packet)
            if out is not None:
                s.sendto(out, peer)


main()
