#!/usr/bin/python3
"""smtp.py DIR - mail servers with every fault, each on a port of its own on loopback.

Writes DIR/ports ("NAME PORT" lines) when all listen, and what clients said to
DIR/said.NAME. With DIR/good.pem and the like (made by tests/fake/certs.sh) the servers
with TLS are there, too. Ends when its standard input ends."""
import base64, hashlib, hmac, os, socket, ssl, sys, threading, time, warnings

DIR = sys.argv[1]


class Hangup(Exception):
    pass


class Client:
    """One connection: lines in, bytes out, all that was said in a file."""

    def __init__(self, sock, name):
        self.sock, self.name, self.buf = sock, name, b''

    def note(self, what):
        with open(f'{DIR}/said.{self.name}', 'ab') as f:
            f.write(what + b'\n')

    def fill(self):
        piece = self.sock.recv(65536)
        if not piece:
            raise Hangup()
        self.buf += piece

    def line(self):
        while b'\r\n' not in self.buf:
            self.fill()
        if self.buf.startswith(b'\x16\x03'):    # TLS, where none was asked for: no line, though its
            raise Hangup()                      # random bytes may have the end of one
        line, self.buf = self.buf.split(b'\r\n', 1)
        if b'\n' in line or b'\r' in line:
            self.note(b'BARE LINE END')
        self.note(line)
        return line.decode('utf-8', 'replace')

    def take(self, n):
        while len(self.buf) < n:
            self.fill()
        data, self.buf = self.buf[:n], self.buf[n:]
        return data

    def say(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode() + b'\r\n')

    def alone(self, what):
        """Without PIPELINING nothing may follow a command."""
        if self.buf:
            self.note(b'TALKS AHEAD AFTER ' + what.encode())

    def tls(self, pem):
        self.sock = CONTEXT[pem].wrap_socket(self.sock, server_side=True)


def make_context(pem):
    """Made before anybody asks, as servers do: clients are measured against it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(f'{DIR}/{pem}.pem')
    if pem == 'old':
        context.set_ciphers('ALL:@SECLEVEL=0')
        warnings.simplefilter("ignore")
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1
    return context


CONTEXT = {pem: make_context(pem) for pem in ('good', 'rsa', 'self', 'expired', 'later', 'other', 'old', 'soon')
           if os.path.exists(f'{DIR}/{pem}.pem')}


def scram(c, user, password):
    """The server's side of SCRAM-SHA-256, from the first message on."""
    def h(key, data):
        return hmac.new(key, data, hashlib.sha256).digest()
    first = base64.b64decode(c.said.split()[2])
    bare = first.split(b',', 2)[2]
    nonce = bare.split(b'r=')[1] + b'server'
    salt = b'saltsalt'
    server_first = b'r=' + nonce + b',s=' + base64.b64encode(salt) + b',i=4096'
    c.say('334 ' + base64.b64encode(server_first).decode())
    final = base64.b64decode(c.line())
    without, proof = final.rsplit(b',p=', 1)
    salted = hashlib.pbkdf2_hmac('sha256', password.encode(), salt, 4096)
    client_key = h(salted, b'Client Key')
    auth = bare + b',' + server_first + b',' + without
    sign = h(hashlib.sha256(client_key).digest(), auth)
    if bytes(a ^ b for a, b in zip(base64.b64decode(proof), sign)) != client_key:
        return False
    verdict = b'v=' + base64.b64encode(h(h(salted, b'Server Key'), auth))
    if c.name == 'scramliar':
        verdict = b'v=' + base64.b64encode(b'x' * 32)
    c.say('334 ' + base64.b64encode(verdict).decode())
    return c.line() == '' and bare.startswith(b'n=' + user.encode() + b',')


