#!/usr/bin/python3
"""dnsbl.py ZONES PORTFILE [ADDRESS:PORT] - a name server on loopback (UDP and TCP) with block lists of every sort.

A line of ZONES: "ZONE MANNER [ARGUMENT]" with the manners good, silent, slow SECONDS, refused, servfail, wild CODE,
parked ADDRESS, blocked CODE, empty, gone, truncated, many COUNT, garbage, cut (in the answer's record), mirror (the question comes back), echo (and the answer behind it), loop, wrong-id, spoofed, foreign, alias;
a zone may have several. "entry NAME CODE[,CODE] [TEXT]" is an entry of a good zone, whole name; "host NAME ADDRESS"
an address; "mx NAME HOST" and "ns NAME HOST" its other records; "control ADDRESS" is said of names in .invalid. "\\xHH" in a TEXT is that byte, "\\R COUNT" at its end
repeats it. ZONES is read again when it changes. Ends when its standard input ends. What was asked is counted
in PORTFILE.asked at the end."""
import heapq, os, select, socket, struct, sys, time

A, NS, CNAME, SOA, MX, TXT, AAAA = 1, 2, 5, 6, 15, 16, 28
zones, entries, hosts, others, control, stamp, asked = {}, {}, {}, {}, [], None, {}
UPSIDE = '0.0.0.0.0.0.f.7.f.f.f.f.' + '0.' * 20


def unescape(text):
    out, at = b'', 0
    while at < len(text):
        if text.startswith('\\x', at):
            out += bytes([int(text[at + 2:at + 4], 16)])
            at += 4
        else:
            out += text[at].encode()
            at += 1
    return out


def read_zones():
    global stamp
    now = os.stat(sys.argv[1]).st_mtime_ns
    if now == stamp:
        return
    stamp = now
    zones.clear(), entries.clear(), hosts.clear(), others.clear(), control.clear()
    for line in open(sys.argv[1]):
        word = line.split()
        if not word or word[0] == '#':
            continue
        if word[0] == 'entry':
            text = line.split(None, 3)[3].rstrip('\n') if len(word) > 3 else None
            count = 1
            if text and '\\R' in text:
                text, number = text.rsplit('\\R', 1)
                count = int(number)
            entries[word[1].lower()] = (word[2].split(','), text and unescape(text.rstrip()) * count)
        elif word[0] == 'host':
            hosts.setdefault(word[1].lower(), []).append(word[2])
        elif word[0] in ('mx', 'ns'):
            kind, front = (MX, b'\0\x0a') if word[0] == 'mx' else (NS, b'')
            others.setdefault(word[1].lower(), []).append((kind, front + name(word[2])))
        elif word[0] == 'control':
            control.append(word[1])
        else:
            zones.setdefault(word[0], {})[word[1]] = word[2] if len(word) > 2 else ''


def name(text):
    return b''.join(bytes([len(l)]) + l.encode() for l in text.split('.') if l) + b'\0'


def question(packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode('ascii', 'replace').lower())
        at += packet[at] + 1
    return '.'.join(labels), struct.unpack('>H', packet[at + 1:at + 3])[0], packet[12:at + 5]


def record(owner, kind, data):
    return name(owner) + struct.pack('>HHIH', kind, 1, 60, len(data)) + data


def text_data(text):
    return b''.join(bytes([len(p)]) + p for p in (text[i:i + 255] for i in range(0, len(text), 255))) or b'\0'


def good(host, zone, manner):
    """Codes and text of a list that follows RFC 5782; None: not listed."""
    left = host[:-len(zone) - 1]
    if host in entries:
        return entries[host]
    if 'empty' not in manner and left in ('2.0.0.127', '2.0.' + UPSIDE.split('.', 2)[2].rstrip('.'), 'test'):
        return ['127.0.0.2'], b'test entry'
    return None


def reply(host, kind):
    """rcode, records; None: silence."""
    if kind in (A, AAAA) and host in hosts:
        family = [h for h in hosts[host] if (':' in h) == (kind == AAAA)]
        return 0, [record(host, kind, socket.inet_pton(
            socket.AF_INET6 if kind == AAAA else socket.AF_INET, h)) for h in family]
    if host in others:
        return 0, [record(host, k, data) for k, data in others[host] if k == kind]
    if host.endswith('.invalid'):
        return (0, [record(host, A, socket.inet_aton(control[0]))]) if control else (3, [])
    zone = next((z for z in sorted(zones, key=len, reverse=True) if host == z or host.endswith('.' + z)), None)
    if zone is None:
        return 3, []
    m = zones[zone]
    if 'silent' in m:
        return None
    if 'refused' in m:
        return 5, []
    if 'servfail' in m:
        return 2, []
    if 'gone' in m:
        return 3, []
    if host == zone:
        if kind == SOA:
            return 0, [record(host, SOA, name('ns.' + zone) + name('h.' + zone) + struct.pack('>5I', 1, 2, 3, 4, 5))]
        return 0, [record(host, NS, name('ns.' + zone))] if kind == NS else []
    for manner in ('wild', 'parked', 'blocked'):
        if manner in m:
            return 0, [record(host, A, socket.inet_aton(m[manner]))] if kind == A else []
    if 'loop' in m:
        return 0, [record(host, CNAME, name('x.' + host)), record('x.' + host, CNAME, name(host))]
    if 'foreign' in m:
        return 0, [record('other.example.org', A, socket.inet_aton('127.0.0.2'))]
    found = good(host, zone, m)
    if found is None:
        return 3, []
    if kind == TXT:
        return 0, [record(host, TXT, text_data(found[1]))] if found[1] is not None else []
    if kind != A:
        return 0, []
    owner = 'alias.example.org' if 'alias' in m else host
    records = [record(host, CNAME, name(owner))] if 'alias' in m else []
    codes = found[0] * int(m.get('many') or 1)
    short = b'\xc0\x0c' if owner == host else name(owner)      # the question's name
    return 0, records + [short + struct.pack('>HHIH', A, 1, 60, 4) + socket.inet_aton(c) for c in codes]


