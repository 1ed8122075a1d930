#!/usr/bin/python3
"""mx.py DIR - the MX of example.org on 127.0.0.1 to .4, one port for all, each with rules of its own.

DIR/rules is read at each connection; a line is "N WHAT REPLY" for the server on 127.0.0.N:
  N PROBE REPLY   what it says to helo-word, helo-own, sender-word, sender-own, sender-nodomain,
                  unknown-rcpt, relay, and to any RCPT (ordinary); "!close" hangs up, "!silent" waits
  N banner REPLY, N ext WORD..., N tls PEM, N slow SECONDS (before each reply), N burst MOST (421 when
                  more connections stand)
Everything else is accepted. Writes DIR/port, and DIR/said.N. Ends when its standard input ends."""
import os, re, socket, ssl, sys, threading, time

DIR = sys.argv[1]
standing = {}
lock = threading.Lock()


class Hangup(Exception):
    pass


def rules(n):
    with open(f'{DIR}/rules') as f:
        for line in f:
            part = line.rstrip('\n').split(' ', 2)
            if part[0] == n:
                yield part[1], part[2]


def probe_of(verb, line, n):
    """Which probe this command is of."""
    line = line.lower()
    address = re.search('<(.*)>', line)
    domain = address.group(1).split('@')[-1] if address else ''
    if verb == 'EHLO':
        name = line[5:]
        if name.endswith('.example.org') and name.startswith('mx'):
            return 'helo-own'
        return 'helo-word' if '.' not in name else None
    if verb == 'MAIL' and domain:
        return 'sender-own' if domain == 'example.org' else 'sender-nodomain' if \
            domain.endswith('.invalid') else 'sender-word' if '.' not in domain else None
    if verb == 'RCPT':
        return 'relay' if domain != 'example.org' else 'unknown-rcpt' if 'no-such' in line else 'ordinary'


class Server:
    def __init__(self, sock, n):
        self.sock, self.n, self.rule = sock, n, dict(rules(n))
        self.file = sock.makefile('rb')

    def say(self, text):
        if text == '!close':
            raise Hangup()
        if text == '!silent':
            time.sleep(30)
        time.sleep(float(self.rule.get('slow', 0)))
        self.sock.sendall(text.encode('latin-1') + b'\r\n')

    def ehlo(self):
        words = [f'mx{self.n}.example.org'] + self.rule.get('ext', 'PIPELINING,SIZE 10240000').split(',')
        if 'tls' in self.rule and not isinstance(self.sock, ssl.SSLSocket):
            words.append('STARTTLS')
        self.say('\r\n'.join(f'250{"-" if i < len(words) - 1 else " "}{w}' for i, w in enumerate(words)))

    def starttls(self):
        self.say('220 go')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f'{DIR}/{self.rule["tls"]}.pem')
        if self.rule.get('tls-most') == '1.2':
            context.maximum_version = ssl.TLSVersion.TLSv1_2
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile('rb')

    def talk(self):
        with lock:
            many = standing[self.n] > int(self.rule.get('burst', 1000))
        self.say('421 4.7.0 too many' if many else self.rule.get('banner', f'220 mx{self.n}.example.org'))
        if many:
            return
        while True:
            line = self.file.readline().decode('latin-1').rstrip('\r\n')
            if not line:
                return
            with open(f'{DIR}/said.{self.n}', 'a') as f:
                f.write(line + '\n')
            verb = line.split(' ')[0].upper()
            probe = probe_of(verb, line, self.n)
            if probe in self.rule:
                self.say(self.rule[probe])
            elif verb == 'EHLO':
                self.ehlo()
            elif verb == 'STARTTLS' and 'starttls' not in self.rule:
                self.starttls()
            else:
                self.say(self.rule.get(verb.lower(), '221 bye' if verb == 'QUIT' else
                                       '354 go' if verb == 'DATA' else '250 2.0.0 ok'))
                if verb == 'QUIT':
                    return


def connection(sock, n):
    with lock:
        standing[n] = standing.get(n, 0) + 1
    try:
        Server(sock, n).talk()
    except (Hangup, OSError):
        pass
    finally:
        with lock:
            standing[n] -= 1
        # makefile() keeps the connection open
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


def listen(sock, n):
    while True:
        c, _ = sock.accept()
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=connection, args=(c, n), daemon=True).start()


while True:
    socks = [socket.socket() for _ in range(4)]
    try:
        for i, s in enumerate(socks):
            s.bind((f'127.0.0.{i + 1}', socks[0].getsockname()[1] if i else 0))
        break
    except OSError:
        [s.close() for s in socks]
for i, s in enumerate(socks):
    s.listen(64)
    threading.Thread(target=listen, args=(s, str(i + 1)), daemon=True).start()
with open(f'{DIR}/port.new', 'w') as f:
    f.write(str(socks[0].getsockname()[1]))
os.rename(f'{DIR}/port.new', f'{DIR}/port')
sys.stdin.read()
