#!/usr/bin/python3
"""ldap.py DIR - a directory on loopback whose answers are in the files of DIR.

DIR/csn: a value of contextCSN (or nsds50ruv) each line; DIR/agreements: "CN HOST STATUS" each line. A file that
begins with "!" is a fault: "!error NUMBER TEXT", "!hang", "!close", "!garbage", "!flood" (entries without
end), "!length" (an answer of 4 GB is announced). DIR/login: a fault in place of the answer to the login. Where it
listens stands in DIR/port. Ends with its standard input."""
import struct, sys, time

sys.dont_write_bytecode = True
import serve


def ber(tag, *parts):
    body = b''.join(parts)
    n = len(body)
    return bytes([tag]) + (bytes([n]) if n < 128 else b'\x84' + struct.pack('>I', n)) + body


def text(s):
    return ber(4, s.encode())


class Session:
    def __init__(self, sock):
        self.sock = sock

    def exactly(self, n):
        return serve.exactly(self.sock, n)

    def message(self):
        n = self.exactly(2)[1]
        if n & 128:
            n = int.from_bytes(self.exactly(n & 127), 'big')
        body = self.exactly(n)
        at = 2 + body[1]
        return body[2:at], body[at], body

    def send(self, number, tag, *parts):
        self.sock.sendall(ber(0x30, ber(2, number), ber(tag, *parts)))

    def result(self, number, tag, code=0, words=''):
        self.send(number, tag, ber(10, bytes([code])), text(''), text(words))

    def entry(self, number, dn, attributes):
        self.send(number, 0x64, text(dn), ber(0x30, *(
            ber(0x30, text(name), ber(0x31, *map(text, values))) for name, values in attributes)))

    def fault(self, number, tag, what):
        kind, _, rest = what[1:].strip().partition(' ')
        if kind == 'error':
            code, words = rest.split(None, 1)
            self.result(number, tag, int(code), words)
        elif kind == 'hang':
            time.sleep(60)
        elif kind == 'garbage':
            self.sock.sendall(b'HTTP/1.1 400 Bad Request\r\n\r\n' * 50)
        elif kind == 'length':
            self.sock.sendall(b'\x30\x84\xff\xff\xff\xf0\x02\x01' + number)
            time.sleep(60)
        elif kind == 'flood':
            while True:
                self.entry(number, 'dc=example', [('contextCSN', ['x' * 60000])])
        if kind != 'error':
            sys.exit()

    def serve(self):
        while True:
            number, op, body = self.message()
            if op == 0x60:
                if serve.read('login').startswith('!'):
                    self.fault(number, 0x61, serve.read('login'))
                else:
                    self.result(number, 0x61)
            elif op == 0x63:
                of = 'agreements' if b'nsds5replicationagreement' in body else 'csn'
                what = serve.read(of)
                if what.startswith('!'):
                    self.fault(number, 0x65, what)
                    continue
                if of == 'csn':
                    name = 'nsds50ruv' if b'nsds50ruv' in body else 'contextCSN'
                    self.entry(number, 'dc=example,dc=org', [(name, what.splitlines())] if what else [])
                else:
                    for line in what.splitlines():
                        cn, host, status = line.split(None, 2)
                        self.entry(number, 'cn=%s,cn=config' % cn, [('cn', [cn]), ('nsDS5ReplicaHost', [host]),
                                                                     ('nsds5replicaLastUpdateStatus', [status])])
                self.result(number, 0x65)
            elif op == 0x77:
                self.result(number, 0x78, 2, 'no such extension')
            else:
                return


serve.serve(Session)