def pack(packet, section, rcode, records, flags=0):
    body = packet[:2] + struct.pack('>5H', 0x8580 | rcode | flags, 1, len(records), 0, 0) + section
    return body + b''.join(records)


def answer(packet, tcp):
    """What to send, and to whom else: [(delay, bytes, from another socket)]."""
    host, kind, section = question(packet)
    asked[host] = asked.get(host, 0) + 1
    read_zones()
    zone = next((z for z in sorted(zones, key=len, reverse=True) if host == z or host.endswith('.' + z)), '')
    m = zones.get(zone, {})
    r = reply(host, kind)
    if r is None:
        return []
    delay = float(m.get('slow') or 0)
    full = pack(packet, section, *r)
    lie = pack(packet, section, 0, [record(host, A, socket.inet_aton('127.0.0.9'))])
    out = []
    if 'garbage' in m:
        return [(0, packet[:2] + b'\x81\x80\0\1\xff\xff\0\0\0\0' + section + b'\xc0' * 40, False)]
    if 'cut' in m and kind == A and r[1]:
        return [(0, full[:-6], False)]
    if 'mirror' in m:
        return [(0, packet, False)]
    if 'echo' in m:
        out += [(0, b'', False), (0, packet, False)]
        delay = 0.05
    if 'wrong-id' in m:
        out.append((0, bytes([packet[0] ^ 0x55]) + lie[1:], False))
        delay = 0.05
    if 'spoofed' in m:
        out.append((0, lie, True))
        delay = 0.05
    if not tcp and ('truncated' in m or len(full) > 1232):
        full = pack(packet, section, 0, [], 0x0200)
    return out + [(delay, full, False)]


def serve():
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for most in (socket.SO_RCVBUF, 33):     # SO_RCVBUFFORCE, where the test runs as root
        try:
            udp.setsockopt(socket.SOL_SOCKET, most, 1 << 22)
        except PermissionError:
            pass
    where = sys.argv[3].rsplit(':', 1) if len(sys.argv) > 3 else ('127.0.0.1', 0)
    udp.bind((where[0], int(where[1])))
    other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    other.bind(('127.0.0.1', 0))
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.bind(udp.getsockname())
    tcp.listen(64)
    with open(sys.argv[2] + '.new', 'w') as f:
        f.write(str(udp.getsockname()[1]))
    os.rename(sys.argv[2] + '.new', sys.argv[2])
    later, count, open_ = [], 0, {}
    while True:
        wait = max(0, later[0][0] - time.monotonic()) if later else None
        ready = select.select([0, udp, tcp] + list(open_), [], [], wait)[0]
        if 0 in ready and not os.read(0, 1):
            break
        while later and later[0][0] <= time.monotonic():
            _, _, sock, data, to = heapq.heappop(later)
            try:
                if to:
                    sock.sendto(data, to)
                else:
                    sock.sendall(struct.pack('>H', len(data)) + data)
            except OSError:
                pass
        if udp in ready:
            for _ in range(200):
                try:
                    packet, peer = udp.recvfrom(4096, socket.MSG_DONTWAIT)
                except BlockingIOError:
                    break
                for delay, data, lie in answer(packet, False):
                    count += 1
                    heapq.heappush(later, (time.monotonic() + delay, count, other if lie else udp, data, peer))
        if tcp in ready:
            open_[tcp.accept()[0]] = b''
        for sock in [s for s in ready if s in open_]:
            data = sock.recv(65536)
            open_[sock] += data
            if not data:
                del open_[sock]
                sock.close()
                continue
            while len(open_[sock]) > 2 and len(open_[sock]) >= 2 + struct.unpack('>H', open_[sock][:2])[0]:
                size = struct.unpack('>H', open_[sock][:2])[0]
                packet, open_[sock] = open_[sock][2:2 + size], open_[sock][2 + size:]
                for delay, reply_, _ in answer(packet, True):
                    count += 1
                    heapq.heappush(later, (time.monotonic() + delay, count, sock, reply_, None))
    with open(sys.argv[2] + '.asked', 'w') as f:
        for host in sorted(asked):
            f.write('%d %s\n' % (asked[host], host))


try:
    serve()
except KeyboardInterrupt:
    pass
