#!/usr/bin/env python3
"""filters.py - what happens in the lab with real filters: amavis between the two instances
of Postfix, which asks clamd and spamd; clamav-milter, which asks the same clamd; rspamd and
MIMEDefang as milters.

Each mail is seen by several programs that all say what it is; the account has it once."""
import os
import shutil
import socket
import subprocess

from play import MILTER, MX, NOMILTER, a, delivered, expect, refused, s, through_filter
from stage import swaks, until

SPOOL = '/var/spool/filters'
DEFANG = '192.0.2.33'   # of settings.sh
DEFANG_SOCKET = SPOOL + '/defang/multiplexor'
VIRUS = 'MXGAUGETESTSIGNATURE'
GTUBE = 'XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X'


def answers(address):
    """Does somebody listen there?"""
    kind = socket.AF_UNIX if isinstance(address, str) else socket.AF_INET
    with socket.socket(kind) as sock:
        return sock.connect_ex(address) == 0


def folder(path, user):
    os.makedirs(path, exist_ok=True)
    shutil.chown(path, user)


def open_filters():
    """All at once; the milter when there is a clamd."""
    os.makedirs(SPOOL)
    for name in ('', '/tmp', '/db', '/quarantine'):
        folder(SPOOL + '/amavis' + name, 'amavis')
    folder(SPOOL + '/rspamd', '_rspamd')
    folder(SPOOL + '/defang', 'defang')
    clamd = s.start('clamd', '-c', '/etc/filters/clamd.conf', stdout=subprocess.DEVNULL)
    s.start('spamd', '-L', '-x', '-m', '2', '-s', 'mail', '-i', '127.0.0.1', '-u', 'nobody',
            '--siteconfigpath=/etc/filters/rules', '--configpath=/etc/filters/rules')
    s.start('amavisd', '-c', '/etc/filters/amavisd.conf', 'foreground')
    s.start('rspamd', '-f', '-u', '_rspamd', '-g', '_rspamd', '-c', '/etc/filters/rspamd.conf')
    s.start('mimedefang-multiplexor', '-D', '-U', 'defang', '-s', DEFANG_SOCKET, '-F',
            '/etc/filters/mimedefang.pl', '-z', SPOOL + '/defang', '-m', '1', '-x', '2', '-l', '-S', 'mail')
    until('the multiplexor', lambda: os.path.exists(DEFANG_SOCKET))
    s.start('mimedefang', '-D', '-U', 'defang', '-m', DEFANG_SOCKET, '-z', SPOOL + '/defang',
            '-S', 'mail', '-p', 'inet:8892@127.0.0.1')
    until('clamd', lambda: answers(SPOOL + '/clamd.ctl'))
    s.start('clamav-milter', '-c', '/etc/filters/clamav-milter.conf')
    for port in (10024, 783, 8899, 8891, 8892):
        until('port %d' % port, lambda: answers(('127.0.0.1', port)), 30)
    return clamd


def clean():
    through_filter('anna@example.org')
    a(dlv_local=1)
    through_filter('anna@example.org', 'a@good.example.net')
    a(dlv_local=1, dlv_ext=1)


def spam():
    """amavis and spamd say so."""
    delivered(MX, 'anna@example.org', 'bert@example.org', options=('--body', GTUBE))
    a(spam=1, discard=2)


def virus():
    """amavis and clamd say so."""
    delivered(MX, 'anna@example.org', options=('--body', VIRUS))
    a(virus=1, discard=1)


def banned():
    """amavis refuses it, and Postfix tells the sender."""
    with open('invoice.exe', 'w') as f:
        f.write('no program at all')
    delivered(MX, 'anna@example.org', options=('--body', 'look', '--attach', '@invoice.exe'))
    a(banned=1, bounce_attachment=1)
    a.notified()


def milter():
    """clamav-milter and clamd say so, and Postfix refuses the mail."""
    refused('550', NOMILTER, 'anna@example.org', options=('--body', VIRUS))
    a(virus=1, rej_virus=1)
    delivered(NOMILTER, 'anna@example.org')
    a(dlv_local=1)


def rspamd():
    """A milter that says it, and Postfix that refuses the mail."""
    refused('554', MILTER, 'anna@example.org', options=('--body', GTUBE))
    a(spam=1, rej_spam_content=1)
    delivered(MILTER, 'anna@example.org')
    a(dlv_local=1)


def mimedefang():
    """A line for each recipient, and one mail."""
    delivered(DEFANG, 'anna@example.org', 'bert@example.org')
    a(dlv_local=2)
    refused('554', DEFANG, 'anna@example.org', options=('--body', VIRUS))
    a(virus=1, rej_virus=1)
    code, _ = swaks(DEFANG, 'anna@example.org,bert@example.org', '--body', GTUBE)
    expect('discarded', code, '250')
    a(conn=1, spam=1)
    a.dropped_early()
    refused('554', DEFANG, 'anna@example.org', options=('--body', 'look', '--attach', '@invoice.exe'))
    a(banned=1, rej_attachment=1)


def scanner_is_dead(clamd):
    """What amavis cannot have scanned passes, and that is said in four lines."""
    clamd.kill()
    clamd.wait()
    os.unlink(SPOOL + '/clamd.ctl')
    through_filter('anna@example.org', options=('--body', VIRUS))
    a(dlv_local=1, filter_fail=4)


def milter_is_blind():
    """clamav-milter without clamd lets nobody in, and says why in two lines."""
    at = s.mark()
    refused('451', NOMILTER, 'anna@example.org')
    s.wait(r'clamav-milter.*(No clamd server|Failed to initiate)', at, 2)
    a(tmp_resource=1, filter_fail=2)


def perform():
    clamd = open_filters()
    s.play((clean, spam, virus, banned, milter, rspamd, mimedefang))
    scanner_is_dead(clamd)
    milter_is_blind()


s.not_in_world = ('10024', '8891')
s.show(a, perform)
