#!/usr/bin/env python3
"""plot.py - what happens in the lab of Sendmail, scene after scene.

Runs inside the namespaces of lab.sh; writes mail.log, mail.iso and account.json in the
current folder. LOGLEVEL is the daemon's: from 11 on it tells of connections."""
import base64
import os
import re
import socketserver
import struct
import subprocess
import threading
import time

os.environ['LAB_CERT'] = '/etc/lab.pem'

from account import Account  # noqa: E402
from stage import Client, Stage, clients, letter, run, until  # noqa: E402

SENDMAIL, CF, SUBMIT = os.environ['SENDMAIL'], '/etc/mail/sendmail.cf', '/etc/mail/submit.cf'
MX, MILTER = '192.0.2.25', '192.0.2.26'
TELLS_SESSIONS = int(os.environ.get('LOGLEVEL', '9')) > 10

scenes = []


def scene(f):
    scenes.append(f)
    return f


class Books(Account):
    def bytes(self, log):
        """Sizes by Sendmail's word: of mails that came from outside and were taken, and of what
        next hops outside took. Of its own notifications it prints none."""
        size, outside, refused, taken = {}, set(), set(), 0
        for queue_id, n, relay in re.findall(r': (\w+): from=.*?, size=(\d+), .*msgid=.*, relay=(.*)', log):
            size[queue_id] = int(n)
            if '[' in relay and '[127.' not in relay:
                outside.add(queue_id)
        for queue_id, to, rest in re.findall(r': (\w+): to=(\S*), (.*)', log):
            if 'mailer=' not in rest and 'discarded' not in rest:
                refused.add(queue_id)
            elif 'mailer=esmtp' in rest and 'stat=Sent' in rest and '[127.' not in rest:
                taken += size.get(queue_id, 0) * (to.count(',') + 1)
        self.counts['recv_bytes'] = sum(size[q] for q in outside - refused)
        self.counts['dlv_bytes'] = taken


class SaslAuthd(socketserver.StreamRequestHandler):
    """What Cyrus SASL asks for passwords: "secret" is always right."""

    def handle(self):
        words = [self.rfile.read(struct.unpack('>H', self.rfile.read(2))[0]) for _ in range(4)]
        said = b'OK' if words[1] == b'secret' else b'NO'
        self.wfile.write(struct.pack('>H', len(said)) + said)


class Sendmail(Stage):
    def open(self):
        passwords = socketserver.ThreadingUnixStreamServer('/dev/saslauthd', SaslAuthd)
        threading.Thread(target=passwords.serve_forever, daemon=True).start()
        self.surround()
        self.sinks['101'] = self.start('smtp-sink', '-u', 'nobody', '-c', '203.0.113.101:25', '200',
                                       stdout=subprocess.DEVNULL)
        self.daemon = self.start(SENDMAIL, '-C', CF, '-L', 'sm-mta', '-bD')
        self.wait('starting daemon')
        until('port 25', listening)
        # what was rotated away before it began is not mxgauged's
        until('mxgauged to begin', lambda: not self.mxgauge or self.lines_read() > 0)

    def close(self):
        self.daemon.terminate()
        self.daemon.wait(10)
        self.wind_up()


def listening():
    try:
        Client('127.0.0.1', source='127.0.0.1').close()
        return True
    except OSError:
        return False


a, s = Books(), Sendmail()


def expect(what, got, want):
    if got != want:
        raise SystemExit('%s: got %r, want %r' % (what, got, want))


def connect(source=None, server=MX, port=25):
    source = source or next(clients)
    client = Client(server, port, source)
    if TELLS_SESSIONS and not source.startswith('127.'):
        a(conn=1)
    client.ask('EHLO host%s.example.net' % source.rpartition('.')[2])
    return client


def send(client, to, sender='someone@example.net', **more):
    """A transaction: the code of each command as one text, and the queue id or None."""
    said = [client.ask('MAIL FROM:<%s>' % sender)]
    if said[0].startswith('2'):
        said += [client.ask('RCPT TO:<%s>' % r) for r in to]
    queue_id = None
    if any(x.startswith('2') for x in said[1:]):
        said.append(client.ask('DATA'))
        if said[-1].startswith('354'):
            said.append(client.ask(letter(to[0], sender=sender, **more)))
            found = re.match(r'250 2\.0\.0 (\w+) Message accepted', said[-1])
            queue_id = found and found.group(1)
    return ' '.join(x[:3] for x in said), queue_id


