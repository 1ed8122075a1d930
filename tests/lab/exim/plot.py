#!/usr/bin/env python3
"""plot.py - what happens to the Exim of the lab, scene after scene.

Runs inside the namespaces of lab.sh; writes mail.log, mail.iso, mainlog, rejectlog and account.json
in the current folder. Exim logs to syslog and to its own files at once, so each refusal is there
four times."""
import base64
import glob
import os
import re
import shutil

os.environ['LAB_CERT'] = '/etc/exim4/lab.pem'

from account import Account  # noqa: E402
from stage import Client, Stage, letter, run  # noqa: E402

EXIM = os.environ['ROOT'] + '/usr/sbin/exim4'
MX, FILTERED = '192.0.2.25', '192.0.2.26'
PEER = 'sender@wordy.example.net'      # whose server takes notifications
ALIASES = """team: anna, bert, ok@wordy.example.net
same: anna
bin: :blackhole:
box: /var/mail/box
cat: "|/bin/cat"
closed: :fail: this list is closed
"""


class Exim(Stage):
    def open(self):
        with open('/etc/exim4/aliases', 'w') as f:
            f.write(ALIASES)
        self.surround()
        self.daemon = self.start(EXIM, '-bdf', '-q30m')
        self.wait('daemon started')

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(10)
        self.wind_up()
        for name in glob.glob('/var/log/exim4/*log'):
            shutil.copy(name, '.')

    def done(self, mail, word='Completed'):
        self.wait(r'%s %s' % (mail, word))

    def until(self, mail, pattern, n=1):
        return self.wait(r'%s %s' % (mail, pattern), n=n)


class Books(Account):
    def bytes(self, log):
        """Sizes by the word of "<=": of mails from outside, and of what next hops outside took."""
        size, self.counts['recv_bytes'], self.counts['dlv_bytes'] = {}, 0, 0
        for line in log.splitlines():
            m = re.search(r' (\w{6}-\w{6}-\w\w|\w{6}-\w{11}-\w{4}) (<=|=>|->|>>) (.*)', line)
            if not m:
                continue
            mail, flag, text = m.groups()
            if flag == '<=':
                n = int(re.findall(r' S=(\d+)', text)[-1])    # a HELO name may have one
                size[mail] = n
                if ' H=' in text and '[127.0.0.1]:' not in text:
                    self.counts['recv_bytes'] += n
            elif ' H=' in text and ' [127.0.0.1]' not in text:
                self.later.append(mail)
        self.counts['dlv_bytes'] = sum(size[mail] for mail in self.later)

    later = []


a, s = Books(), Exim()
scenes = []


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


def send(client, *to, sender=PEER, **more):
    """A transaction that is taken: the id."""
    expect('MAIL', client.ask('MAIL FROM:<%s>' % sender), '250')
    for rcpt in to:
        expect('RCPT ' + rcpt, client.ask('RCPT TO:<%s>' % rcpt), '250')
    expect('DATA', client.ask('DATA'), '354')
    reply = client.ask(letter(to[0], **more))
    expect('the end of data', reply, '250')
    return re.search(r'id=(\S+)', reply).group(1)


def arrives(*to, server=MX, word='Completed', **more):
    """A mail from outside, taken and brought to an end: its id."""
    client = hello(server)
    mail = send(client, *to, **more)
    client.quit()
    a(recv_msg=1, recv_rcpt=len(to))
    s.done(mail, word)
    return mail


def submitted(*to, sender='anna@example.org'):
    at = s.mark()
    code, said = run(EXIM, '-f', sender, *to, text='Subject: cron\n\nAll is well.\n')
    if code != 0:
        raise SystemExit('exim: ' + said)
    a(recv_local=1, local_rcpt=len(to))
    line = s.wait(r' <= %s .*P=local' % sender, at)[0]
    return re.search(r'(\S+) <= ', line).group(1)


