#!/usr/bin/python3
"""mysql.py DIR - a MySQL or MariaDB server on loopback that answers what the files of DIR say.

DIR/version: what it calls itself. DIR/q.WORD: the answer to a query in which WORD ("replica", "variable",
"status", "position", "heartbeat", "member", "counts" ...) is meant, as the client's \\G shows rows; no
file: no rows. A file that begins with "!" is a fault: "!error NUMBER TEXT", "!hang", "!close", "!garbage",
"!flood" (rows without end), "!wide" (65,000 columns). DIR/hello: a fault instead of the greeting: "!hang",
"!garbage", "!dribble", "!clear" (asks for the password as it is), "!error NUMBER TEXT".
Where it listens stands in DIR/port. All queries are written to DIR/asked. Ends with its standard input."""
import struct, sys, time

sys.dont_write_bytecode = True
import serve

WORDS = [('SHOW ALL SLAVES', 'replica'), ('SHOW SLAVE', 'oldreplica'), ('SHOW REPLICA', 'newreplica'),
         ('SHOW GLOBAL VARIABLES', 'variable'), ('SHOW GLOBAL STATUS', 'status'), ('SHOW MASTER', 'position'),
         ('SHOW BINARY', 'newposition'), ('Gtid', 'gtid'), ('replication_connection', 'connection'),
         ('group_members', 'member'), ('PROCESSLIST', 'counts'), ('TIMESTAMPDIFF', 'heartbeat')]


def lenenc(b):
    n = len(b)
    return (bytes([n]) if n < 251 else b'\xfc' + struct.pack('<H', n)) + b


class Session:
    FAULTS = ('flood', 'wide')

    def __init__(self, sock):
        self.sock, self.seq = sock, 0

    def send(self, body):
        self.sock.sendall(struct.pack('<I', len(body))[:3] + bytes([self.seq & 255]) + body)
        self.seq += 1

    def get(self):
        head = serve.exactly(self.sock, 4)
        body = serve.exactly(self.sock, head[0] | head[1] << 8 | head[2] << 16)
        self.seq = head[3] + 1
        return body

    def ok(self):
        self.send(b'\0\0\0\2\0\0\0')

    def error(self, text):
        number, words = text.split(None, 1)
        self.send(b'\xff' + struct.pack('<H', int(number)) + b'#HY000' + words.strip().encode())

    def eof(self):
        self.send(b'\xfe\0\0\2\0')

    def columns(self, names):
        self.send(bytes([len(names)]) if len(names) < 251 else b'\xfc' + struct.pack('<H', len(names)))
        for name in names:
            self.send(lenenc(b'def') + lenenc(b'') * 3 + lenenc(name.encode()) + lenenc(b'') +
                      b'\x0c' + struct.pack('<HIBHBH', 45, 4000, 253, 0, 0, 0))
        self.eof()

    def rows(self, text):
        rows = []
        for line in text.splitlines():
            if line.startswith('****'):
                rows.append([])
            elif ':' in line and rows:
                rows[-1].append([p.strip() for p in line.split(':', 1)])
            elif rows and rows[-1]:
                rows[-1][-1][1] += '\n' + line
        if not rows:
            rows_of = [['x', '']]
        else:
            rows_of = rows[0]
        self.columns([n for n, _ in rows_of])
        for row in rows:
            self.send(b''.join(b'\xfb' if v == 'NULL' else lenenc(v.encode()) for _, v in row))
        self.eof()

    def flood(self):
        self.columns(['x'])
        while True:
            self.send(lenenc(b'y' * 60000))

    def wide(self):
        self.columns(['c%d' % i for i in range(65000)])
        self.send(lenenc(b'z') * 65000)
        self.eof()

    def hello(self):
        text = serve.read('hello').strip()
        body = b'\x0a' + (serve.read('version').strip() or '5.5.5-10.11.19-MariaDB').encode() + b'\0' + \
            struct.pack('<I', 7) + b'12345678\0' + struct.pack('<HBHHB', 0xf7df & ~0x800, 45, 2, 0x81ff, 21) + \
            b'\0' * 10 + b'123456789012\0mysql_native_password\0'
        if text == '!dribble':
            for byte in struct.pack('<I', len(body))[:3] + b'\0' + body:
                self.sock.sendall(bytes([byte]))
                time.sleep(0.5)
        elif text.startswith('!') and text != '!clear':
            serve.fault(self, text)
        self.send(body)
        self.get()
        if text == '!clear':
            self.send(b'\xfemysql_clear_password\0')
            password = self.get()
            serve.note('leaked', repr(password))
        self.ok()

    def serve(self):
        self.hello()
        while True:
            body = self.get()
            if body[:1] != b'\x03':
                return
            sql = body[1:].decode()
            serve.note('asked', sql)
            text = next((serve.read('q.' + w) for key, w in WORDS if key in sql), None)
            if text is None:
                self.ok()
            elif text.startswith('!'):
                serve.fault(self, text)
            else:
                self.rows(text)


serve.serve(Session)
