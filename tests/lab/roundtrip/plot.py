"""plot.py - check_mail_roundtrip through Postfix and Dovecot; each line of ./tap is a test.

All on 192.0.2.31 (mx1.example.org): SMTP 25 and 587, IMAP 143 and 993, POP3 110 and 995."""
import email.message
import glob
import json
import os
import re
import smtplib
import subprocess
import threading
import time

from asked import ask, listening, ok, policy
from stage import run, until

BUILD = os.environ['BUILD']
CHECK = BUILD + '/plugins/check_mail_roundtrip'
LIMIT_KIB = 16000 if 'san' not in os.path.basename(BUILD) else 64000      # sanitizers need more
CA = ['--ca-file', '/etc/lab/ca.pem']
ENV = {'MXGAUGE_MAILBOX_PASSWORD': 'secret', 'NAGIOS_PLUGIN_STATE_DIRECTORY': os.path.abspath('state')}
IMAPS = 'imaps://mx1.example.org'
pass_grey = threading.Event()


def check(status, text, *args, to='anna', box=IMAPS, **env):
    return ask(CHECK, status, text, '-H', '192.0.2.31', '-r', to + '@example.org', '-b', box, *CA, *args,
               env=dict(ENV, **env))


def answer(want):
    to = want.get('recipient', '')
    if to.startswith('grey') and not pass_grey.is_set():
        return 'defer_if_permit 4.2.0 Greylisted, see http://www.example.org/'
    if to.startswith('slow') and want.get('protocol_state') == 'END-OF-MESSAGE':
        time.sleep(2.2)
    return 'dunno'


def start_dovecot():
    process = subprocess.Popen(['dovecot', '-F', '-c', '/etc/dovecot/lab.conf'])
    for port in 24, 143, 993, 110, 995:
        listening('192.0.2.31', port)
    return process


def files(user):
    """The messages of a user."""
    return [f for part in ('new', 'cur', '.Junk/new', '.Junk/cur')
            for f in glob.glob('/var/mail/%s/Maildir/%s/*' % (user, part))]


def somebody_else(user):
    """Mail of another to the same mailbox: it has to stay."""
    m = email.message.EmailMessage()
    m['Subject'], m['From'], m['To'] = 'private', 'bert@example.org', user + '@example.org'
    m['X-Mxgauge-Token'] = '0' * 32
    m.set_content('not yours')
    before = len(files(user))
    with smtplib.SMTP('192.0.2.31', 25) as s:
        s.send_message(m)
    until('a message of somebody else', lambda: len(files(user)) > before)


# --- scenes -------------------------------------------------------------------------------
def delivered():
    somebody_else('anna')
    said = check(0, 'ROUNDTRIP OK - delivered in ', '-w', 'delivery=7s')
    ok(re.search(r'here to mx1.example.org by ESMTP: ', said) and
       re.search(r'mx1.example.org to mx2.example.org by ESMTP: ', said) and
       re.search(r'to imap.example.org by LMTP|to mx1.example.org by LMTP|to mx1 by LMTP', said),
       'the way: Postfix, Postfix again, Dovecot', said)
    check(0, 'ROUNDTRIP OK - delivered in ', box='imap://mx1.example.org')
    check(0, 'ROUNDTRIP OK - delivered in ', box='pop3s://mx1.example.org')
    check(0, 'ROUNDTRIP OK - delivered in ', box='pop3://mx1.example.org')
    check(0, 'ROUNDTRIP OK - delivered in ', box='/var/mail/anna/Maildir')
    check(0, 'ROUNDTRIP OK - delivered in ', '-p', '587', '-S', '--tls-name', 'mx1.example.org', '-u', 'anna',
          '--size', '300000', MXGAUGE_PASSWORD='secret')
    check(0, 'ROUNDTRIP OK - sent', '--no-wait', '-f', 'bert@example.org')
    until('the message', lambda: len(files('anna')) > 1)
    check(0, 'ROUNDTRIP OK - delivered in ', '--no-wait', '-f', 'bert@example.org')
    until('the message', lambda: len(files('anna')) > 1)
    check(0, 'ROUNDTRIP OK - delivered in ', '-f', 'bert@example.org')
    left = files('anna')
    ok(len(left) == 1 and 'private' in open(left[0]).read(), 'own messages are deleted, no other', left)


def junked():
    check(1, 'found in the junk folder Junk', to='junk')
    check(2, 'found in the junk folder Junk', '-c', 'junk=0', to='junk', box='imap://mx1.example.org')
    check(1, 'found in the junk folder .Junk', to='junk', box='/var/mail/junk/Maildir')
    ok(not files('junk'), 'they are deleted there', files('junk'))


def dropped():
    said = check(2, 'though the server had taken it: 250 2.0.0 Ok: ', '-t', '2', '--lost-after', '3', to='drop')
    ok('queued as' in said and 'waiting=1 ' in said, 'and it is waited for', said)
    check(2, 'messages are lost: ', '-t', '3', '--lost-after', '3', to='drop')


