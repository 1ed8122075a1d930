"""plot.py - check_smtp_latency and check_mx against real servers; each line of ./tap is a test.

The addresses are 192.0.2.31 Postfix, .32 Exim, .33 OpenSMTPD, .34 Dovecot. A policy
server beside Postfix greylists grey@, delays slow@ at RCPT and all at the end of data
for a sender slow@."""
import http.server
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

from asked import ask, listening, ok, policy
from stage import run, until

CHECK = os.environ['BUILD'] + '/plugins/check_smtp_latency'
HERE = os.path.dirname(os.path.abspath(__file__))
CA = '/etc/lab/ca.pem'
TLS = ['--starttls', '--ca-file', CA, '--tls-name', 'mx1.example.org']
TO = ['-r', 'anna@example.org', '-f', 'probe@example.net']


def check(status, text, *args, env=None, program=CHECK):
    """Status and a part of the first line; inside -t by the wall's clock."""
    return ask(program, status, text, *args, env=env)


# --- servers ------------------------------------------------------------------------------
def answer(want):
    to, who = want.get('recipient', ''), want.get('sender', '')
    if who.startswith('slow'):
        time.sleep(1.2 if want['protocol_state'] == 'END-OF-MESSAGE' else 0.3)
    if to.startswith('grey') or who.startswith('grey'):
        return 'defer_if_permit 4.2.0 Greylisted, see http://www.example.org/'
    return 'dunno'


def start_all():
    policy(answer)
    dovecot = subprocess.Popen(['dovecot', '-F', '-c', '/etc/dovecot/lab.conf'])
    code, said = run('postfix', 'start')
    if code:
        log = '/var/log/postfix.log'
        raise SystemExit('postfix: ' + said + (open(log).read() if os.path.exists(log) else ''))
    exim = subprocess.Popen([os.environ['EXIM'] + '/usr/sbin/exim4', '-bdf'])
    opensmtpd = subprocess.Popen([os.environ['OPENSMTPD'] + '/usr/sbin/smtpd', '-d', '-f',
                                  '/etc/opensmtpd/smtpd.conf'])
    for host, port in (('192.0.2.31', 25), ('192.0.2.32', 25), ('192.0.2.33', 25), ('192.0.2.34', 24)):
        listening(host, port)
    return [dovecot, exim, opensmtpd]


# --- scenes -------------------------------------------------------------------------------
def postfix():
    at = ('-H', '192.0.2.31')
    check(0, 'SMTP OK', *at)
    check(0, 'SMTP OK', *at, *TLS)
    check(0, 'SMTP OK', *at, '--tls', '--ca-file', CA, '--tls-name', 'mx1.example.org')
    check(2, 'is not trusted', *at, '-S')
    check(0, 'SMTP OK', *at, *TO)
    said = check(0, 'SMTP OK', *at, *TO, '-m')
    ok(re.search(r'queued as \w+ \(by BDAT\)', said), 'Postfix takes a message by BDAT', said)
    said = check(0, 'SMTP OK', *at, *TO, '-m', '--no-chunking')
    ok('queued as' in said, 'and by DATA', said)
    check(0, 'SMTP OK', *at, *TO, '-m', '--pipelining', *TLS, '--size', '500000')
    check(2, 'rcpt: 550 5.1.1', *at, '-r', 'nobody@example.org')
    check(2, 'rcpt: 454 4.7.1', *at, '-r', 'anna@example.net')
    check(2, 'greylisted: 450 4.2.0', *at, '-r', 'bert@example.org', '-f', 'grey@example.net')
    check(0, 'greylisted', *at, '-r', 'bert@example.org', '-f', 'grey@example.net', '--greylist-ok')
    check(1, 'accept 1.2 s', *at, '-r', 'anna@example.org', '-f', 'slow@example.net', '-m', '-w', 'accept=1s')
    check(2, 'accept: no whole reply within', *at, '-r', 'anna@example.org', '-f', 'slow@example.net', '-m',
          '-t', '1')
    check(2, 'banner: 554 5.7.1', *at, '--source', '198.51.100.99')
    check(2, 'ehlo: 554 5.7.1', *at, '--xclient', 'ADDR=198.51.100.99')
    check(0, 'SMTP OK', *at, '--xclient', 'ADDR=198.51.100.98', '--xclient', 'NAME=[UNAVAILABLE]', *TO)
    for v in '1', '2':
        check(0, 'SMTP OK', *at, '-p', '2525', '--proxy', v, '--proxy-client', '198.51.100.98')
        check(2, 'banner: 554 5.7.1', *at, '-p', '2525', '--proxy', v, '--proxy-client', '198.51.100.99')
    check(2, 'banner: no whole reply within', *at, '-p', '2525', '-t', '1')
    busy = socket.create_connection(('192.0.2.31', 2526))   # the only process of that port
    busy.recv(100)
    check(2, 'banner: no whole reply within', *at, '-p', '2526', '-t', '1')
    busy.close()
    env = {'MXGAUGE_PASSWORD': 'secret'}
    for mech in 'SCRAM-SHA-256', 'CRAM-MD5', 'PLAIN', 'LOGIN':
        said = check(0, 'SMTP OK', *at, '-p', '25', *TLS, '-u', 'anna', '--auth', mech, env=env)
        ok('login by ' + mech in said, mech, said)
        check(2, 'auth: 535 5.7.8', *at, '-p', '25', *TLS, '-u', 'anna', '--auth', mech,
              env={'MXGAUGE_PASSWORD': 'wrong'})


