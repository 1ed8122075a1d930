#!/usr/bin/env python3
"""world.py - all that surrounds the Postfix of the lab: names, next hops, a filter,
a milter, a policy service, passwords.

Every part is a thread of this one process and decides by what it is sent (the local
part of a recipient, the subject), so that the driver alone knows the plot. It listens
on loopback and on documentation addresses that lab.sh routed to lo, prints "ready"
once all sockets are bound, and ends with its stdin. Ports named as arguments are left to
others. Not for the world outside."""
import base64
import os
import socket
import socketserver
import ssl
import struct
import sys
import threading

REINJECT = ('127.0.0.1', 10025)
CERT = os.environ.get('LAB_CERT', '/etc/postfix/lab.pem')
TEXTS = os.environ.get('LAB_TEXTS')     # a file of TXT records: NAME TEXT

# Where the next hops live; .104 is routed and nobody listens there.
PEERS = {'good': 101, 'soft': 102, 'hard': 103, 'dead': 104, 'wordy': 105, 'tls': 106}


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 100


# --- names -----------------------------------------------------------------------
def records(name, kind):
    """The answers for a question, None for "no such name", 'fail' for trouble."""
    label, _, rest = name.partition('.')
    if name.endswith('.in-addr.arpa'):
        return reverse('.'.join(reversed(name.split('.')[:4])), kind)
    if rest == 'example.net' and label in PEERS:
        return [(10, 'mx.' + name)] if kind == 'MX' else []
    if label == 'mx' and rest.endswith('.example.net') and rest.split('.')[0] in PEERS:
        return ['203.0.113.%d' % PEERS[rest.split('.')[0]]] if kind == 'A' else []
    if rest == 'example.net' and label.startswith('host') and label[4:].isdigit():
        return ['198.51.100.' + label[4:]] if kind == 'A' else []
    if rest == 'example.net' and label.startswith('node') and label[4:].isdigit():
        return ['203.0.113.' + label[4:]] if kind == 'A' else []
    for zone in ('bl.example.org', 'zombies.example.org'):
        if name.endswith('.' + zone):
            return listed('.'.join(reversed(name.split('.')[:4])), zone, kind)
    if name == 'spam.example.net.dbl.example.org':
        return ['127.0.1.2'] if kind == 'A' else ['spam domain']
    fixed = {
        ('example.org', 'MX'): [(10, 'mx1.example.org')],
        ('example.net', 'MX'): [(10, 'mx.good.example.net')],
        ('spam.example.net', 'A'): ['198.51.100.66'],
        ('mx1.example.org', 'A'): ['192.0.2.25'],
        ('forged.example.net', 'A'): ['192.0.2.99'],
        ('nullmx.example.net', 'MX'): [(0, '')],
    }
    if name == 'trouble.example.net':
        return 'fail'
    if kind == 'TXT' and name in texts:
        return [texts[name]]
    if (name, kind) in fixed:
        return fixed[name, kind]
    return [] if any(n == name for n, _ in fixed) else None


def reverse(address, kind):
    net, _, last = address.rpartition('.')
    if kind != 'PTR' or address.startswith('203.0.113.20'):
        return None
    if address == '203.0.113.210':
        return ['forged.example.net']
    return {'198.51.100': ['host%s.example.net' % last],
            '203.0.113': ['node%s.example.net' % last],
            '192.0.2': ['mx1.example.org']}.get(net)


def listed(address, zone, kind):
    """bl lists 203.0.113.60 to .69, zombies those whose number is even."""
    net, _, last = address.rpartition('.')
    if net != '203.0.113' or not last.isdigit() or not 60 <= int(last) <= 69:
        return None
    if zone.startswith('zombies') and int(last) % 2:
        return None
    return ['127.0.0.2'] if kind == 'A' else ['https://%s/q?ip=%s' % (zone, address)]


def encode_name(name):
    return b''.join(bytes([len(x)]) + x.encode() for x in name.split('.') if x) + b'\0'


def encode(kind, value):
    if kind == 'A':
        return socket.inet_aton(value)
    if kind == 'MX':
        return struct.pack('>H', value[0]) + encode_name(value[1])
    if kind == 'TXT':
        return bytes([len(value)]) + value.encode()
    return encode_name(value)


class Names(socketserver.BaseRequestHandler):
    KINDS = {1: 'A', 12: 'PTR', 15: 'MX', 16: 'TXT'}

    def handle(self):
        query, sock = self.request
        at, labels = 12, []
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode('latin-1').lower())
            at += 1 + query[at]
        question = query[12:at + 5]
        number = struct.unpack('>H', query[at + 1:at + 3])[0]
        kind = self.KINDS.get(number)
        found = records('.'.join(labels), kind)
        code = 2 if found == 'fail' else 3 if found is None else 0
        values = found if isinstance(found, list) and kind else []
        reply = query[:2] + struct.pack('>HHHHH', 0x8580 | code, 1, len(values), 0, 0) + question
        for value in values:
            data = encode(kind, value)
            reply += struct.pack('>HHHIH', 0xc00c, number, 1, 60, len(data)) + data
        sock.sendto(reply, self.client_address)