def login(c, user='probe', password='s3cret'):
    """AUTH; who is in gets 235."""
    word = c.said.split()
    mech = word[1].upper()
    good = False
    if mech == 'PLAIN':
        good = base64.b64decode(word[2]) == f'\0{user}\0{password}'.encode()
    elif mech == 'LOGIN':
        c.say('334 VXNlcm5hbWU6')
        good = base64.b64decode(c.line()) == user.encode()
        c.say('334 UGFzc3dvcmQ6')
        good = base64.b64decode(c.line()) == password.encode() and good
    elif mech == 'CRAM-MD5':
        challenge = b'<1.2@mx1.example.org>'
        c.say('334 ' + base64.b64encode(challenge).decode())
        want = user + ' ' + hmac.new(password.encode(), challenge, 'md5').hexdigest()
        good = base64.b64decode(c.line()) == want.encode()
    elif mech == 'SCRAM-SHA-256':
        good = scram(c, user, password)
    c.say('235 2.7.0 in' if good else '535 5.7.8 wrong password')


def serve(c, banner='220 mx1.example.org ESMTP', ext=(), replies=None, delay=None, lmtp=False, pem=None,
          before=None):
    """A server that behaves, but for what replies (command -> text) and delay (-> s) say."""
    replies, delay, ext = replies or {}, delay or {}, list(ext)
    piped, rcpts = 'PIPELINING' in ext, 0
    if before:
        before(c)
    time.sleep(delay.get('BANNER', 0))
    c.say(banner)
    while True:
        line = c.said = c.line()
        verb = line.split(' ')[0].split(':')[0].upper()
        if not piped and verb != 'BDAT':
            c.alone(verb)
        time.sleep(delay.get(verb, 0))
        if verb in replies:
            c.say(replies[verb])
            if replies[verb][:3] in ('421',):
                raise Hangup()
        elif verb in ('EHLO', 'LHLO'):
            if (verb == 'LHLO') != lmtp:
                c.say('500 5.5.1 unknown')
                continue
            lines = ['mx1.example.org'] + ext
            c.say('\r\n'.join('250%s%s' % ('-' if i < len(lines) - 1 else ' ', t)
                              for i, t in enumerate(lines)))
        elif verb == 'STARTTLS':
            c.say('220 2.0.0 go')
            c.tls(pem)
            ext = [x for x in ext if x != 'STARTTLS'] + ['AUTH PLAIN LOGIN']
        elif verb == 'AUTH':
            login(c)
        elif verb == 'XCLIENT':
            c.say(banner)
        elif verb == 'RCPT':
            rcpts += 1
            c.say('250 2.1.5 ok')
        elif verb == 'DATA':
            c.say('354 go')
            while True:
                text = c.line()
                if text == '.':
                    break
            for i in range(rcpts if lmtp else 1):
                time.sleep(delay.get('BODY', 0))
                c.say(replies.get('BODY', '250 2.0.0 queued as 4ABC'))
        elif verb == 'BDAT':
            c.note(c.take(int(line.split()[1])))
            c.say(replies.get('BODY', '250 2.0.0 queued as 4BDA'))
        elif verb == 'QUIT':
            c.say('221 2.0.0 bye')
            raise Hangup()
        else:
            c.say('250 2.0.0 ok')


def raw(*steps, pause=0.02):
    """Bytes, one after the other; a number: wait so long; None: wait for a line."""
    def run(c):
        for s in steps:
            if s is None:
                c.line()
            elif isinstance(s, (int, float)):
                time.sleep(s)
            else:
                c.say(s)
                time.sleep(pause)
    return run


def drip(c):
    for b in b'220 mx1.example.org ESMTP, a very slow server indeed, that talks for ever\r\n':
        c.say(bytes([b]))
        time.sleep(0.2)


def starttls_then(what):
    def run(c):
        c.say('220 mx1.example.org ESMTP')
        c.line()
        c.say('250-mx1.example.org\r\n250 STARTTLS')
        c.line()
        c.say(what)
        time.sleep(0.5)
        c.fill()
        time.sleep(20)
    return run


def tls_first(pem):
    def run(c):
        c.tls(pem)
        serve(c, ext=['AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256'])
    return run


def proxied(c):
    """A header of version 1 or 2 comes first."""
    while len(c.buf) < 16:
        c.fill()
    if c.buf.startswith(b'\r\n\r\n\0\r\nQUIT\n'):
        head = c.take(16)
        n = head[14] * 256 + head[15]
        c.note(b'PROXY2 %02x %02x ' % (head[12], head[13]) + c.take(n).hex().encode())
    elif not c.line().startswith('PROXY TCP'):
        raise Hangup()


def normal(**args):
    return lambda c: serve(c, **args)


