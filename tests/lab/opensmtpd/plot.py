#!/usr/bin/env python3
"""plot.py - what happens to the OpenSMTPD of the lab, scene after scene.

Runs inside the namespaces of lab.sh; writes mail.log, mail.iso and account.json in the current
folder. OpenSMTPD tries a host that refuses connections for eleven seconds before it says so:
that is begun first and waited for last. Its own notifications come as local mail. No client
gets through its TLS (see no_handshake), and without it nobody may log in."""
import os
import re
import ssl

os.environ['LAB_CERT'] = '/etc/opensmtpd/lab.pem'

from account import Account  # noqa: E402
from stage import TIMEOUT_S, Client, Stage, letter, run, until  # noqa: E402

SMTPD, CONF = os.environ['ROOT'] + '/usr/sbin/smtpd', '/etc/opensmtpd/smtpd.conf'
CTL = '/usr/libexec/opensmtpd/smtpctl'
MX, FILTERED = '192.0.2.25', '192.0.2.26'
PEER = 'sender@wordy.example.net'      # whose server takes notifications


class OpenSmtpd(Stage):
    def open(self):
        self.surround()
        self.daemon = self.start(SMTPD, '-F', '-f', CONF)
        self.wait('OpenSMTPD .* starting')
        until('port 10025', self.listens)

    def listens(self):
        try:
            Client('127.0.0.1', 10025, '127.0.0.1').quit()
        except OSError:
            return False
        return True

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(10)
        self.wind_up()

    def outcomes(self, msgid, n, words='Ok|TempFail|PermFail'):
        """Wait for the ends of n deliveries, or attempts at them."""
        self.wait(r'delivery evpid=%s.* result="?(%s)"? ' % (msgid, words), n=n)


class Books(Account):
    def notified(self, n=1):
        """Notifications are mail by the local socket like any other."""
        self(recv_local=n, local_rcpt=n, dlv_ext=n)

    def bytes(self, log):
        """Sizes by smtpd's word: of mails from outside, and of what next hops outside took."""
        outside, size, self.counts['recv_bytes'], self.counts['dlv_bytes'] = set(), {}, 0, 0
        for line in log.splitlines():
            m = re.search(r': (\w{16}) smtp connected address=(\S+)', line)
            if m and not re.match(r'local|127\.', m.group(2)):
                outside.add(m.group(1))
            m = re.search(r': (\w{16}) smtp message msgid=(\w{8}) size=(\d+)', line)
            if m:
                size[m.group(2)] = int(m.group(3))
                if m.group(1) in outside:
                    self.counts['recv_bytes'] += int(m.group(3))
            m = re.search(r'mta delivery evpid=(\w{8}).* relay="(\S+) .*result="Ok"', line)
            if m and not m.group(2).startswith('127.'):
                self.counts['dlv_bytes'] += size[m.group(1)]


a, s = Books(), OpenSmtpd()
scenes, notices = [], [0]


def scene(f):
    scenes.append(f)
    return f


def expect(what, got, want):
    if not got.startswith(want):
        raise SystemExit('%s: got %r, want %r' % (what, got, want))


def hello(server=MX, port=25, source='198.51.100.10', helo='host10.example.net'):
    """A session from outside."""
    client = Client(server, port, source)
    a(conn=1)
    client.told = client.greeting if client.greeting[0] != '2' else client.ask('EHLO ' + helo)
    return client


def send(client, *to, sender=PEER, parameters='', **more):
    """A transaction that is taken: the id."""
    expect('MAIL', client.ask('MAIL FROM:<%s>' % sender), '250')
    for rcpt in to:
        expect('RCPT ' + rcpt, client.ask('RCPT TO:<%s>%s' % (rcpt, parameters)), '250')
    expect('DATA', client.ask('DATA'), '354')
    reply = client.ask(letter(to[0], **more))
    expect('the end of data', reply, '250')
    return re.search(r'(\w{8}) Message accepted', reply).group(1)


def arrives(*to, n=None, server=MX, words='Ok', **more):
    """A mail from outside, taken and delivered: n deliveries."""
    client = hello(server)
    msgid = send(client, *to, **more)
    client.quit()
    a(recv_msg=1, recv_rcpt=len(to))
    if n is not None and n > len(to):
        a.expanded += n - len(to)
    s.outcomes(msgid, n or len(to), words)
    return msgid


