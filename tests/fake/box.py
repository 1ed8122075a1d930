#!/usr/bin/python3
"""box.py DIR - mailbox servers of every sort on loopback, and the mail server that fills them.

"smtp" takes mail for NAME@example.org into the mailbox of the server NAME: at once, or when DIR/release.NAME
is there (held), into its folder Unwanted (junked), never (dropped). Users are NAME@example.org, the password is
s3cret. Writes DIR/ports ("NAME PORT") when all listen, and what clients said to DIR/said.NAME. With the
certificates of certs.sh. Ends when its standard input ends."""
import os, re, socket, ssl, sys, threading, time

DIR = sys.argv[1]
lock = threading.RLock()


class Hangup(Exception):
    pass


class Box:
    """Messages of one mailbox: [folder, uid, flags, header]."""

    def __init__(self, name):
        self.name, self.mail, self.next, self.held = name, [], 1, []

    def add(self, folder, head):
        with lock:
            self.mail.append([folder, self.next, set(), head])
            self.next += 1

    def take(self, head):
        if self.name == 'held' and not os.path.exists(f'{DIR}/release.{self.name}'):
            self.held.append(head)
        elif self.name != 'dropped':
            self.add('Unwanted' if self.name == 'junked' else 'INBOX', head)

    def there(self, folder):
        with lock:
            if self.held and os.path.exists(f'{DIR}/release.{self.name}'):
                for head in self.held:
                    self.add('INBOX', head)
                self.held = []
            return [m for m in self.mail if m[0] == folder]


class Client:
    def __init__(self, sock, name):
        self.sock, self.name = sock, name
        self.file = sock.makefile('rb')

    def note(self, what):
        with lock, open(f'{DIR}/said.{self.name}', 'ab') as f:
            f.write(what + b'\n')

    def line(self):
        line = self.file.readline()
        if not line.endswith(b'\n'):
            raise Hangup()
        self.note(line.rstrip(b'\r\n'))
        return line.rstrip(b'\r\n').decode('utf-8', 'replace')

    def say(self, text):
        self.sock.sendall(text if isinstance(text, bytes) else text.encode() + b'\r\n')

    def tls(self, pem):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f'{DIR}/{pem}.pem')
        self.sock = context.wrap_socket(self.sock, server_side=True)
        self.file = self.sock.makefile('rb')


def smtp(c):
    to, got = [], []
    c.say('220 mx1.example.org')
    while True:
        line = c.line()
        verb = line.split(' ')[0].upper()
        if verb == 'RCPT':
            to.append(re.search('<(.*)@', line).group(1))
            c.say('550 5.1.1 unknown user' if to[-1] not in BOXES else '250 2.1.5 ok')
        elif verb == 'DATA':
            c.say('354 go')
            while True:
                line = c.file.readline()
                if line in (b'.\r\n', b''):
                    break
                got.append(line)
            stamp = time.strftime('%a, %d %b %Y %H:%M:%S', time.gmtime()).encode()
            behind = time.strftime('%a, %d %b %Y %H:%M:%S', time.gmtime(time.time() - 100)).encode()
            head = b'Received: from mx1.example.org by mx2.example.org with LMTP; ' + \
                (behind if to[-1] == 'skewed' else stamp) + b' +0000 (UTC)\r\n' + \
                b'Received: from probe by mx1.example.org (Fake)\r\n\twith ESMTPA id 4ABC; ' + stamp + \
                b' +0000 (UTC)\r\n' + b''.join(got).split(b'\r\n\r\n')[0] + b'\r\n\r\n'
            BOXES[to[-1]].take(head)
            c.say('250 2.0.0 Ok: queued as 4ABC')
        elif verb == 'QUIT':
            c.say('221 bye')
            raise Hangup()
        else:
            c.say('250 ok')


# --- IMAP ---------------------------------------------------------------------------------
def fields(head):
    """Of the header what BODY.PEEK[HEADER.FIELDS (X-Mxgauge-Token Received)] asks for."""
    unfolded = re.split(rb'\r\n(?![ \t])', head)
    return b'\r\n'.join(f for f in unfolded if re.match(rb'(?i)(x-mxgauge-token|received):', f)) + b'\r\n\r\n'


def numbers(text):
    return {int(n) for n in text.split(',')}


