#!/usr/bin/env python3
"""plot.py - what happens to a Postfix that asks postgrey, policyd-spf, OpenDKIM, OpenDMARC and
Dovecot, scene after scene.

Runs inside the namespaces of lab.sh; writes mail.log, mail.iso and account.json in the current
folder. Several programs speak of each thing that is done here, and it is entered once."""
import imaplib
import os
import re
import signal
import subprocess
import time
from email.utils import formatdate

os.environ['LAB_TEXTS'] = '/etc/dovecot-lab/texts'

from account import Account  # noqa: E402
from stage import IN, Client, Stage, letter, queued, run, swaks, until  # noqa: E402

CONF = '/etc/dovecot-lab/'
GREY, CHECKED, SUBMIT = '192.0.2.25', '192.0.2.26', '192.0.2.25:587'
DELAY_S = 1


class Advised(Stage):
    """A Postfix and its advisers."""

    def open(self):
        self.surround()
        self.advisers = [
            self.start('dovecot', '-F', '-c', CONF + 'dovecot.conf'),
            self.start('opendkim', '-f', '-x', CONF + 'opendkim.conf'),
            self.start('opendmarc', '-f', '-c', CONF + 'opendmarc.conf')]
        self.pid = '/var/spool/postgrey/pid'
        code, said = run('postgrey', '-d', '--inet=127.0.0.1:10023', '--dbdir=/var/spool/postgrey',
                         '--pidfile=' + self.pid, '--user=postgrey', '--group=postgrey',
                         '--delay=%d' % DELAY_S)
        if code != 0:
            raise SystemExit('postgrey: ' + said)
        for port in (143, 2425, 12346, 8892, 8893, 10023):
            until('port %d' % port, lambda port=port: self.listens(port))
        code, said = run('postfix', '-c', IN, 'start')
        if code != 0:
            raise SystemExit('postfix start: ' + said)
        self.wait(r'postfix/master.*daemon started')

    @staticmethod
    def listens(port):
        """Without a connection: a login process would log it."""
        with open('/proc/net/tcp') as f:
            return any(line.split()[1].endswith(':%04X' % port) and line.split()[3] == '0A'
                       for line in f.readlines()[1:])

    def close(self):
        for process in self.advisers:       # OpenDMARC takes its time
            process.terminate()
        with open(self.pid) as f:
            os.kill(int(f.read()), signal.SIGTERM)
        run('postfix', '-c', IN, 'stop')
        self.wait(r'postfix/master.*terminating')
        for process in self.advisers:
            process.wait(15)
        self.wind_up()


a, s = Account(), Advised()


def expect(what, got, want):
    if got != want:
        raise SystemExit('%s: got %r, want %r' % (what, got, want))


def sent(server, to, text, source='198.51.100.11', sender='someone@example.net'):
    """A session with a letter of ours: the last reply."""
    client = Client(server, source=source)
    a(conn=1)
    for line in ('EHLO host11.example.net', 'MAIL FROM:<%s>' % sender, 'RCPT TO:<%s>' % to):
        reply = client.ask(line)
    if reply.startswith('250'):
        expect('DATA', client.ask('DATA')[:3], '354')
        reply = client.ask(text)
    client.quit()
    return reply


def stored(reply):
    """Taken, and in a mailbox."""
    expect('the end of the letter', reply[:3], '250')
    s.gone(queued(reply))
    a(recv_msg=1, recv_rcpt=1, dlv_local=1)


def signed():
    """A letter with a signature of example.net."""
    text = letter('anna@example.org', more='Date: %s\r\n' % formatdate())
    done = subprocess.run(['opendkim-testmsg', '-C', '-d', 'example.net', '-s', 'lab', '-k', '/etc/dkim/lab.private'],
                          input=text[:-3], capture_output=True, timeout=10)
    expect('opendkim-testmsg: %r' % done.stderr, done.returncode, 0)
    return re.sub(b'\r?\n', b'\r\n', done.stdout) + b'.\r\n'


