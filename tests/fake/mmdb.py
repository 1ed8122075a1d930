#!/usr/bin/env python3
# mmdb.py FILE TYPE - write a database of networks in MaxMind's format (version 2.0).
#
# From stdin, a line each: NETWORK, a tab, JSON: {"autonomous_system_number": 64500, ...}. IPv4 stands in the
# tree of IPv6 below ::/96, as in the databases that are published.
import ipaddress
import json
import struct
import sys


def head(kind, size):
    extra = b''
    if size > 28:
        assert size < 285
        size, extra = 29, bytes([size - 29])
    if kind > 7:
        return bytes([size, kind - 7]) + extra
    return bytes([kind << 5 | size]) + extra


def value(v, kind=6):
    if isinstance(v, dict):
        return head(7, len(v)) + b''.join(value(k) + value(x) for k, x in v.items())
    if isinstance(v, list):
        return head(11, len(v)) + b''.join(value(x) for x in v)
    if isinstance(v, str):
        return head(2, len(v.encode())) + v.encode()
    if isinstance(v, tuple):
        return value(v[1], v[0])
    b = v.to_bytes((v.bit_length() + 7) // 8, 'big')
    return head(kind, len(b)) + b


path, kind = sys.argv[1:3]
nodes, data = [[None, None]], b''
for line in sys.stdin:
    network, text = line.rstrip('\n').split('\t')
    n = ipaddress.ip_network(network)
    bits = format(int(n.network_address), '0128b')
    length = n.prefixlen + (96 if n.version == 4 else 0)
    at = 0
    for i in range(length - 1):
        b = int(bits[i])
        if nodes[at][b] is None:
            nodes.append([None, None])
            nodes[at][b] = len(nodes) - 1
        at = nodes[at][b]
    nodes[at][int(bits[length - 1])] = ('data', len(data))
    data += value(json.loads(text))
out = b''
for pair in nodes:
    for r in pair:
        v = len(nodes) if r is None else r if isinstance(r, int) else len(nodes) + 16 + r[1]
        out += struct.pack('>I', v)[1:]
meta = {'node_count': len(nodes), 'record_size': (5, 24), 'ip_version': (5, 6), 'database_type': kind,
        'languages': ['en'], 'binary_format_major_version': (5, 2), 'binary_format_minor_version': (5, 0),
        'build_epoch': (9, 1795000000), 'description': {'en': 'a test'}}
with open(path, 'wb') as f:
    f.write(out + bytes(16) + data + b'\xab\xcd\xefMaxMind.com' + value(meta))