def exim():
    at = ('-H', '192.0.2.32')
    check(0, 'SMTP OK', *at)
    check(0, 'SMTP OK', *at, *TLS, *TO)
    said = check(0, 'SMTP OK', *at, *TO, '-m')
    ok(' OK id=' in said, 'Exim takes a message', said)
    check(2, 'rcpt: greylisted: 45', *at, '-r', 'grey@example.org')
    check(0, 'greylisted', *at, '-r', 'grey@example.org', '--greylist-ok')
    check(2, 'rcpt: 550 unknown user', *at, '-r', 'nobody@example.org')
    check(0, 'as expected', *at, *TO, '--eicar', '-e', 'accept=550 contains a virus')
    check(0, 'SMTP OK', *at, *TLS, '-p', '25', '-u', 'anna', env={'MXGAUGE_PASSWORD': 'secret'})
    check(2, 'auth: 535', *at, *TLS, '-p', '25', '-u', 'anna', env={'MXGAUGE_PASSWORD': 'wrong'})


def tls_works(host, port):
    """By somebody else's client: OpenSMTPD 6.8 can't sign with OpenSSL 3."""
    context = ssl.create_default_context(cafile=CA)
    try:
        context.wrap_socket(socket.create_connection((host, port), 5), server_hostname='mx1.example.org').close()
        return True
    except OSError:
        return False


def opensmtpd():
    at = ('-H', '192.0.2.33')
    check(0, 'SMTP OK', *at)
    said = check(0, 'SMTP OK', *at, *TO, '-m')
    ok('Message accepted for delivery' in said, 'OpenSMTPD takes a message', said)
    check(2, 'rcpt: 550', *at, '-r', 'nobody@example.org')
    tls = ['--tls', *TLS[1:], '-u', 'anna', '-p', '465']
    if tls_works('192.0.2.33', 465):
        check(0, 'SMTP OK', *at, *TLS, *TO)
        check(0, 'SMTP OK', *at, *tls, env={'MXGAUGE_PASSWORD': 'secret'})
        check(2, 'auth: 535', *at, *tls, env={'MXGAUGE_PASSWORD': 'wrong'})
    else:
        check(2, 'starttls: TLS handshake: tlsv1 alert internal error', *at, *TLS, *TO)
        check(2, 'starttls: TLS handshake: tlsv1 alert internal error', *at, *tls,
              env={'MXGAUGE_PASSWORD': 'secret'})


def dovecot():
    sock = ('--socket', '/run/dovecot/lab-lmtp', '--lmtp')
    check(0, 'SMTP OK', *sock)
    said = check(0, 'SMTP OK', *sock, '-r', 'anna', '-m')
    ok('Saved' in said, 'Dovecot takes a message by LMTP', said)
    check(0, 'SMTP OK', '-H', '192.0.2.34', '--lmtp', '-r', 'anna', '-m')
    check(2, 'rcpt: 550 5.1.1', *sock, '-r', 'nobody', '-m')


# --- what was on the wire -----------------------------------------------------------------
def packets(path):
    """(time, to the server?, flags, payload) of a capture on lo."""
    with open(path, 'rb') as f:
        head = f.read(24)
        nano = head[:4] == b'\x4d\x3c\xb2\xa1'
        while True:
            row = f.read(16)
            if len(row) < 16:
                return
            sec, frac, length, _ = struct.unpack('<IIII', row)
            frame = f.read(length)
            ip = frame[14:]
            tcp = ip[(ip[0] & 15) * 4:]
            size = struct.unpack('>H', ip[2:4])[0] - (ip[0] & 15) * 4 - (tcp[12] >> 4) * 4
            body = tcp[(tcp[12] >> 4) * 4:][:size]
            yield sec + frac / (1e9 if nano else 1e6), struct.unpack('>H', tcp[2:4])[0] == 25, tcp[13], body