def first_time(what):
    with lock:
        if what in seen:
            return False
        seen.add(what)
        return True


# --- SMTP and LMTP servers -----------------------------------------------------------
class Smtp(socketserver.StreamRequestHandler):
    """A server that likes everything; the kinds below say what they do not like."""
    hello = ['peer.example.net', '8BITMIME']

    def rcpt(self, address):
        return '250 2.1.5 Ok'

    def message(self, text):
        return ['250 2.0.0 Ok: queued as %s' % self.new_id()]

    def new_id(self):
        with lock:
            counter[0] += 1
            return 'PEER%06d' % counter[0]

    def say(self, *lines):
        for i, line in enumerate(lines):
            if i < len(lines) - 1:
                line = line[:3] + '-' + line[4:]
            self.wfile.write((line + '\r\n').encode('latin-1'))
        self.wfile.flush()

    def handle(self):
        self.reset()
        self.forward = []
        self.say('220 %s ESMTP' % self.hello[0])
        while True:             # STARTTLS changes rfile on the way
            line = self.rfile.readline().decode('latin-1').rstrip('\r\n')
            if not line or self.command(line.split(' ')[0].upper(), line) == 'bye':
                return

    def reset(self):
        self.sender, self.rcpts = '', []

    def command(self, verb, line):
        if verb in ('EHLO', 'LHLO'):
            self.say(*['250 ' + x for x in self.hello])
        elif verb == 'XFORWARD':
            self.forward.append(line)
            self.say('250 2.0.0 Ok')
        elif verb == 'MAIL':
            self.sender = between(line)
            self.say('250 2.1.0 Ok')
        elif verb == 'RCPT':
            reply = self.rcpt(between(line))
            if reply.startswith('2'):
                self.rcpts.append(between(line))
            self.say(reply)
        elif verb == 'DATA':
            return self.data()
        elif verb == 'STARTTLS':
            self.starttls()
        elif verb == 'RSET':
            self.reset()
            self.say('250 2.0.0 Ok')
        elif verb == 'QUIT':
            self.say('221 2.0.0 Bye')
            return 'bye'
        else:
            self.say('250 2.0.0 Ok' if verb in ('HELO', 'NOOP') else '500 5.5.2 What?')

    def data(self):
        if not self.rcpts:
            return self.say('503 5.5.1 No recipients')
        if any(r.startswith('lost') for r in self.rcpts):
            return 'bye'
        self.say('354 Go ahead')
        body = []
        for line in self.rfile:
            if line == b'.\r\n':
                break
            body.append(line)
        for reply in self.message(b''.join(body)):
            self.say(reply)
        self.reset()

    def starttls(self):
        self.say('220 2.0.0 Ready')
        self.request = tls_context.wrap_socket(self.request, server_side=True)
        self.rfile = self.request.makefile('rb')
        self.wfile = self.request.makefile('wb')


def between(line):
    """What stands between the first < and the last > outside of parameters."""
    return line[line.find('<') + 1:line.rfind('>')]


class Peer(Smtp):
    """Refuses by the recipient's local part, in the words that real servers use."""
    SAYS = {
        'full': '452 4.2.2 Mailbox full',
        'gone': '550 5.1.1 User unknown',
        'liar': '550 5.1.1 User unknown, status=sent (250 2.0.0 Ok: queued as 0123456789)',
        'blocked': '554 5.7.1 Service unavailable; client blocked using bl.example.net',
        'quota': '552 5.2.2 Mailbox over quota',
        'tired': '451 4.3.2 System not accepting messages',
    }

    def rcpt(self, address):
        if address.startswith('grey') and first_time(address):
            return '450 4.7.1 Greylisted, please try again later'
        return self.SAYS.get(address.partition('@')[0], '250 2.1.5 Ok')

    def message(self, text):
        if any(r.startswith('spamtrap') for r in self.rcpts):
            return ['554 5.7.1 Message looks like spam']
        return super().message(text)


class TlsPeer(Peer):
    hello = ['peer.example.net', 'STARTTLS', '8BITMIME']


class Lmtp(Smtp):
    def message(self, text):
        return ['452 4.2.2 <%s> Mailbox full' % r if r.startswith('full')
                else '250 2.0.0 <%s> Saved' % r for r in self.rcpts]