class Imap:
    """A server that behaves, but for what its name says."""

    def __init__(self, c, box, odd):
        self.c, self.box, self.odd, self.folder = c, box, odd, 'INBOX'

    def done(self, tag, text='OK done'):
        self.c.say(f'{tag} {text}')

    def login(self, tag, words):
        if self.box.name == 'loginsilent':
            time.sleep(30)
        good = words[0].strip('"') == self.box.name + '@example.org' and words[1].strip('"') == 's3cret'
        self.done(tag, 'OK in' if good else 'NO [AUTHENTICATIONFAILED] Authentication failed. | \x1b[31m<b>')

    def select(self, tag, name):
        if name not in ('INBOX', 'Unwanted', 'Extra'):
            self.done(tag, 'NO [NONEXISTENT] there is no such folder')
            return
        self.folder = name
        self.c.say(f'* {len(self.box.there(name))} EXISTS')
        self.c.say(f'* OK [UIDVALIDITY 7] ok\r\n* OK [UIDNEXT {self.box.next}] ok')
        self.done(tag, 'OK [READ-WRITE] done')

    def search(self, tag, text):
        mine = self.box.there(self.folder)
        low = int(re.search(r'UID (\d+):', text).group(1)) if 'UID ' in text else 0
        want = re.search(r'Token (\w+)|SUBJECT "(.*)"', text)     # the latter is check_imap_receive's
        want = b'\0' if not want else want.group(1).encode() if want.group(1) else b'Subject: ' + want.group(2).encode()
        uids = [m[1] for m in mine if ('\\Deleted' in m[2] if 'DELETED' in text else
                                       m[1] >= low and want in m[3])]
        self.c.say('* SEARCH' + ''.join(f' {u}' for u in uids))
        self.done(tag)

    def fetch(self, tag, text):
        for i, m in enumerate(self.box.there(self.folder)):
            if m[1] in numbers(text.split()[0]):
                head = fields(m[3])
                stamp = time.strftime('%d-%b-%Y %H:%M:%S +0000', time.gmtime())
                self.c.say(f'* {i + 1} FETCH (UID {m[1]} INTERNALDATE "{stamp}" FLAGS (\\Seen "a)b" {{3}}'.encode() +
                           b'\r\n))) ) BODY[HEADER.FIELDS (X-Mxgauge-Token Received)] {%d}\r\n' % len(head) +
                           head + b')\r\n')
        self.done(tag)

    def store(self, tag, text):
        for m in self.box.there(self.folder):
            if m[1] in numbers(text.split()[0]):
                m[2].add('\\Deleted')
        self.done(tag)

    def expunge(self, tag, uids=None):
        with lock:
            self.box.mail = [m for m in self.box.mail if m[0] != self.folder or '\\Deleted' not in m[2] or
                             (uids and m[1] not in uids)]
        self.done(tag)

    def command(self, tag, words):
        verb = words[0].upper()
        rest = ' '.join(words[1:])
        if verb == 'UID':
            verb, rest = 'UID ' + words[1].upper(), ' '.join(words[2:])
        if verb in self.odd:
            answer = self.odd[verb]
            if callable(answer):
                answer(self.c, tag)
            else:
                self.c.say(answer.replace('TAG', tag))
        elif verb == 'CAPABILITY':
            self.c.say('* CAPABILITY IMAP4rev1' + (self.odd.get('caps', ' UIDPLUS SPECIAL-USE')) +
                       ('' if isinstance(self.c.sock, ssl.SSLSocket) or 'starttls' not in self.odd else ' STARTTLS'))
            self.done(tag)
        elif verb == 'STARTTLS':
            self.done(tag)
            self.c.tls(self.odd['starttls'])
        elif verb == 'LOGIN':
            self.login(tag, words[1:])
        elif verb == 'LIST':
            self.c.say('* LIST (\\HasNoChildren) "/" INBOX\r\n* LIST (\\HasNoChildren \\Junk) "/" {8}\r\nUnwanted')
            self.done(tag)
        elif verb == 'SELECT':
            self.select(tag, words[1].strip('"'))
        elif verb == 'UID SEARCH':
            self.search(tag, rest)
        elif verb == 'UID FETCH':
            self.fetch(tag, rest)
        elif verb == 'UID STORE':
            self.store(tag, rest)
        elif verb == 'UID EXPUNGE':
            self.expunge(tag, numbers(rest))
        elif verb == 'EXPUNGE':
            self.expunge(tag)
        elif verb == 'LOGOUT':
            self.c.say('* BYE')
            raise Hangup()
        else:
            self.done(tag, 'BAD what?')