def notice(mail):
    """A notification about it, and that it is taken."""
    line = s.wait(r' <= <> R=%s ' % mail)[0]
    s.done(re.search(r'(\S+) <= ', line).group(1))
    a.notified()


def by_hand(*command):
    code, said = run(EXIM, *command)
    if code != 0:
        raise SystemExit('exim %s: %s' % (' '.join(command), said))


def refused(want, *lines, **more):
    """A session in which the last line is answered so."""
    client = hello(**more)
    for line in lines:
        client.told = client.ask(line)
    expect(lines, client.told, want)
    client.quit()


# --- mail that arrives ----------------------------------------------------------------
@scene
def one_mailbox():
    arrives('anna@example.org')
    a(dlv_local=1)


@scene
def aliases():
    """One is three: two mailboxes and an address elsewhere."""
    arrives('team@example.org')
    a.expanded += 2
    a(dlv_local=2, dlv_ext=1)


@scene
def two_are_one():
    """An alias and what it stands for: delivered once."""
    arrives('same@example.org', 'anna@example.org')
    a.expanded -= 1
    a(dlv_local=1)


@scene
def several_in_one_transmission():
    arrives('ok@wordy.example.net', 'fine@wordy.example.net', 'anna@example.org')
    a(dlv_ext=2, dlv_local=1)


@scene
def nowhere():
    arrives('bin@example.org')
    a(discard=1)


@scene
def all_of_it_nowhere():
    arrives('anna@example.org', 'bert@example.org', subject='void')
    a(discard=2)


@scene
def file_and_command():
    arrives('box@example.org', 'cat@example.org')
    a(dlv_local=2)


@scene
def by_lmtp():
    arrives('stored@example.org')
    a(dlv_local=1)


@scene
def while_it_comes():
    arrives('cut@wordy.example.net')
    a(dlv_ext=1)


@scene
def two_mails_in_a_session():
    client = hello()
    ids = [send(client, 'anna@example.org'), send(client, 'ok@wordy.example.net')]
    client.quit()
    a(recv_msg=2, recv_rcpt=2, dlv_local=1, dlv_ext=1)
    for mail in ids:
        s.done(mail)


@scene
def next_hop_by_tls():
    arrives('a@tls.example.net')
    a(tls_out=1, dlv_ext=1)


@scene
def client_by_tls():
    client = hello()
    client.starttls()
    client.ask('EHLO host10.example.net')
    mail = send(client, 'anna@example.org')
    client.quit()
    s.done(mail)
    a(tls_in=1, recv_msg=1, recv_rcpt=1, dlv_local=1)


@scene
def logged_in():
    client = hello(port=587)
    expect('AUTH', client.ask('AUTH PLAIN ' + base64.b64encode(b'\0anna\0secret').decode()), '235')
    mail = send(client, 'ok@wordy.example.net', 'x@wordy.example.net', sender='anna@example.org')
    client.quit()
    s.done(mail)
    a(auth_ok=1, auth_rcpt=2, recv_msg=1, recv_rcpt=2, dlv_ext=2)


@scene
def by_sendmail():
    s.done(submitted('bert@example.org', 'ok@wordy.example.net'))
    a(dlv_local=1, dlv_ext=1)


# --- through the filter ---------------------------------------------------------------
@scene
def filtered():
    mail = arrives('anna@example.org', 'ok@wordy.example.net', server=FILTERED)
    line = s.until(mail, '=> .*10025.* id=')[0]
    s.done(re.search(r' id=([-\w]+)', line).group(1))
    a(dlv_local=1, dlv_ext=1)


@scene
def filter_drops():
    arrives('anna@example.org', 'bert@example.org', server=FILTERED, subject='buy now')
    a(discard=2)


@scene
def filter_refuses():
    mail = arrives('anna@example.org', server=FILTERED, subject='casino')
    a(bounce_spam_content=1)
    notice(mail)