def wire_phases(path):
    """The phases of one session, as the packets say. Of one with TLS: to its end in starttls, quit and total; the
    client's third record of TLS 1.3 that is encrypted (Finished, EHLO) is QUIT."""
    got, phase, sent, records, last = {}, None, None, 0, None
    commands = {b'EHLO': 'ehlo', b'STAR': 'starttls', b'AUTH': 'auth', b'MAIL': 'mail', b'RCPT': 'rcpt', b'DATA': 'data',
                b'RSET': 'quit', b'QUIT': 'quit'}
    for at, to_server, flags, body in packets(path):
        if flags & 0x12 == 0x02:
            syn = at
        elif flags & 0x12 == 0x12:
            got['connect'], sent, phase = at - syn, at, 'banner'
        elif body and to_server and phase == 'starttls' and body[0] in range(20, 24):
            while len(body) >= 5:
                records += body[0] == 23
                body = body[5 + struct.unpack('>H', body[3:5])[0]:]
            if records >= 3:
                got['starttls'], sent, phase = last - sent, at, 'quit'
        elif body and to_server and records < 3:
            name = commands.get(body[:4], 'accept' if body.endswith(b'\r\n.\r\n') else None)
            if name and not (name == 'quit' and phase == 'quit'):
                sent, phase = at, name
        elif body and phase and not to_server and not (records >= 3 and 'quit' in got):
            last, got['total'] = at, at - syn   # an alert of TLS may follow
            if phase != 'starttls':
                got[phase] = at - sent
    return got


def capture(number, *args):
    dump = subprocess.Popen(['tcpdump', '-i', 'lo', '-n', '-U', '-s', '0', '-w', 'wire.%d' % number,
                             'tcp port 25 and host 192.0.2.31'], stderr=subprocess.PIPE)
    until('tcpdump', lambda: b'listening' in dump.stderr.readline())
    done = subprocess.run([CHECK, '-H', '192.0.2.31', '-p', '25', '--json', *args], capture_output=True, text=True,
                          env=dict(os.environ, MXGAUGE_PASSWORD='secret'))
    # both ends have said FIN, or one RST
    until('the end', lambda: sum(flags & 1 or flags & 4 for _, _, flags, _ in packets('wire.%d' % number)) >= 2)
    dump.terminate()
    dump.wait()
    ours = json.loads(done.stdout)['targets'][0]['phases']
    wire = wire_phases('wire.%d' % number)
    # data: ours has the sending of the message, too, which the wire has before the final dot
    return {name: abs(ours[name] - wire[name]) for name in wire}, ours, wire


def agrees(what, phases, first, *args):
    """On a busy machine a process is woken late now and then: of each phase the best of some sessions
    counts."""
    best = {}
    for number in range(first, first + 40):
        off, ours, seen = capture(number, *args)
        best = {name: min(v, best.get(name, v)) for name, v in off.items()}
        if max(best.values()) < 0.002:
            break
    ok(max(best.values()) < 0.002 and set(best) == set(phases.split()), '%s: the phases are those of the packets within '
       '2 ms (%s)' % (what, ', '.join('%s %.2f ms' % (n, v * 1000) for n, v in best.items())), '%s\n%s' % (ours, seen))
    return seen


def wire():
    seen = agrees('a message, with login', 'connect banner ehlo auth mail rcpt data accept quit total', 0, '--no-chunking',
                  '-m', '-r', 'anna@example.org', '-f', 'slow@example.net', '-u', 'anna', '--auth', 'PLAIN', '--cleartext')
    ok(seen['accept'] > 1.1 and seen['rcpt'] > 0.25, 'the slow ones were slow', seen)
    agrees('STARTTLS', 'connect banner ehlo starttls quit total', 100, *TLS)


# --- MTA-STS ------------------------------------------------------------------------------
class Policy(http.server.BaseHTTPRequestHandler):
    text = b''
    status = 200

    def do_GET(self):
        self.send_response(self.status if self.path == '/.well-known/mta-sts.txt' else 404)
        self.send_header('Location', 'https://mta-sts.example.org/.well-known/mta-sts.txt')
        self.end_headers()
        self.wfile.write(self.text)

    def log_message(self, *args):
        pass