def transaction(want, *to, source=None, server=MX, port=25, **more):
    """One session, one mail; want: the codes of MAIL, each RCPT, DATA and the end."""
    client = connect(source, server, port)
    said, queue_id = send(client, to, **more)
    expect('mail to %s' % (to,), said, want)
    client.quit()
    return queue_id


def took(rcpts=1):
    a(recv_msg=1, recv_rcpt=rcpts)


def accepted(*to, **more):
    queue_id = transaction(' '.join(['250'] * (1 + len(to)) + ['354', '250']), *to, **more)
    took(len(to))
    return queue_id


def done(queue_id, n=1, how='Sent'):
    """Wait for n lines about deliveries of a mail."""
    return s.wait(r': %s: to=.* stat=%s' % (queue_id, how), 0, n)


def notified(queue_id, n=1):
    """Wait until a mail's notifications have been delivered."""
    for line in s.wait(r': %s: \w+: (DSN|sender notify|return to sender|postmaster notify): ' % queue_id, 0, n):
        done(line.split(': ')[2])


def run_queue(*options):
    code, said = run(SENDMAIL, '-C', CF, '-L', 'sm-mta', *options)
    if code != 0:
        raise SystemExit('queue run: ' + said)


def delivered_later(queue_id, n=1):
    """Run the queue until n deliveries are logged: a run passes over a mail that the last one still holds."""
    def ran():
        run_queue('-qI' + queue_id)
        return len(re.findall(': %s: to=.* stat=Sent' % queue_id, s.log())) >= n
    until('%d deliveries of %s' % (n, queue_id), ran)


# --- mail that arrives ------------------------------------------------------------------
@scene
def one_recipient():
    done(accepted('one@good.example.net', source='127.0.0.1', server='127.0.0.1'))
    a(recv_msg=-1, recv_rcpt=-1, recv_local=1, local_rcpt=1, dlv_ext=1)


@scene
def many_recipients():
    done(accepted('anna@example.org', 'bert@example.org', 'carla@example.org'), 3)
    a(dlv_local=3)


@scene
def aliases():
    done(accepted('team@example.org'), 3)
    a(dlv_local=2, dlv_ext=1)
    a.expanded += 2
    done(accepted('archive@example.org', 'program@example.org'), 2)
    a(dlv_local=2)


@scene
def a_list_with_an_owner():
    queue_id = accepted('list@example.org', 'bert@example.org')
    line = s.wait(r': %s: \w+: clone: owner=' % queue_id)[0]
    done(line.split(': ')[2], 2)
    done(queue_id, 1)
    a(dlv_local=2, dlv_ext=2)
    a.expanded += 2


@scene
def submitted_with_a_password():
    client = connect(port=587)
    client.starttls()
    client.ask('EHLO pc.example.net')
    expect('wrong password', client.ask('AUTH PLAIN ' + plain('anna', 'wrong'))[:3], '535')
    expect('password', client.ask('AUTH PLAIN ' + plain('anna', 'secret'))[:3], '235')
    said, queue_id = send(client, ['one@good.example.net', 'bert@example.org'])
    expect('submission', said, '250 250 250 354 250')
    client.quit()
    done(queue_id, 2)
    took(2)
    a(tls_in=1, auth_fail=1, auth_ok=1, auth_rcpt=2, dlv_ext=1, dlv_local=1)


def plain(user, password):
    return base64.b64encode(('\0%s\0%s' % (user, password)).encode()).decode()