PIPE = ['PIPELINING', 'SIZE 10240000', 'ENHANCEDSTATUSCODES', '8BITMIME']
LOGINS = ['AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-256 XOAUTH2']
SERVERS = {
    'good': normal(),
    'pipe': normal(ext=PIPE),
    'chunk': normal(ext=PIPE + ['CHUNKING']),
    'lmtp': normal(ext=PIPE, lmtp=True),
    'teaser': normal(banner='220-one moment, please\r\n220 mx1.example.org ESMTP'),
    'slowbanner': normal(delay={'BANNER': 0.5}),
    'slowfilter': normal(ext=PIPE, delay={'BODY': 0.6}),
    'slowrcpt': normal(ext=PIPE, delay={'RCPT': 0.4}),
    'b421': raw('421 4.7.0 mx1.example.org too many connections'),
    'b421multi': raw('421-4.7.0 too many\r\n421 4.7.0 connections'),
    'b554': raw('554 5.3.2 no service here', None),
    'fake220': raw('450 4.7.1 220 fake', None),
    'b250': raw('250 hello', None),
    'ehlo550': normal(replies={'EHLO': '550 5.7.1 go away'}),
    'ehlo502': normal(replies={'EHLO': '502 5.5.1 no'}),
    'mail530': normal(replies={'MAIL': '530 5.7.0 must issue a STARTTLS command first'}),
    'rcpt550': normal(ext=PIPE, replies={'RCPT': '550 5.1.1 user unknown'}),
    'rcptgrey': normal(replies={'RCPT': '450 4.2.0 <a@example.org>: Greylisted, see elsewhere'}),
    'milteraway': normal(replies={'MAIL': '451 4.7.1 Service unavailable - try again later'}),
    'rcpt451': normal(replies={'RCPT': '451 4.3.5 server configuration error'}),
    'rcpt421': normal(replies={'RCPT': '421 4.3.2 system going down'}),
    'data451': normal(replies={'DATA': '451 4.3.0 try later'}),
    'virus': normal(ext=PIPE, replies={'BODY': '554 5.7.1 virus found'}),
    'body452': normal(replies={'BODY': '452 4.3.1 disk full'}),
    'noquit': lambda c: (raw('220 mx1', None, '250 mx1', None)(c)),
    'quit500': normal(replies={'QUIT': '500 5.5.1 what'}),
    'silent': raw(30),
    'closes': raw(),
    'half': raw(b'220 mx1.exam'),
    'halfwait': raw(b'220-mx1.example.org\r\n220 ha', 30),
    'drip': drip,
    'nonsense': raw('SSH-2.0-OpenSSH_9.2', None),
    'codes': raw('220-mx1\r\n250 mx1', None),
    'flood': raw(b'220-' + b'x' * 500 + b'\r\n' + b''.join(b'220-%d\r\n' % i for i in range(20000)), None),
    'longline': raw(b'220 ' + b'y' * 100000, None),
    'unasked': raw('220 mx1.example.org\r\n250 before you ask', None),
    'late421': raw('220 mx1.example.org\r\n421 4.4.2 idle', None),
    'hostile': raw(b'220 mx1 | x=1 \x1b[31mred\x1b[0m \x07 <script>alert(1)</script> \xff\xfe `id` $(id) &amp;\r\n',
                   None, b'250-mx1\x00\x1b]0;t\x07\r\n250 |SIZE|\r\n', None, '221 bye'),
    'hostile554': raw(b'554 | x=1 \x1b[31mred <script> \xff "quoted" \\ ' + b'z' * 60000 + b'\r\n', None),
    'nul': raw(b'220 a\0b\r\n', None, b'250 a\r\n', None, '221 bye'),
    'barelf': raw(b'220 mx1\n', None, b'250 mx1\n', None, b'221 bye\n'),
    'nostarttls': normal(ext=PIPE),
    'tls454': normal(ext=['STARTTLS'], replies={'STARTTLS': '454 4.7.0 TLS not available'}),
    'inject': starttls_then(b'220 go\r\n250 injected\r\n'),
    'garbage': starttls_then(b'220 go\r\n'),
    'tlssilent': starttls_then(b'220 go\r\n'),
    'auth': normal(ext=LOGINS),
    'authplain': normal(ext=['AUTH PLAIN', 'AUTH=LOGIN']),
    'scramliar': normal(ext=['AUTH SCRAM-SHA-256']),
    'scramgreedy': lambda c: raw('220 mx1', None, '250-mx1\r\n250 AUTH SCRAM-SHA-256', None,
                                 '334 ' + base64.b64encode(b'r=x,s=YWJj,i=999999999').decode(), None,
                                 '501 no', None, '221 bye')(c),
    'authodd': lambda c: raw('220 mx1', None, '250-mx1\r\n250 AUTH CRAM-MD5', None, '334 %%%not base64%%%',
                             None, '501 no', None, '221 bye')(c),
    'xclient': normal(ext=['XCLIENT NAME ADDR']),
    'proxy': normal(before=proxied),
    'utf8': normal(ext=['SMTPUTF8', '8BITMIME']),
}