# --- what fails -------------------------------------------------------------------------
@scene
def next_hop_refuses():
    mail = arrives('gone@wordy.example.net', 'blocked@wordy.example.net', 'quota@wordy.example.net')
    a(bounce_unknown_rcpt=1, bounce_dnsbl=1, bounce_mailbox_full=1)
    notice(mail)


@scene
def next_hop_refuses_at_the_end():
    mail = arrives('spamtrap@wordy.example.net')
    a(bounce_spam_content=1)
    notice(mail)


@scene
def list_is_closed():
    mail = submitted('closed@example.org', sender=PEER)
    s.done(mail)
    a(bounce_other=1)
    notice(mail)


@scene
def no_such_domain():
    mail = submitted('x@nowhere.example.net', sender=PEER)
    s.done(mail)
    a(bounce_unknown_rcpt=1)
    notice(mail)


@scene
def nobody_to_tell():
    arrives('gone@wordy.example.net', sender='', word='Frozen')
    a(bounce_unknown_rcpt=1, held=1)
    a.open_mails += 1


@scene
def one_of_two_must_wait():
    arrives('ok@wordy.example.net', 'full@wordy.example.net', word='==')
    a(dlv_ext=1, defer_mailbox_full=1)
    a.open_mails += 1
    a.open_rcpts += 1


@scene
def mailbox_is_full():
    arrives('carla@example.org', word='==')
    a(defer_mailbox_full=1)
    a.open_mails += 1
    a.open_rcpts += 1


@scene
def nobody_listens():
    arrives('x@dead.example.net', word='==')
    a(defer_remote_conn=1)
    a.open_mails += 1
    a.open_rcpts += 1


@scene
def not_yet():
    """The host is known to be dead: no attempt."""
    arrives('y@dead.example.net', word='==')
    a.open_mails += 1
    a.open_rcpts += 1


@scene
def given_up():
    """Its retry rule says: once."""
    mail = arrives('x@soft.example.net')
    a(defer_remote_conn=1, expire=1)
    notice(mail)


@scene
def greylisted_and_tried_again():
    mail = arrives('grey@wordy.example.net', word='==')
    by_hand('-M', mail)
    s.done(mail)
    a(defer_greylist=1, dlv_ext=1)


@scene
def frozen_by_an_acl():
    arrives('anna@example.org', subject='freeze', word='frozen by')
    a(held=1)
    a.held_rcpts += 1


@scene
def frozen_and_thawed():
    mail = arrives('anna@example.org', subject='freeze', word='frozen by')
    by_hand('-Mt', mail)
    by_hand('-M', mail)
    s.done(mail)
    a(held=1, dlv_local=1)


@scene
def removed_by_hand():
    mail = arrives('full@wordy.example.net', word='==')
    by_hand('-Mrm', mail)
    s.done(mail, 'removed by')
    a(defer_mailbox_full=1, discard=1)


@scene
def cancelled_by_hand():
    mail = arrives('full@wordy.example.net', word='==')
    by_hand('-Mg', mail)
    s.done(mail)
    a(defer_mailbox_full=1, expire=1)
    notice(mail)


# --- what is refused ----------------------------------------------------------------------
@scene
def recipients():
    for to, why in (('nosuch@example.org', 'rej_unknown_rcpt'), ('x@elsewhere.example', 'rej_relay_denied')):
        refused('550', 'MAIL FROM:<%s>' % PEER, 'RCPT TO:<%s>' % to)
        a(**{why: 1})


@scene
def sender_does_not_exist():
    """Two lines, one refusal."""
    refused('550', 'MAIL FROM:<x@nowhere.example.net>', 'RCPT TO:<anna@example.org>')
    a(rej_unknown_sender=1)


@scene
def later():
    refused('451', 'MAIL FROM:<%s>' % PEER, 'RCPT TO:<grey@example.org>')
    a(tmp_greylist=1)


@scene
def on_a_list():
    refused('550', 'MAIL FROM:<%s>' % PEER, 'RCPT TO:<anna@example.org>', source='203.0.113.60')
    a.listed('bl.example.org')