def policies():
    """The MX of example.org and of wrong.example.org is the Postfix."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain('/etc/lab/good.pem')
    server = http.server.ThreadingHTTPServer(('127.0.0.1', 443), Policy)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with open('zone', 'w') as f:
        for domain in 'example.org', 'wrong.example.org':
            f.write('%s MX 10 mx1.example.org\n_mta-sts.%s TXT v=STSv1; id=2026;\nmta-sts.%s A 127.0.0.1\n' %
                    (domain, domain, domain))
        f.write('mx1.example.org A 192.0.2.31\n')
    dns = subprocess.Popen(['/usr/bin/python3', HERE + '/../../fake/dns.py', 'zone', 'dns'], stdin=subprocess.PIPE)
    until('dns.py', lambda: os.path.exists('dns'))
    args = ['-4', '--resolver', '127.0.0.1:' + open('dns').read(), '-S', '--ca-file', CA, '--mta-sts', '--mx']
    lines = b'version: STSv1\r\nmode: enforce\r\nmx: %s\r\nmax_age: 604800\r\n'
    Policy.text = lines % b'*.example.org'
    said = check(0, 'SMTP OK', *args, 'example.org')
    ok('MTA-STS of example.org: mode enforce, id 2026, max_age 7 d' in said, 'the policy is told', said)
    check(2, "MTA-STS of wrong.example.org: https://mta-sts.wrong.example.org", *args, 'wrong.example.org')
    Policy.text = lines % b'mx2.example.org'
    check(2, 'its policy does not name the MX mx1.example.org', *args, 'example.org')
    Policy.text = b'<html>'
    check(2, 'the policy does not say "version: STSv1"', *args, 'example.org')
    Policy.text = lines % b'mx1.example.org' + b'x: y\r\n' * 20000
    check(2, 'it is too long', *args, 'example.org')
    Policy.text, Policy.status = lines % b'mx1.example.org', 301
    check(2, 'HTTP status 301', *args, 'example.org')
    server.shutdown()
    server.server_close()
    check(2, 'MTA-STS of example.org: https://mta-sts.example.org', *args, 'example.org')
    dns.stdin.close()
    dns.wait()


def alike():
    """All at once, worst first."""
    said = check(1, 'accept 1.2 s', '-H', '192.0.2.31', '-H', '192.0.2.32', '-r', 'anna@example.org', '-f',
                 'slow@example.net', '-m', '-w', 'accept=1s')
    ok(said.index('192.0.2.31:25: total') < said.index('192.0.2.32:25: total'), 'the slowest first', said)


def mx():
    """check_mx: Postfix before Exim, which takes mail for anybody here, and OpenSMTPD alone."""
    program = os.environ['BUILD'] + '/plugins/check_mx'
    with open('mx.zone', 'w') as f:
        for n in 31, 32, 33:
            f.write('mx%d.example.org A 192.0.2.%d\nonly%d.example.org MX 10 mx%d.example.org\n' % (n, n, n, n))
        f.write('example.org MX 10 mx31.example.org\nexample.org MX 20 mx32.example.org\n')
    dns = subprocess.Popen(['/usr/bin/python3', HERE + '/../../fake/dns.py', 'mx.zone', 'mx.dns'],
                           stdin=subprocess.PIPE)
    until('dns.py', lambda: os.path.exists('mx.dns'))

    def ask(status, text, *args):
        return check(status, text, '--resolver', '127.0.0.1:' + open('mx.dns').read(), '-4', '--ignore', 'private',
                     '--ca-file', CA, '-r', 'anna@example.org', *args, program=program)
    ask(1, 'difference', '-H', 'example.org')
    said = ask(1, 'difference', '-H', 'example.org', '--ignore', 'relay')
    ok('an unknown recipient: refused at mx31.example.org (rcpt: 550 5.1.1' in said and
       'accepted at mx32.example.org' in said, 'Exim takes mail for unknown users, and Postfix does not', said)
    ok('STARTTLS: offered at mx31.example.org, mx32.example.org' in said, 'both have TLS', said)
    known = ['--unknown', 'nobody@example.org', '--ignore', 'sender-own']
    for n in 31, 32:
        said = ask(0, 'MX OK', '-H', 'only%d.example.org' % n, *known)
        ok('relaying to another domain: accepted' not in said, 'mx%d does not relay' % n, said)
    ask(0, 'MX OK', '-H', 'only33.example.org', *known, '--no-tls')
    dns.stdin.close()
    dns.wait()


started = start_all()
try:
    for scene in postfix, exim, opensmtpd, dovecot, policies, alike, mx, wire:
        scene()
finally:
    run('postfix', 'stop')
    for process in started:
        process.terminate()
        process.wait(20)