def delayed():
    check(2, 'not delivered within ', '-t', '2', to='held')
    run('postsuper', '-H', 'ALL')
    until('the released message', lambda: files('held'))
    said = check(2, 'not delivered within ', '-t', '2', to='held')
    ok(re.search(r'a message came [\d.]+ m?s after it was sent, late', said) and 'waiting=1 ' in said,
       'the one of the run before is late, and not lost', said)
    ok(not files('held'), 'and deleted', files('held'))


def greylisted():
    check(2, 'not delivered within ', '-t', '2', to='grey')
    pass_grey.set()
    until('what was greylisted', lambda: run('postqueue', '-f') and files('grey'))
    said = check(0, 'delivered in ', to='grey')
    ok('after it was sent, late' in said, 'greylisted between two servers: late', said)
    pass_grey.clear()


def slow():
    said = json.loads(check(1, '', '-w', 'hop=1s', '--json', to='slow'))
    ok(said['measurements']['delivery']['value'] > 2.2 and any(s in said['text'] for s in ('2 s from mx2.example.org to', '3 s from mx2.example.org to')) and
       said['measurements']['hop']['state'] == 'WARNING', 'the slow filter is where the message stayed', said)


def refused():
    check(2, 'send to 192.0.2.31:25: rcpt: 550 5.1.1', to='nobody')
    check(2, 'NO [AUTHENTICATIONFAILED]', MXGAUGE_MAILBOX_PASSWORD='wrong')
    check(2, '-ERR [AUTH]', box='pop3s://mx1.example.org', MXGAUGE_MAILBOX_PASSWORD='wrong')
    check(2, 'auth: 535 5.7.8', '-p', '587', '-S', '--tls-name', 'mx1.example.org', '-u', 'anna',
          MXGAUGE_PASSWORD='wrong')
    check(2, "certificate subject name", box='imaps://imap.example.org')
    check(2, "certificate subject name", box='imap://imap.example.org')
    check(2, "certificate subject name", box='pop3s://imap.example.org')
    check(0, 'delivered in ', '--no-verify', box='imaps://imap.example.org')
    check(0, 'delivered in ', '--cleartext', box='imap://mx1.example.org')


def down(dovecot):
    dovecot.terminate()
    dovecot.wait()
    check(2, 'find in imaps://mx1.example.org: connect: ')
    dovecot = start_dovecot()
    run('postqueue', '-f')
    until('what was in the queue', lambda: len(files('anna')) > 1)
    said = check(0, 'delivered in ')
    ok('after it was sent, late' in said, 'what was sent while IMAP was down is found', said)
    return dovecot


def many():
    """A mailbox with 100,000 messages, one of 100 MB: found by search, in bounded memory."""
    count = 100000 if os.environ.get('LAB') == 'all' else 3000
    new = '/var/mail/other/Maildir/cur'
    check(0, 'delivered in ', to='other')
    for i in range(count):
        with open('%s/1700000000.M%dP1.mx1:2,S' % (new, i), 'w') as f:
            f.write('Subject: %d\nX-Other: x\n\nbody\n' % i)
    with open(new + '/1700000001.M1P1.mx1:2,S', 'w') as f:
        f.write('Subject: big\n\n' + ('x' * 99 + '\n') * 1000000)
    os.system('chown -R 61006:65534 /var/mail/other')
    said = json.loads(check(0, '', '-t', '55', '-f', 'fresh@example.org', '--json', to='other'))
    ok(True, 'IMAP with %d messages that nobody searched before: the first look took %.1f s' %
       (count, said['measurements']['find']['value']))
    for box in IMAPS, 'pop3s://mx1.example.org', '/var/mail/other/Maildir':
        check(0, 'delivered in ', '-t', '55', to='other', box=box)
        done = subprocess.run([BUILD + '/bench/measure', '-n', '3', 'it', ' '.join(
            [CHECK, '-t', '20', '-H', '192.0.2.31', '-r', 'other@example.org', '-b', box] + CA)],
            capture_output=True, text=True, env=dict(os.environ, **ENV))
        _, wall, _, kib, rc = done.stdout.split('\t')[:5]
        ok(int(rc) == 0 and float(kib) < LIMIT_KIB, '%s with %d messages: %s s, %s KiB' % (box, count, wall, kib), done)
    ok(len(files('other')) == count + 1, 'all of them are still there', len(files('other')))


def main():
    os.mkdir('state')
    os.chmod('state', 0o777)
    policy(answer)
    dovecot = start_dovecot()
    code, said = run('postfix', 'start')
    if code:
        raise SystemExit('postfix: ' + said)
    listening('192.0.2.31', 25)
    try:
        delivered()
        junked()
        dropped()
        delayed()
        greylisted()
        slow()
        refused()
        dovecot = down(dovecot)
        many()
    finally:
        for log in '/var/log/postfix.log', '/var/log/dovecot.log':
            print(log + '\n' + ''.join(open(log, errors='replace').readlines()[-60:]))
        run('postfix', 'stop')
        dovecot.terminate()
        dovecot.wait()


main()