def imap(pem=None, **odd):
    odd = {k.replace('_', ' '): v for k, v in odd.items()}

    def run(c):
        if pem:
            c.tls(pem)
        if 'greeting' in odd:
            odd['greeting'](c)
        else:
            c.say('* OK ready')
        server = Imap(c, BOXES[c.name], odd)
        while True:
            words = c.line().split(' ')
            server.command(words[0], words[1:])
    return run


def then(*steps):
    """Say these; a number: wait so long; None: hang up."""
    def run(c, tag=''):
        for s in steps:
            if s is None:
                raise Hangup()
            if isinstance(s, (int, float)):
                time.sleep(s)
            else:
                c.say(s.replace('TAG', tag) if isinstance(s, str) else s)
    return run


def endless(piece):
    def run(c, tag=''):
        while True:
            c.say(piece)
    return run


def foreign(text):
    """FETCH answers with somebody else's mail."""
    def run(c, tag):
        c.say(f'* 1 FETCH (UID 41 BODY[HEADER.FIELDS (X-Mxgauge-Token Received)] {{{len(text)}}}')
        c.say(text.encode() + b')\r\n')
        c.say(f'{tag} OK done')
    return run


# --- POP3 ---------------------------------------------------------------------------------
def pop3(pem=None, odd=None):
    odd = odd or {}

    def run(c):
        if pem:
            c.tls(pem)
        box = BOXES[c.name]
        c.say('+OK ready')
        mine, gone = list(box.there('INBOX')), set()
        while True:
            words = c.line().split(' ')
            verb = words[0].upper()
            n = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
            if verb in odd:
                if callable(odd[verb]):
                    odd[verb](c)
                else:
                    c.say(odd[verb])
            elif verb == 'CAPA':
                c.say('+OK\r\nTOP\r\nUSER\r\nUIDL\r\n.')
            elif verb == 'PASS':
                c.say('+OK in' if words[1] == 's3cret' else '-ERR [AUTH] Authentication failed.')
            elif verb == 'STAT':
                c.say(f'+OK {len(mine)} {len(mine) * 1000}')
            elif verb == 'UIDL' and n <= len(mine):
                c.say(f'+OK {n} uid{mine[n - 1][1]}')
            elif verb == 'TOP' and n <= len(mine):
                c.say(b'+OK\r\n' + mine[n - 1][3] + b'.\r\n')
            elif verb == 'DELE':
                gone.add(mine[n - 1][1])
                c.say('+OK')
            elif verb == 'QUIT':
                with lock:
                    box.mail = [m for m in box.mail if m[1] not in gone]
                c.say('+OK bye')
                raise Hangup()
            else:
                c.say('+OK')
    return run