@scene
def submitted_by_command():
    """The submission program hands over to the daemon; one mail, two queue ids."""
    at = s.mark()
    code, said = run(SENDMAIL, '-C', SUBMIT, '-Ac', '-f', 'root@example.org', 'anna@example.org',
                     'one@good.example.net', text='Subject: cron\n\nAll is well.\n')
    expect('sendmail: ' + said, code, 0)
    line = s.wait(r'Message accepted for delivery\)', at)[0]
    done(re.search(r'Sent \((\w+) Message', line).group(1), 2)
    a(recv_local=1, local_rcpt=2, dlv_local=1, dlv_ext=1, tls_in=1, tls_out=1)


@scene
def without_message_id():
    client = connect()
    client.ask('MAIL FROM:<someone@example.net>')
    client.ask('RCPT TO:<anna@example.org>')
    client.ask('DATA')
    said = client.ask(b'Subject: no id\r\n\r\nA few words.\r\n.\r\n')
    client.quit()
    done(said.split()[2])
    took()
    a(dlv_local=1)


@scene
def two_in_one_session():
    client = connect()
    for to in ('anna@example.org', 'bert@example.org'):
        said, queue_id = send(client, [to])
        expect('mail', said, '250 250 354 250')
        done(queue_id)
        took()
        a(dlv_local=1)
    client.quit()


@scene
def by_tls():
    done(accepted('x@tls.example.net', source='127.0.0.1', server='127.0.0.1'))
    a(recv_msg=-1, recv_rcpt=-1, recv_local=1, local_rcpt=1, dlv_ext=1, tls_out=1)


# --- mail that is refused ---------------------------------------------------------------
@scene
def relaying():
    transaction('250 550', 'one@good.example.net')
    a(rej_relay_denied=1)


@scene
def unknown_users():
    done(transaction('250 550 250 354 250', 'nosuch@example.org', 'anna@example.org'))
    took()
    a(rej_unknown_rcpt=1, dlv_local=1)


@scene
def by_access_map():
    transaction('550', 'anna@example.org', sender='x@spam.example.net')
    a(rej_policy=1)
    transaction('250 550', 'off@example.org')
    a(rej_unknown_rcpt=1)
    transaction('451', 'anna@example.org', sender='grey@example.net')
    a(tmp_greylist=1)
    client = connect('203.0.113.50')
    expect('access', client.ask('MAIL FROM:<someone@example.net>')[:3], '550')
    client.quit()
    a(rej_policy=1)


@scene
def by_block_list():
    client = connect('203.0.113.60')
    expect('dnsbl', client.ask('MAIL FROM:<someone@example.net>')[:3], '550')
    client.quit()
    a.listed('bl.example.org')


@scene
def senders():
    transaction('553', 'anna@example.org', sender='x@nowhere.example.net')
    transaction('553', 'anna@example.org', sender='nodomain')
    a(rej_unknown_sender=2)
    transaction('451', 'anna@example.org', sender='x@trouble.example.net')
    a(tmp_unknown_sender=1)


@scene
def too_many_recipients():
    to = ['anna@example.org'] * 5
    done(transaction('250 250 250 250 250 250 452 354 250', *to, 'bert@example.org'))
    took(1)         # the others are copies of the first
    a(tmp_ratelimit=1, dlv_local=1)


@scene
def early_talker():
    client = Client(MX, source='203.0.113.9', greet=False)
    client.send('EHLO early.example.net')
    if TELLS_SESSIONS:
        a(conn=1)
    expect('greeting', client.reply()[:3], '554')
    client.close()
    s.wait('pre-greeting traffic')
    a(rej_protocol=1)


@scene
def by_header():
    transaction('250 250 354 554', 'anna@example.org', subject='the casino calls')
    a(rej_policy=1)


@scene
def too_large():
    transaction('250 250 354 552', 'anna@example.org', more='X: %s\r\n' % ('y' * 900 + '\r\n z') * 30)
    a(rej_size=1)


@scene
def by_milter():
    transaction('250 250 354 554', 'ill@example.org', server=MILTER)
    a(rej_virus=1)
    transaction('250 250 354 451', 'later@example.org', server=MILTER)
    a(tmp_resource=1)


