#!/usr/bin/python3
"""pgsql.py DIR - a PostgreSQL server on loopback that answers what the files of DIR say.

DIR/version: its number. DIR/q.TABLE: the answer to the query that the check makes for that table ("self",
"receiver", "standby", "slot", "subscription", "again"), rows as "NAME: VALUE" lines behind a line of
asterisks; VALUE NULL is NULL; no file: no rows. A file that begins with "!" is a fault: "!error CODE TEXT", "!hang",
"!close", "!garbage", "!flood". DIR/hello: a fault in place of the greeting, or "!clear": it asks for the
password as it is. Where it listens stands in DIR/port. Ends with its standard input."""
import struct, sys, time

sys.dont_write_bytecode = True
import serve

WORDS = [('AS sync_names', 'self'), ('pg_sleep', 'pause'), ('pg_stat_wal_receiver', 'receiver'),
         ('pg_stat_replication', 'standby'), ('pg_replication_slots', 'slot'),
         ('pg_subscription', 'subscription'), ('pg_last_wal_replay_lsn', 'again')]


class Session:
    FAULTS = ('flood',)

    def __init__(self, sock):
        self.sock = sock

    def send(self, kind, body):
        self.sock.sendall(kind + struct.pack('>I', len(body) + 4) + body)

    def exactly(self, n):
        return serve.exactly(self.sock, n)

    def message(self, kind=True):
        kind = self.exactly(1) if kind else b''
        return kind, self.exactly(struct.unpack('>I', self.exactly(4))[0] - 4)

    def error(self, text):
        code, words = text.split(None, 1)
        self.send(b'E', b'SERROR\0C' + code.encode() + b'\0M' + words.strip().encode() + b'\0\0')

    def rows(self, text):
        rows = []
        for line in text.splitlines():
            if line.startswith('****'):
                rows.append([])
            elif ':' in line:
                rows[-1].append([p.strip() for p in line.split(':', 1)])
        names = [n for n, _ in rows[0]] if rows else ['x']
        self.send(b'T', struct.pack('>H', len(names)) + b''.join(
            n.encode() + b'\0' + struct.pack('>IHIhih', 0, 0, 25, -1, -1, 0) for n in names))
        for row in rows:
            self.send(b'D', struct.pack('>H', len(row)) + b''.join(
                struct.pack('>i', -1) if v == 'NULL' else struct.pack('>i', len(v.encode())) + v.encode()
                for _, v in row))
        self.send(b'C', b'SELECT 1\0')

    def flood(self):
        self.send(b'T', struct.pack('>H', 1) + b'x\0' + struct.pack('>IHIhih', 0, 0, 25, -1, -1, 0))
        while True:
            self.send(b'D', struct.pack('>Hi', 1, 60000) + b'y' * 60000)

    def hello(self):
        kind, body = self.message(False)
        while len(body) == 4:           # TLS, GSS: no
            self.sock.sendall(b'N')
            kind, body = self.message(False)
        text = serve.read('hello').strip()
        if text == '!clear':
            self.send(b'R', struct.pack('>I', 3))
            self.message()
        elif text == '!dribble':
            for byte in b'R\0\0\0\x08\0\0\0\0' * 10:
                self.sock.sendall(bytes([byte]))
                time.sleep(0.5)
        elif text:
            serve.fault(self, text)
        self.send(b'R', struct.pack('>I', 0))
        self.send(b'S', b'server_version\0' + (serve.read('version').strip() or '15.18').encode() + b'\0')
        self.send(b'Z', b'I')

    def serve(self):
        self.hello()
        while True:
            kind, body = self.message()
            if kind != b'Q':
                return
            sql = body.decode()
            serve.note('asked', sql)
            text = serve.read('q.' + next(w for key, w in WORDS if key in sql))
            if text.startswith('!'):
                serve.fault(self, text)
            else:
                self.rows(text)
            self.send(b'Z', b'I')


serve.serve(Session)