OTHERS = 'X-Mxgauge-Token: ' + '0' * 32 + '\r\n\r\n'
FAR = then('* SEARCH' + ' 5' * 9000, 'TAG OK')
SERVERS = {
    'smtp': smtp,
    'good': imap(), 'junked': imap(), 'held': imap(), 'dropped': imap(), 'skewed': imap(),
    'tls.good': imap('good'), 'tls.other': imap('other'), 'tls.expired': imap('expired'), 'tls.self': imap('self'),
    'probe': imap('farm'),      # of the lab
    'starttls': imap(starttls='good'), 'starttls.other': imap(starttls='other'), 'nostarttls': imap(),
    'tls.silent': then(30),
    'silent': imap(greeting=then(30)),
    'hangup': lambda c: c.sock.recv(65536),
    'drip': imap(greeting=lambda c: [(c.say(b'*'), time.sleep(0.2)) for _ in range(100)]),
    'bye': imap(greeting=then('* BYE too many connections from your address', None)),
    'http': imap(greeting=then('HTTP/1.1 400 Bad Request', None)),
    'loginsilent': imap(), 'logout': imap(LOGOUT=then(30)),
    'loginno': imap(LOGIN='TAG NO [UNAVAILABLE] the directory is away', LOGOUT=then(30)),
    'noselect': imap(SELECT='TAG NO [INUSE] mailbox is locked'),
    'closes': imap(SELECT=then('* 3 EXI', None)),
    'selectsilent': imap(SELECT=then(30)),
    'byebye': imap(UID_SEARCH=then('* BYE | \x1b[31mshutting down <b>', None)),
    'badsearch': imap(UID_SEARCH='TAG BAD no such key'),
    'nonsense': imap(UID_SEARCH=then('220 mx1.example.org ESMTP', 'TAG OK')),
    'huge': imap(UID_SEARCH=then('* SEARCH {4294967296}', 'x' * 1000, 30)),
    'hungry': imap(UID_SEARCH=then('* SEARCH {4000000}', 'x' * 1000, 30)),
    'longline': imap(UID_SEARCH=endless(b'x' * 65536)),
    'flood': imap(UID_SEARCH=endless(b'* 1 EXISTS\r\n' * 5000)),
    'many': imap(UID_SEARCH=FAR, UID_FETCH=foreign(OTHERS)),
    'foreign': imap(UID_SEARCH=then('* SEARCH 41', 'TAG OK'), UID_FETCH=foreign('Subject: private\r\n\r\n')),
    'liar': imap(UID_SEARCH=then('* SEARCH 41 0 99999999999 -3 x', 'TAG OK'),
                 UID_FETCH=then('* 1 FETCH (UID 41 BODY[] {3}\r\nX-Mxgauge-Token: 1234)', 'TAG OK')),
    'readonly': imap(UID_STORE='TAG NO [NOPERM] read only'),
    'noexpunge': imap(UID_EXPUNGE='TAG NO [NOPERM] no'),
    'nouidplus': imap(caps=''), 'nouidplus2': imap(caps=''),
    'pop.good': pop3(), 'pop.tls': pop3('good'), 'pop.other': pop3('other'),
    'pop.busy': pop3(odd={'PASS': '-ERR [IN-USE] another session has the lock'}),
    'pop.silent': pop3(odd={'STAT': then(30)}),
    'pop.closes': pop3(odd={'UIDL': then(None), 'STAT': '+OK 5 500'}),
    'pop.nonsense': pop3(odd={'STAT': '250 ok'}),
    'pop.nonumber': pop3(odd={'STAT': '+OK many'}),
    'pop.notop': pop3(odd={'TOP': '-ERR unknown'}),
    'pop.many': pop3(odd={'STAT': '+OK 100000 99', 'TOP': '+OK\r\nSubject: x\r\n\r\n.', 'UIDL': '-ERR no'}),
    'pop.endless': pop3(odd={'TOP': endless(b'+OK\r\n' + b'X: ' + b'y' * 60000 + b'\r\n')}),
}
BOXES = {name: Box(name) for name in list(SERVERS) + ['busy']}
for name, flags in (('nouidplus2', {'\\Deleted'}), ('pop.good', set()), ('pop.notop', set()), ('pop.endless', set()),
                    ('good', set())):
    BOXES[name].add('INBOX', b'Subject: of somebody else\r\n\r\n')
    BOXES[name].mail[0][2] = flags


def connection(sock, name):
    try:
        SERVERS[name](Client(sock, name))
    except (Hangup, OSError, ValueError, IndexError) as e:
        if not isinstance(e, Hangup):
            Client(sock, name).note(b'TROUBLE ' + repr(e).encode())
    finally:
        try:
            sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        sock.close()


def listen(sock, name):
    while True:
        c, _ = sock.accept()
        c.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        threading.Thread(target=connection, args=(c, name), daemon=True).start()


with open(f'{DIR}/ports.new', 'w') as ports:
    for name in SERVERS:
        s = socket.socket()
        s.bind(('127.0.0.1', 0))
        s.listen(64)
        ports.write(f'{name} {s.getsockname()[1]}\n')
        threading.Thread(target=listen, args=(s, name), daemon=True).start()
    full = socket.socket()      # nobody accepts, and the queue is full
    full.bind(('127.0.0.1', 0))
    full.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for s in waiting:
        s.setblocking(False)
        s.connect_ex(full.getsockname())
    ports.write(f'busy {full.getsockname()[1]}\n')
os.rename(f'{DIR}/ports.new', f'{DIR}/ports')
sys.stdin.read()
with open(f'{DIR}/left', 'w') as f:
    for box in BOXES.values():
        for m in box.mail:
            f.write(f'{box.name} {m[0]} {m[1]} {"probe" if b"X-Mxgauge" in m[3] else "other"}\n')