# --- sessions ---------------------------------------------------------------------------
@scene
def reset_and_gone():
    """Transactions that are not completed are no mails."""
    client = connect()
    client.ask('MAIL FROM:<someone@example.net> SIZE=1000')
    client.ask('RCPT TO:<anna@example.org>')
    client.ask('RSET')
    client.ask('MAIL FROM:<someone@example.net> SIZE=1000')
    client.ask('RCPT TO:<anna@example.org>')
    client.close()
    s.wait('lost input channel')
    client = connect()
    client.ask('MAIL FROM:<someone@example.net>')
    client.ask('RCPT TO:<anna@example.org>')
    client.ask('DATA')
    client.send('Subject: cut off\r\n\r\nhalf a')
    client.close()
    s.wait('premature EOM')
    a(lost=2)


# --- deliveries that fail -----------------------------------------------------------------
def submitted(to):
    """A mail from this machine, which may relay."""
    queue_id = transaction('250 250 354 250', to, source='127.0.0.1', server='127.0.0.1')
    a(recv_local=1, local_rcpt=1)
    return queue_id


@scene
def bounces():
    for to, why in (('gone@wordy.example.net', 'unknown_rcpt'), ('blocked@wordy.example.net', 'dnsbl'),
                    ('quota@wordy.example.net', 'mailbox_full'),
                    ('spamtrap@wordy.example.net', 'spam_content'),
                    ('liar@wordy.example.net', 'unknown_rcpt'), ('x@nowhere.example.net', 'dns')):
        notified(submitted(to))
        a(**{'bounce_' + why: 1})
        a.notified()


@scene
def bounce_of_nothing():
    """What has no sender is not returned to one, but postmaster hears of it."""
    queue_id = transaction('250 250 354 250', 'gone@wordy.example.net', source='127.0.0.1',
                           server='127.0.0.1', sender='')
    notified(queue_id)
    a(recv_local=1, local_rcpt=1, bounce_unknown_rcpt=1, dsn=1, own_rcpt=1, dlv_local=1)


@scene
def deferred_then_delivered():
    queue_id = submitted('grey@wordy.example.net')
    done(queue_id, how='Deferred')
    delivered_later(queue_id)
    a(defer_greylist=1, dlv_ext=1)


@scene
def mailbox_busy():
    open('/etc/mail/full', 'w').close()
    queue_id = accepted('bert@example.org', 'anna@example.org')
    done(queue_id, how='Deferred')
    os.unlink('/etc/mail/full')
    delivered_later(queue_id, 2)
    a(defer_resource=1, dlv_local=2)


@scene
def expired():
    """A warning first; then the queue's patience is none."""
    ids = [submitted(to) for to in ('x@dead.example.net', 'full@wordy.example.net', 'x@trouble.example.net')]
    for queue_id in ids:
        done(queue_id, how='Deferred')
    time.sleep(1)
    for option, marker in (('queuewarn', 'Warning: could not send'), ('queuereturn', 'Cannot send message for')):
        at = s.mark()
        for queue_id in ids:
            run_queue('-OTimeout.%s=1s' % option, '-qI' + queue_id)
        for line in s.wait(marker, at, 3):
            done(line.split(': ')[2])
    a(defer_remote_conn=3, defer_mailbox_full=3, defer_dns=3, expire=3)
    a.notified(6)


@scene
def discarded():
    queue_id = transaction('250 250 250 354 250', 'disc@example.org', 'anna@example.org')
    s.wait(': %s: (discarded|to=.*stat=discarded)' % queue_id)
    took(2)
    a(discard=2)


@scene
def in_quarantine():
    queue_id = accepted('jail@example.org')
    s.wait(': %s: from=' % queue_id)
    run_queue('-Q', '-qQ', '-qI' + queue_id)
    s.wait(': %s: unquarantine' % queue_id)
    run_queue('-qI' + queue_id)
    done(queue_id)
    a(held=1, dlv_local=1)


@scene
def milter_lets_pass():
    done(accepted('anna@example.org', server=MILTER))
    a(dlv_local=1)


@scene
def milter_discards():
    queue_id = transaction('250 250 354 250', 'gone@example.org', server=MILTER)
    s.wait(': %s: (discarded|to=.*stat=discarded)' % queue_id)
    took()
    a(discard=1)


s.show(a, lambda: s.play(scenes, every=20))
