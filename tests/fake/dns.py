#!/usr/bin/python3
"""dns.py ZONE PORTFILE - a name server on loopback that says what ZONE has.

A line of ZONE: NAME TYPE VALUE, with TYPE A, AAAA, MX ("10 host"), TXT, TLSA ("3 1 1 hex") or CNAME;
"NAME TYPE !servfail", "!refused", "!silent", "!slow SECONDS", "!echo" and "!garbage" are faults (slow, and the
question itself, come before the other lines of that name and type are answered); "!secure" sets AD for what is asked of NAME, "!ttl SECONDS" is its records' in place of 60.
ZONE is read again for each question. Ends when its standard input ends."""
import os, socket, struct, sys, threading, time

TYPES = {'A': 1, 'CNAME': 5, 'MX': 15, 'TXT': 16, 'AAAA': 28, 'TLSA': 52}


def name(text):
    return b''.join(bytes([len(l)]) + l.encode() for l in text.split('.') if l) + b'\0'


def data(kind, value):
    if kind == 'A':
        return socket.inet_aton(value)
    if kind == 'AAAA':
        return socket.inet_pton(socket.AF_INET6, value)
    if kind == 'MX':
        preference, host = value.split()
        return struct.pack('>H', int(preference)) + name(host)
    if kind == 'TXT':
        return b''.join(bytes([len(p)]) + p.encode() for p in
                        (value[i:i + 200] for i in range(0, len(value), 200)))
    if kind == 'TLSA':
        usage, selector, matching, digest = value.split()
        return bytes([int(usage), int(selector), int(matching)]) + bytes.fromhex(digest)
    return name(value)


def question(packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode('ascii', 'replace').lower())
        at += packet[at] + 1
    return '.'.join(labels), struct.unpack('>H', packet[at + 1:at + 3])[0], packet[12:at + 5]


def rows():
    with open(sys.argv[1]) as f:
        for line in f:
            part = line.split(None, 2)
            if len(part) >= 2:
                yield part[0].lower(), part[1], part[2].strip() if len(part) > 2 else ''


def answer(sock, packet, peer):
    asked, kind, section = question(packet)
    flags, rcode, found, known, secure, alias, ttl = 0x8180, 0, [], False, False, asked, 60
    for host, what, value in rows():
        if host == asked and what == 'CNAME':
            alias = value
        if host == asked and what == '!ttl':
            ttl = int(value)
    for host, what, value in rows():
        known = known or host == asked or host.endswith('.' + asked)
        if host not in (asked, alias):
            continue
        if what == '!secure':
            secure = bool(packet[3] & 0x20)     # only who asks so is told
        elif TYPES.get(what) != kind and what != 'CNAME':
            continue
        elif value == '!silent':
            return
        elif value == '!garbage':
            sock.sendto(packet[:2] + b'\x81\x80\0\1\xff\xff\0\0\0\0' + section + b'\xc0' * 40, peer)
            return
        elif value == '!echo':
            sock.sendto(b'', peer)
            sock.sendto(packet, peer)
        elif value.startswith('!slow'):
            time.sleep(float(value.split()[1]))
        elif value == '!servfail':
            rcode = 2
        elif value == '!refused':
            rcode = 5
        else:
            record = data(what, value)
            found.insert(0 if what == 'CNAME' else len(found), name(host) + struct.pack(
                '>HHIH', TYPES[what], 1, ttl, len(record)) + record)
    if not known and rcode == 0:
        rcode = 3
    flags |= rcode | (0x20 if secure else 0)
    sock.sendto(packet[:2] + struct.pack('>HHHHH', flags, 1, len(found), 0, 0) + section +
                b''.join(found), peer)


def serve(sock):
    while True:
        packet, peer = sock.recvfrom(4096)
        threading.Thread(target=answer, args=(sock, packet, peer), daemon=True).start()


sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sock.bind(('127.0.0.1', 0))
threading.Thread(target=serve, args=(sock,), daemon=True).start()
with open(sys.argv[2] + '.new', 'w') as f:
    f.write(str(sock.getsockname()[1]))
os.rename(sys.argv[2] + '.new', sys.argv[2])
sys.stdin.read()