def submitted(*to, sender='anna@example.org'):
    """A mail by sendmail(8): the id."""
    at = s.mark()
    code, said = run('/usr/libexec/opensmtpd/sendmail', '-f', sender, *to,
                     text='Subject: cron\n\nAll is well.\n')
    if code != 0:
        raise SystemExit('sendmail: ' + said)
    a(recv_local=1, local_rcpt=len(to))
    line = s.wait(r'envelope evpid=\w+ from=<%s> to=<%s>' % (sender, to[0]), at)[0]
    return re.search(r'evpid=(\w{8})', line).group(1)


def notice():
    """A notification will come and be taken."""
    a.notified()
    notices[0] += 1


def refused(want, *lines, **more):
    """A session in which the last line is answered so."""
    client = hello(**more)
    for line in lines:
        client.told = client.ask(line)
    expect(lines, client.told, want)
    client.close() if want == '421' else client.quit()


# --- mail that arrives ----------------------------------------------------------------
@scene
def one_mailbox():
    arrives('anna@example.org')
    a(dlv_local=1)


@scene
def aliases():
    """One is three: two mailboxes and an address elsewhere."""
    arrives('bert@example.org', 'team@example.org', n=4)
    a(dlv_local=3, dlv_ext=1)


@scene
def virtual_domain():
    arrives('bert@shop.example.org')
    a(dlv_local=1)


@scene
def a_file_and_lmtp():
    arrives('box@example.org', 'x@box.example.org')
    a(dlv_local=2)


@scene
def two_mails_in_a_session():
    client = hello()
    ids = [send(client, 'anna@example.org'), send(client, 'ok@wordy.example.net')]
    client.quit()
    a(recv_msg=2, recv_rcpt=2, dlv_local=1, dlv_ext=1)
    for msgid in ids:
        s.outcomes(msgid, 1)


@scene
def next_hop_by_tls():
    arrives('a@tls.example.net')
    a(tls_out=1, dlv_ext=1)


@scene
def by_sendmail():
    s.outcomes(submitted('bert@example.org', 'ok@wordy.example.net'), 2)
    a(dlv_local=1, dlv_ext=1)


@scene
def success_is_reported():
    arrives('anna@example.org', parameters=' NOTIFY=SUCCESS')
    a(dlv_local=1)
    notice()


# --- through the filter ---------------------------------------------------------------
@scene
def filtered():
    at = s.mark()
    arrives('anna@example.org', 'ok@wordy.example.net', server=FILTERED)
    line = s.wait(r'address=127.0.0.1 ', at)[0]
    session = re.search(r': (\w{16}) smtp', line).group(1)
    line = s.wait(r'%s smtp message' % session, at)[0]
    s.outcomes(re.search(r'msgid=(\w{8})', line).group(1), 2)
    a(dlv_local=1, dlv_ext=1)


@scene
def filter_drops():
    arrives('anna@example.org', 'bert@example.org', server=FILTERED, subject='buy now')
    a(discard=2)


@scene
def filter_refuses():
    arrives('anna@example.org', server=FILTERED, subject='casino', words='PermFail')
    a(bounce_spam_content=1)
    notice()


# --- what fails -------------------------------------------------------------------------
@scene
def next_hop_refuses():
    arrives('gone@wordy.example.net', 'blocked@wordy.example.net', 'quota@wordy.example.net',
            words='PermFail')
    a(bounce_unknown_rcpt=1, bounce_dnsbl=1, bounce_mailbox_full=1)
    notice()


@scene
def next_hop_refuses_at_the_end():
    arrives('spamtrap@wordy.example.net', words='PermFail')
    a(bounce_spam_content=1)
    notice()


@scene
def nobody_to_tell():
    arrives('gone@wordy.example.net', sender='', words='PermFail')
    a(bounce_unknown_rcpt=1)


@scene
def no_such_domain():
    s.outcomes(submitted('x@nowhere.example.net', sender=PEER), 1, 'PermFail')
    a(bounce_dns=1)
    notice()


@scene
def one_of_two_must_wait():
    arrives('ok@wordy.example.net', 'full@wordy.example.net', words='Ok|TempFail')
    a(dlv_ext=1, defer_mailbox_full=1)
    a.open_mails += 1
    a.open_rcpts += 1


@scene
def greylisted_and_tried_again():
    msgid = arrives('grey@wordy.example.net', words='TempFail')
    run(CTL, 'schedule', msgid)
    s.outcomes(msgid, 1, 'Ok')
    a(defer_greylist=1, dlv_ext=1)