def garbage(c):
    c.say('220 mx1.example.org ESMTP')
    c.line()
    c.say('250-mx1.example.org\r\n250 STARTTLS')
    c.line()
    c.say('220 go')
    c.fill()
    c.say('HTTP/1.1 400 Bad Request')
    time.sleep(1)


SERVERS['garbage'] = garbage
for pem in ('good', 'self', 'expired', 'later', 'other', 'old', 'soon'):
    if pem in CONTEXT:
        SERVERS[f'tls.{pem}'] = normal(ext=PIPE + ['STARTTLS'], pem=pem)
        SERVERS[f'smtps.{pem}'] = tls_first(pem)


def connection(sock, name):
    try:
        SERVERS[name](Client(sock, name))
    except (Hangup, OSError, ValueError, IndexError) as e:
        if not isinstance(e, Hangup):
            Client(sock, name).note(b'TROUBLE ' + repr(e).encode())
    finally:
        sock.close()


def listen(sock, name):
    while True:
        c, _ = sock.accept()
        if c.family == socket.AF_INET:
            c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=connection, args=(c, name), daemon=True).start()


def farm(c):
    """The servers of a farm, one port on 127.0.0.1 to .4; the third is slow, the fourth refuses."""
    last = c.sock.getsockname()[0].split('.')[-1]
    if last == '4':
        c.say('554 5.3.2 the fourth')
        return
    serve(c, ext=PIPE + ['STARTTLS'], pem='good', delay={'BANNER': 0.4 if last == '3' else 0})


def start_farm(ports):
    while True:
        socks = [socket.socket() for _ in range(4)]
        try:
            for i, s in enumerate(socks):
                s.bind((f'127.0.0.{i + 1}', socks[0].getsockname()[1] if i else 0))
            break
        except OSError:
            [s.close() for s in socks]
    ports.write(f'farm {socks[0].getsockname()[1]}\n')
    for s in socks:
        s.listen(64)
        threading.Thread(target=listen, args=(s, 'farm'), daemon=True).start()


def start(name, ports):
    s = socket.socket(socket.AF_UNIX if name.endswith('.unix') else
                      socket.AF_INET6 if name == 'six' else socket.AF_INET)
    if name == 'six':
        try:
            s.bind(('::1', 0))
        except OSError:
            return              # a machine without IPv6
        ports.write(f'{name} {s.getsockname()[1]}\n')
    elif name.endswith('.unix'):
        s.bind(f'{DIR}/lmtp.sock')
    else:
        s.bind(('127.0.0.1', 0))
        ports.write(f'{name} {s.getsockname()[1]}\n')
    s.listen(64)
    threading.Thread(target=listen, args=(s, name), daemon=True).start()


SERVERS['six'] = normal(ext=PIPE)
SERVERS['lmtp.unix'] = normal(ext=PIPE, lmtp=True)
with open(f'{DIR}/ports.new', 'w') as ports:
    for name in SERVERS:
        start(name, ports)
    SERVERS['farm'] = farm
    start_farm(ports)
    full = socket.socket()         # the kernel answers, nobody accepts
    full.bind(('127.0.0.1', 0))
    full.listen(1)
    ports.write(f'busy {full.getsockname()[1]}\n')
os.rename(f'{DIR}/ports.new', f'{DIR}/ports')
sys.stdin.read()