class Filter(Smtp):
    """A content filter as Postfix's FILTER_README has it: takes the mail by SMTP with
    XFORWARD, and gives it back on another port, drops it, refuses it, or is broken."""
    hello = ['filter.example.org', 'XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE', '8BITMIME']

    def message(self, text):
        if b'\nSubject: buy' in text:
            return ['250 2.7.0 Ok, discarded, id=%s - spam' % self.new_id()]
        if b'\nSubject: casino' in text:
            return ['554 5.7.1 Message rejected as spam']
        subject = text.partition(b'\nSubject: ')[2].partition(b'\r')[0]
        if subject.startswith(b'busy') and first_time(subject):
            return ['451 4.3.0 Temporary lookup failure']
        return ['250 2.0.0 from MTA(smtp:[127.0.0.1]:10025): ' + self.inject(text)]

    def inject(self, text):
        with socket.create_connection(REINJECT, 10) as s:
            f = s.makefile('rwb')

            def ask(line):
                if line is not None:
                    f.write(line if isinstance(line, bytes) else (line + '\r\n').encode('latin-1'))
                    f.flush()
                while True:
                    reply = f.readline().decode('latin-1').rstrip()
                    if reply[3:4] != '-':
                        return reply
            ask(None)
            ask('EHLO filter.example.org')
            for line in self.forward:
                ask(line)
            ask('MAIL FROM:<%s>' % self.sender)
            for r in self.rcpts:
                ask('RCPT TO:<%s>' % r)
            ask('DATA')
            reply = ask(text + b'.\r\n')
            ask('QUIT')
            return reply


# --- policy, passwords, milter ---------------------------------------------------------
class Policy(socketserver.StreamRequestHandler):
    SAYS = {
        'spf': '550 5.7.23 Message rejected due to: SPF fail - not authorized',
        'mayday': 'DEFER_IF_PERMIT 4.3.0 Temporary lookup failure',
        'watched': 'WARN policy is watching',
        'marked': 'PREPEND X-Policy: seen',
    }

    def handle(self):
        ask = {}
        for line in self.rfile:
            line = line.decode('latin-1').rstrip('\n')
            if line:
                key, _, value = line.partition('=')
                ask[key] = value
                continue
            self.wfile.write(('action=%s\n\n' % self.decide(ask)).encode())
            ask = {}

    def decide(self, ask):
        local = ask['recipient'].partition('@')[0]
        if local == 'grey':
            triplet = (ask['client_address'], ask['sender'], ask['recipient'])
            if first_time(triplet):
                return '450 4.2.0 Greylisted, see http://grey.example.org/'
        return self.SAYS.get(local, 'DUNNO')


class Passwords(socketserver.StreamRequestHandler):
    """Dovecot's authentication protocol with one mechanism: "secret" is always right."""

    def handle(self):
        self.wfile.write(b'VERSION\t1\t2\nMECH\tPLAIN\tplaintext\nSPID\t1\nCUID\t1\n'
                         b'COOKIE\t00\nDONE\n')
        for line in self.rfile:
            field = line.decode().rstrip('\n').split('\t')
            if field[0] != 'AUTH':
                continue
            resp = [f[5:] for f in field if f.startswith('resp=')][0]
            _, user, password = base64.b64decode(resp).decode().split('\0')
            word = 'OK' if password == 'secret' else 'FAIL'
            self.wfile.write(('%s\t%s\tuser=%s\n' % (word, field[1], user)).encode())


class Milter(socketserver.StreamRequestHandler):
    """The milter protocol, version 6: go on until the end of the message, then do as
    the recipient's local part says."""

    def packet(self, data):
        self.wfile.write(struct.pack('>I', len(data)) + data)

    def handle(self):
        rcpt = b''
        while True:
            head = self.rfile.read(4)
            if len(head) < 4:
                return
            data = self.rfile.read(struct.unpack('>I', head)[0])
            verb = data[:1]
            if verb == b'O':
                self.packet(b'O' + struct.pack('>III', 6, 0x20, 0))     # may quarantine
            elif verb == b'R':
                rcpt = data[1:].partition(b'\0')[0].strip(b'<>').partition(b'@')[0]
                self.packet(b'c')
            elif verb == b'E':
                self.verdict(rcpt)
            elif verb == b'Q':
                return
            elif verb not in (b'D', b'A'):      # macros and aborts are not answered
                self.packet(b'c')

    def verdict(self, rcpt):
        if rcpt == b'ill':
            self.packet(b'y554 5.7.1 Infected: Test.Virus found\0')
        elif rcpt == b'later':
            self.packet(b'y451 4.3.0 Scanner unavailable\0')
        elif rcpt == b'gone':
            self.packet(b'd')
        else:
            if rcpt == b'jailed':
                self.packet(b'qquarantined by the lab\0')
            self.packet(b'a')


counter, lock, seen, texts = [0], threading.Lock(), set(), {}
tls_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)


def main():
    tls_context.load_cert_chain(CERT)
    if TEXTS:
        texts.update(line.rstrip('\n').split(' ', 1) for line in open(TEXTS))
    names = socketserver.ThreadingUDPServer(('127.0.0.1', 53), Names)
    servers = [names] + [Server(address, kind) for address, kind in (
        (('203.0.113.105', 25), Peer), (('203.0.113.106', 25), TlsPeer),
        (('127.0.0.1', 2424), Lmtp), (('127.0.0.1', 10024), Filter),
        (('127.0.0.1', 10031), Policy), (('127.0.0.1', 12345), Passwords),
        (('127.0.0.1', 8891), Milter)) if str(address[1]) not in sys.argv[1:]]
    for server in servers:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    print('ready', flush=True)
    sys.stdin.read()


main()
