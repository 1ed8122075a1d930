#!/usr/bin/python3
"""world.py DIR SMTP_PORT IMAP_PORT - what the sample farm talks to, at the addresses that it has.

Mail servers at port 25 of every address, with STARTTLS (DIR/farm.pem) and the manners of a good MX: no unknown
users, no relaying, no forged senders. What they accept for probe@ goes on to SMTP_PORT, others' mail is
thrown away. The same as LMTP at /run/dovecot/lmtp. IMAP at 192.0.2.41:993 is IMAP_PORT of loopback. The
name servers of example.org at 192.0.2.53 and .54. "DIR/hostile" has the banner of a hostile mail server.
Prints "ready" when all listen, and ends with its standard input."""
import os
import re
import smtplib
import socket
import socketserver
import ssl
import struct
import sys
import threading

DIR, SMTP, IMAP = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
STORE, NAME_SERVERS = '192.0.2.41', ('192.0.2.53', '192.0.2.54')


# --- mail -----------------------------------------------------------------------------------------
class Mail(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode('utf-8', 'surrogateescape') + b'\r\n')

    def banner(self):
        if os.path.exists(DIR + '/hostile'):
            with open(DIR + '/hostile', 'rb') as f:
                self.wfile.write(f.read())
        else:
            self.say('220 mx.example.org ESMTP')

    def starttls(self):
        self.say('220 go')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(DIR + '/farm.pem')
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.setup_files()

    def setup_files(self):
        self.rfile, self.wfile = self.connection.makefile('rb'), self.connection.makefile('wb', 0)

    def verdict(self, verb, line):
        """What a good MX of example.org says to EHLO, MAIL and RCPT."""
        word = re.search('<(.*)>', line)
        domain = word.group(1).rpartition('@')[2] if word else line[5:].strip()
        if verb == 'EHLO' and (domain.endswith('.example.org') and domain.startswith('mx') or '.' not in domain):
            return '550 5.7.1 that is no name of yours'
        if verb == 'MAIL' and domain and (domain == 'example.org' or '.' not in domain or domain.endswith('.invalid')):
            return '550 5.7.1 sender refused'
        if verb == 'RCPT' and domain not in ('example.org', 'example.net'):
            return '554 5.7.1 relaying denied'
        if verb == 'RCPT' and not word.group(1).startswith(('probe@', 'postmaster@')):
            return '550 5.1.1 unknown user'
        return '250 2.0.0 ok'

    def handle(self):
        self.banner()
        to, lmtp = [], False
        while True:
            line = self.rfile.readline().decode('latin-1').rstrip('\r\n')
            verb = line.split(' ')[0].upper()
            if verb in ('', 'QUIT'):
                self.say('221 bye')
                return
            if verb == 'LHLO' or verb == 'EHLO' and self.verdict(verb, line)[0] == '2':
                lmtp = verb == 'LHLO'
                tls = lmtp or isinstance(self.connection, ssl.SSLSocket)
                self.say('250-mx.example.org\r\n250-PIPELINING\r\n' + ('' if tls else '250-STARTTLS\r\n') +
                         '250 SIZE 10240000')
            elif verb == 'STARTTLS':
                self.starttls()
            elif verb == 'DATA':
                self.say('354 go')
                self.take(to)
                for _ in to if lmtp else [0]:
                    self.say('250 2.0.0 Ok: queued as 4ABC')
                to = []
            elif verb == 'RSET':
                to = []
                self.say('250 ok')
            else:
                said = self.verdict(verb, line)
                if verb == 'RCPT' and said[0] == '2':
                    to.append(re.search('<(.*)>', line).group(1))
                self.say(said)

    def take(self, to):
        text = b''
        while not text.endswith(b'\r\n.\r\n'):
            line = self.rfile.readline()
            if not line:
                return
            text += line
        if any(a.startswith('probe@') for a in to):
            with smtplib.SMTP('127.0.0.1', SMTP, local_hostname='mx1.example.org') as s:
                s.sendmail('', ['probe@example.org'], text[:-3])


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100


class UnixServer(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


class Onward(socketserver.BaseRequestHandler):
    """One connection more, and bytes to and fro."""

    def handle(self):
        with socket.create_connection(('127.0.0.1', IMAP)) as there:
            threading.Thread(target=self.copy, args=(there, self.request), daemon=True).start()
            self.copy(self.request, there)

    @staticmethod
    def copy(a, b):
        try:
            while True:
                piece = a.recv(65536)
                if not piece:
                    break
                b.sendall(piece)
            b.shutdown(socket.SHUT_WR)
        except OSError:
            pass


# --- names ----------------------------------------------------------------------------------------
def name(text):
    return b''.join(bytes([len(p)]) + p.encode() for p in text.split('.') if p) + b'\0'


def asked(packet):
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode('latin-1').lower())
        at += packet[at] + 1
    return '.'.join(labels), struct.unpack('>H', packet[at + 1:at + 3])[0], packet[12:at + 5]


def answer(packet):
    """The SOA of example.org, which is what is asked here."""
    host, kind, section = asked(packet)
    soa = name('ns1.example.org') + name('hostmaster.example.org') + struct.pack('>5I', 7, 3600, 600, 86400, 60)
    found = [name(host) + struct.pack('>HHIH', kind, 1, 60, len(soa)) + soa] if (host, kind) == ('example.org', 6) else []
    return packet[:2] + struct.pack('>5H', 0x8400 if found else 0x8005, 1, len(found), 0, 0) + section + b''.join(found)


def name_server(address):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind((address, 53))

    def serve():
        while True:
            packet, peer = sock.recvfrom(4096)
            sock.sendto(answer(packet), peer)
    threading.Thread(target=serve, daemon=True).start()


def begin(server):
    threading.Thread(target=server.serve_forever, daemon=True).start()


os.makedirs('/run/dovecot', exist_ok=True)
for address in NAME_SERVERS:
    name_server(address)
begin(Server(('0.0.0.0', 25), Mail))
begin(UnixServer('/run/dovecot/lmtp', Mail))
os.chmod('/run/dovecot/lmtp', 0o666)
begin(Server((STORE, 993), Onward))
print('ready', flush=True)
sys.stdin.read()