# --- scenes ------------------------------------------------------------------------------
def greylisted_then_passed():
    for address in ('anna@example.org', 'bert@example.org'):
        began = time.monotonic()
        code, _ = swaks(GREY, address, source='198.51.100.12')
        expect('first try', code, '450')
        a(conn=1, tmp_greylist=1)
        until('postgrey to let it pass', lambda began=began: time.monotonic() > began + DELAY_S + 1)
        code, queue_id = swaks(GREY, address, source='198.51.100.12')
        expect('second try', code, '250')
        s.gone(queue_id)
        a.took()
        a(dlv_local=1)
        s.wait(r'postgrey\[\d+\]: action=pass, .*recipient=' + address)


def verified():
    stored(sent(CHECKED, 'anna@example.org', signed()))
    s.wait('opendkim.*: DKIM verification successful')
    s.wait('opendmarc.*: example.net pass')


def unsigned_and_rejected():
    text = letter('anna@example.org', sender='boss@strict.example.net')
    expect('DMARC', sent(CHECKED, 'anna@example.org', text)[:9], '550 5.7.1')
    a(rej_dmarc=1)
    s.wait('opendmarc.*: strict.example.net fail')


def changed_on_the_way():
    text = signed().replace(b'few words', b'few other words')
    expect('DKIM', sent(CHECKED, 'anna@example.org', text)[:9], '550 5.7.1')
    a(rej_dmarc=1)
    s.wait('opendkim.*: bad signature data')


def not_a_sender():
    reply = sent(CHECKED, 'anna@example.org', b'', sender='boss@strict.example.net')
    expect('SPF', reply[:10], '550 5.7.23')
    a(rej_spf=1)


def submitted_and_signed():
    code, queue_id = swaks(SUBMIT, 'one@wordy.example.net', '--auth', 'PLAIN', '--auth-user', 'anna@example.org',
                           '--auth-password', 'secret', sender='anna@example.org')
    expect('submission', code, '250')
    s.gone(queue_id)
    a.took()
    a(auth_ok=1, auth_rcpt=1, dlv_ext=1)
    s.wait('opendkim.*%s: DKIM-Signature field added' % queue_id)


def wrong_password_by_smtp():
    for user in ('anna@example.org', 'nobody@example.org'):
        code, _ = swaks(SUBMIT, 'one@wordy.example.net', '--auth', 'PLAIN', '--auth-user', user,
                        '--auth-password', 'wrong', sender='anna@example.org')
        expect('wrong password', code, '535')
        a(conn=1, auth_fail=1)
    s.wait(r'dovecot: auth: .*(unknown user|[Pp]assword mismatch)', n=2)


def imap(*tries):
    """One session that logs in with each user and password of these."""
    at = s.mark()
    box = imaplib.IMAP4('192.0.2.25', timeout=10, port=143)
    good = bad = 0
    for user, password in tries:
        try:
            box.login(user, password)
            good += 1
        except imaplib.IMAP4.error:
            bad += 1
    if good:
        expect('mailbox', box.select()[0], 'OK')
    box.logout()
    s.wait(r'dovecot: imap-login: .*session=', at)
    return good, bad


def imap_logins():
    expect('IMAP', imap(('anna@example.org', 'secret')), (1, 0))
    expect('IMAP', imap(('bert@example.org', 'secret')), (1, 0))
    a(login_ok=2)


def imap_wrong_passwords():
    expect('IMAP', imap(('anna@example.org', 'wrong'), ('anna@example.org', 'wronger')), (0, 2))
    expect('IMAP', imap(('nobody@example.org', 'secret')), (0, 1))
    a(login_fail=3)
    s.wait(r'imap-login: .*auth failed, 2 attempts')


def perform():
    s.play((greylisted_then_passed, verified, unsigned_and_rejected, changed_on_the_way, not_a_sender,
            submitted_and_signed, wrong_password_by_smtp, imap_logins, imap_wrong_passwords), every=4)


s.show(a, perform)