@scene
def by_its_name():
    refused('550', helo='oneword')
    a(rej_helo=1)


@scene
def by_its_address():
    client = hello(source='203.0.113.200')
    expect('greeting', client.greeting, '550')
    client.close()
    a(rej_rdns=1)


@scene
def content():
    for subject, why in (('virus', {'rej_virus': 1, 'virus': 1}), ('casino', {'rej_spam_content': 1}),
                         ('later', {'tmp_resource': 1})):
        client = hello()
        client.ask('MAIL FROM:<%s>' % PEER)
        client.ask('RCPT TO:<anna@example.org>')
        client.ask('DATA')
        expect(subject, client.ask(letter('anna@example.org', subject=subject)), '45' if subject == 'later' else '55')
        client.quit()
        a(**why)


@scene
def too_big():
    refused('552', 'MAIL FROM:<%s> SIZE=99999' % PEER)
    client = hello()
    client.ask('MAIL FROM:<%s>' % PEER)
    client.ask('RCPT TO:<anna@example.org>')
    client.ask('DATA')
    expect('too big', client.ask(letter('anna@example.org', more=('x' * 70 + '\r\n') * 400)), '552')
    client.quit()
    a(rej_size=2)


@scene
def too_many_recipients():
    refused('552', 'MAIL FROM:<%s>' % PEER, *['RCPT TO:<anna@example.org>'] * 6)
    a(rej_ratelimit=1)


@scene
def dropped_at_the_door():
    """One recipient of two is taken and thrown away."""
    client = hello()
    mail = send(client, 'anna@example.org', 'thrown@example.org')
    client.quit()
    s.done(mail)
    a(recv_msg=1, recv_rcpt=1, dlv_local=1)
    a.dropped_early()


@scene
def passwords():
    client = hello(port=587)
    expect('AUTH', client.ask('AUTH PLAIN ' + base64.b64encode(b'\0anna\0wrong').decode()), '535')
    client.quit()
    refused('550', 'MAIL FROM:<anna@example.org>', 'RCPT TO:<ok@wordy.example.net>', port=587)
    a(auth_fail=1, rej_auth_required=1)


@scene
def no_smtp():
    client = Client(MX, 25, '198.51.100.67', greet=False)
    client.send('GET / HTTP/1.1')
    expect('synchronization', client.reply(), '554')
    client.close()
    a(conn=1, rej_protocol=1)
    refused('501', helo='bad name')
    a(rej_helo=1)
    client = hello()
    for _ in range(4):
        reply = client.ask('NOPE')
    expect('too many', reply, '500 Too many')
    client.close()
    a(ratelimit=1)


@scene
def imitates_a_line():
    """A HELO name that is let through, with the end of another line in it."""
    client = hello(source='198.51.100.66', helo='x.y) [127.0.0.1] P=esmtp S=1 id=a')
    mail = send(client, 'anna@example.org')
    client.quit()
    s.done(mail)
    a(recv_msg=1, recv_rcpt=1, dlv_local=1)


# --- how sessions end ------------------------------------------------------------------------
@scene
def hangs_up():
    at = s.mark()
    hello().close()
    s.wait('SMTP connection from .* lost', at)
    client = hello()
    client.ask('MAIL FROM:<%s>' % PEER)
    client.close()
    s.wait('unexpected disconnection', at)
    a(lost=2)


@scene
def says_nothing():
    at = s.mark()
    client = hello()
    s.wait('SMTP command timeout', at)
    client.close()
    a(timeout=1)


@scene
def no_handshake():
    client = hello()
    at = s.mark()
    client.ask('STARTTLS')
    client.send(b'\x16\x03\x01\x00\x05hello')
    client.close()
    s.wait('TLS error on connection', at)
    a(tls_fail=1)


s.show(a, lambda: s.play(scenes), counted='mainlog')       # its own files have fewer lines