@scene
def command_is_busy():
    arrives('anna@busy.example.org', words='TempFail')
    a(defer_resource=1)
    a.open_mails += 1
    a.open_rcpts += 1


@scene
def command_knows_nobody():
    arrives('anna@gone.example.org', words='PermFail')
    a(bounce_unknown_rcpt=1)
    notice()


@scene
def removed_by_hand():
    msgid = arrives('full@wordy.example.net', words='TempFail')
    run(CTL, 'remove', msgid)
    s.wait('relay: Remove for ' + msgid)
    a(defer_mailbox_full=1, discard=1)


def begin_to_expire():
    return arrives('full@brief.example.net', words='TempFail')


def expired(msgid):
    s.wait('relay: Expire for ' + msgid)
    a(defer_mailbox_full=1, expire=1)
    notice()


def begin_with_a_dead_host():
    return submitted('x@dead.example.net')


def dead(msgid):
    s.outcomes(msgid, 1, 'TempFail')
    a(defer_remote_conn=1)
    a.open_mails += 1
    a.open_rcpts += 1


# --- what is refused ----------------------------------------------------------------------
@scene
def recipients():
    for to in ('nosuch@example.org', 'x@elsewhere.example', 'x@shop.example.org'):
        refused('5', 'MAIL FROM:<%s>' % PEER, 'RCPT TO:<%s>' % to)
        a(rej_unknown_rcpt=1)


@scene
def one_of_two_recipients():
    client = hello()
    client.ask('MAIL FROM:<%s>' % PEER)
    expect('RCPT', client.ask('RCPT TO:<nosuch@example.org>'), '550')
    client.ask('RSET')
    s.outcomes(send(client, 'anna@example.org'), 1)
    client.quit()
    a(recv_msg=1, recv_rcpt=1, rej_unknown_rcpt=1, dlv_local=1)


@scene
def filters():
    refused('550', helo='one-word')
    refused('554', 'MAIL FROM:<x@spam.example.net>')
    refused('550', source='203.0.113.200')
    refused('421', source='203.0.113.210')
    a(rej_helo=1, rej_spam_content=1, rej_rdns=1, tmp_rdns=1)


@scene
def too_big():
    client = hello()
    client.ask('MAIL FROM:<%s>' % PEER)
    client.ask('RCPT TO:<anna@example.org>')
    client.ask('DATA')
    expect('too big', client.ask(letter('anna@example.org', more=('x' * 70 + '\r\n') * 400)), '554')
    client.quit()
    a(rej_size=1)


@scene
def without_tls():
    refused('530', 'MAIL FROM:<anna@example.org>', port=587)
    a(rej_tls_required=1)


@scene
def no_smtp():
    refused('500', 'GET / HTTP/1.1')
    refused('503', 'RCPT TO:<anna@example.org>')
    refused('501', helo='bad name')
    a(rej_protocol=2, rej_helo=1)


@scene
def too_fast():
    client = hello()
    client.send('RSET\r\nNOOP')
    expect('pipelining', client.reply(), '500')
    client.close()
    a(rej_protocol=1)


@scene
def quotes():
    """A command that imitates the end of its own line."""
    refused('500', 'NOPE " result="250 2.0.0 Ok')
    a(rej_protocol=1)


@scene
def passwords():
    """Nobody is asked for one without TLS."""
    refused('503', 'AUTH LOGIN')
    refused('503', 'AUTH PLAIN AGFubmEAc2VjcmV0', port=587)
    a(auth_fail=2)


# --- how sessions end ------------------------------------------------------------------------
@scene
def hangs_up():
    at = s.mark()
    hello().close()
    s.wait('reason=disconnect', at)
    a(lost=1)


@scene
def no_handshake():
    """Debian's 6.8.0p2 cannot use its key with OpenSSL 3: every client's handshake fails."""
    client = hello()
    at = s.mark()
    try:
        client.starttls()
        raise SystemExit('TLS works: write scenes of logins and of mail by TLS')
    except ssl.SSLError:
        s.wait('smtp disconnected reason="io-error: ', at)
    a(tls_fail=1)


def perform():
    slow = begin_with_a_dead_host()
    brief = begin_to_expire()
    s.play(scenes)
    print('expired', flush=True)
    expired(brief)
    print('notices', flush=True)
    s.wait('mta delivery .* from=<> to=<%s> .*result="Ok"' % PEER, n=notices[0])
    print('dead', flush=True)
    dead(slow)


assert TIMEOUT_S >= 12          # the host that refuses connections
s.show(a, perform)
