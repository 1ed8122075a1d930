#!/usr/bin/env python3
"""plot.py [ROUNDS] - what happens in the lab: one scene a situation.

Each scene does one thing to the real Postfix, enters it in the account, and waits
until the log shows the end of it, so that scenes do not overlap. Runs inside the
namespaces of lab.sh; writes mail.log, mail.iso and account.json in the current folder."""
import random
import sys

from account import Account
from stage import IN, OUT, Client, Stage, letter, queued, run, swaks, until, volume

# The ports of postfix/master.cf
MX, PLAIN, SCREEN, PROXY, PIPED, MILTER, NOMILTER, TIGHT = (
    '192.0.2.%d' % n for n in range(25, 33))
SUBMIT = MX + ':587'

a, s = Account(), Stage()
scenes = []
turn = 0        # which round it is: for addresses that must be new each time


def scene(f):
    scenes.append(f)
    return f


def expect(what, got, want):
    if got != want:
        raise SystemExit('%s: got %r, want %r' % (what, got, want))


def accepted(server, *to, rcpts=None, **more):
    """A mail that is taken, by swaks; returns its queue id."""
    options = more.pop('options', ())
    code, queue_id = swaks(server, ','.join(to), *options, **more)
    expect('swaks to %s' % (to,), code, '250')
    a.took(rcpts or len(to))
    return queue_id


def refused(want, server=MX, to='anna@example.org', **more):
    """A mail that is refused with a code, by swaks."""
    options = more.pop('options', ())
    code, _ = swaks(server, to, *options, **more)
    expect('swaks to %s' % to, code, want)
    a(conn=1)


def delivered(server, *to, **more):
    """Taken, and gone from the queue of the first instance."""
    queue_id = accepted(server, *to, **more)
    s.gone(queue_id)
    return queue_id


def through_filter(*to, server=MX, **more):
    """Taken, filtered, and gone from the second instance, too."""
    queue_id = delivered(server, *to, **more)
    line = s.wait(r'%s: to=.*queued as ' % queue_id)[0]
    s.gone(queued(line))
    return queue_id


def deferred(to, n=1, server=PLAIN, **more):
    """Taken, and one attempt failed."""
    queue_id = accepted(server, to, **more)
    s.wait(r' %s: .*status=deferred' % queue_id, n=n)
    return queue_id


def again(queue_id):
    run('postqueue', '-c', IN, '-i', queue_id)


def raw(*lines, server=PLAIN, source='198.51.100.11', helo='host11.example.net'):
    """Say EHLO and these lines; returns the client and the last reply. One session."""
    client = Client(server, source=source)
    a(conn=1)
    reply = client.ask('EHLO ' + helo)
    for line in lines:
        reply = client.ask(line)
    return client, reply


# --- mail that arrives --------------------------------------------------------------
@scene
def one_recipient():
    delivered(PLAIN, 'one@good.example.net')
    a(dlv_ext=1)


@scene
def many_recipients():
    delivered(PLAIN, 'a@good.example.net', 'b@good.example.net', 'c@tls.example.net',
              'anna@example.org', 'bert@example.org', 'x@box.example.org', 'y@archive.example.org')
    a(dlv_ext=3, tls_out=1, dlv_local=4)


@scene
def filtered():
    through_filter('anna@example.org', options=('--tls',))
    a(dlv_local=1, tls_in=1)


@scene
def filtered_both_ways():
    through_filter('carla@example.org', 'a@good.example.net', 'x@box.example.org')
    a(dlv_ext=1, dlv_local=2)


@scene
def filter_drops():
    delivered(MX, 'anna@example.org', 'bert@example.org', options=('--header', 'Subject: buy now'))
    a(discard=2)


@scene
def filter_refuses():
    delivered(MX, 'anna@example.org', options=('--header', 'Subject: casino'))
    a(bounce_spam_content=1)
    a.notified()


@scene
def filter_is_busy():
    queue_id = deferred('anna@example.org', server=MX,
                        options=('--header', 'Subject: busy %d' % turn))
    again(queue_id)
    s.gone(queued(s.wait(r'%s: .*queued as' % queue_id)[0]))
    s.gone(queue_id)
    a(defer_resource=1, dlv_local=1)


@scene
def proxy_filter():
    code, queue_id = swaks(PROXY, 'anna@example.org')
    expect('proxy', code, '250')
    s.gone(queue_id)
    a.took()
    a(dlv_local=1)


@scene
def proxy_filter_refuses():
    refused('554', PROXY, options=('--header', 'Subject: casino'))
    a(rej_spam_content=1)


@scene
def pipe_filter():
    """Nothing in the log links the two: a delivery to a command and a local submission."""
    at = s.mark()
    delivered(PIPED, 'anna@example.org')
    s.gone(s.wait(r'pickup\[.* uid=\d+ from=', at)[0].split(': ')[1])
    a(dlv_local=2, recv_local=1, local_rcpt=1)


@scene
def local_submission():
    at = s.mark()
    run('sendmail', '-C', IN, '-f', 'root@example.org', 'anna@example.org', 'two@good.example.net',
        text='Subject: cron\n\nAll is well.\n')
    s.gone(s.wait(r'pickup\[.* uid=0 from=', at)[0].split(': ')[1])
    a(recv_local=1, local_rcpt=2, dlv_local=1, dlv_ext=1)


@scene
def aliases():
    delivered(PLAIN, 'team@example.org', rcpts=2)
    a(dlv_local=2)
    queue_id = delivered(PLAIN, 'far@example.org')
    new_id = s.wait(r'%s: .*forwarded as' % queue_id)[0].split('forwarded as ')[1].split(')')[0]
    s.gone(new_id)
    a(dlv_ext=1)


@scene
def discard_transport():
    delivered(PLAIN, 'a@void.example.org')
    a(discard=1)


@scene
def null_sender():
    delivered(PLAIN, 'one@good.example.net', sender='<>')
    a(dlv_ext=1)


@scene
def success_notification():
    client, reply = raw('MAIL FROM:<someone@example.net> RET=HDRS',
                        'RCPT TO:<one@wordy.example.net> NOTIFY=SUCCESS', 'DATA')
    queue_id = queued(client.ask(letter('one@wordy.example.net')))
    client.quit()
    s.gone(queue_id)
    s.gone(s.wait(r'%s: sender delivery status notification' % queue_id)[0].split()[-1])
    a(recv_msg=1, recv_rcpt=1, dlv_ext=1)
    a.notified()


@scene
def bursts():
    for server, to, n in ((PLAIN, 'sink@good.example.net', 12), (MX, 'sink@good.example.net', 8),
                          (MX, 'anna@example.org', 5)):
        at = s.mark()
        volume(server, to, n)
        s.wait(r'qmgr\[\d+\]: \w+: removed', at, n if server == PLAIN else 2 * n)
        a(conn=n, recv_msg=n, recv_rcpt=n, **{'dlv_local' if 'anna' in to else 'dlv_ext': n})


# --- refusals -----------------------------------------------------------------------
@scene
def block_lists():
    for last in (61, 63, 65):
        refused('554', source='203.0.113.%d' % last, helo='node%d.example.net' % last)
        a.listed('bl.example.org')
    refused('554', sender='x@spam.example.net')
    a(rej_rhsbl=1)


@scene
def bad_helo():
    for helo, code in (('one-word', '504'), ('bad..example.net', '501'),
                       ('mx1.example.org', '554')):
        refused(code, helo=helo)
        a(rej_helo=1)


@scene
def reverse_names():
    refused('450', source='203.0.113.201', helo='x.example.net')
    a(tmp_rdns=1)
    delivered(PLAIN, 'one@good.example.net', source='203.0.113.210')
    a(warn_rej=1, dlv_ext=1)


@scene
def access_maps():
    refused('554', source='203.0.113.50', helo='node50.example.net')
    refused('554', sender='banned@example.net')
    refused('554', to='closed@box.example.org')
    a(rej_policy=3)
    refused('552', to='full@box.example.org')
    a(rej_mailbox_full=1)


@scene
def unknown_people():
    refused('550', to='nobody@example.org')
    a(rej_unknown_rcpt=1)
    refused('554', to='joe@elsewhere.example.com')
    a(rej_relay_denied=1)
    refused('450', sender='s@nodomain.example.com')
    a(tmp_unknown_sender=1)
    refused('550', sender='s@nullmx.example.net')
    refused('504', sender='joe')
    a(rej_unknown_sender=2)


@scene
def one_session_many_refusals():
    client, _ = raw('MAIL FROM:<spammer@example.net>', server=MX)
    for i in range(5):
        expect('RCPT', client.ask('RCPT TO:<user%d@example.org>' % i)[:3], '550')
    a(rej_unknown_rcpt=5)
    client.quit()


@scene
def greylisted_then_passed():
    me = {'source': '198.51.100.%d' % (40 + turn), 'sender': 'new%d@example.net' % turn}
    refused('450', to='grey@box.example.org', **me)
    a(tmp_greylist=1)
    delivered(PLAIN, 'grey@box.example.org', **me)
    a(dlv_local=1)


@scene
def policy_service():
    refused('550', to='spf@box.example.org')
    a(rej_spf=1)
    refused('450', to='mayday@box.example.org')
    a(tmp_resource=1)
    for to in ('watched@box.example.org', 'marked@box.example.org'):
        delivered(PLAIN, to)
        a(dlv_local=1)


@scene
def address_probes():
    refused('550', to='gone@probe.example.org')
    a(rej_unknown_rcpt=1)
    delivered(PLAIN, 'well@probe.example.org')
    a(dlv_ext=1)


@scene
def too_large():
    client, reply = raw('MAIL FROM:<someone@example.net> SIZE=200000')
    expect('SIZE', reply[:3], '552')
    client.quit()
    a(rej_size=1)


@scene
def pipelining():
    client, _ = raw('MAIL FROM:<someone@example.net>', 'RCPT TO:<anna@example.org>')
    expect('DATA', client.ask(b'DATA\r\nFrom: <someone@example.net>\r\n')[:3], '503')
    client.close()
    a(rej_protocol=1)


@scene
def header_checks():
    refused('550', PLAIN, options=('--header', 'Subject: no casino'))
    a(rej_spam_content=1)
    delivered(PLAIN, 'one@good.example.net', options=('--header', 'Subject: watch me'))
    a(dlv_ext=1)
    code, _ = swaks(PLAIN, 'anna@example.org', '--header', 'Subject: drop me')
    expect('drop', code, '250')
    a(conn=1)
    a.dropped_early()


@scene
def discard_by_access_map():
    code, _ = swaks(PLAIN, 'trap@box.example.org')
    expect('trap', code, '250')
    a(conn=1)
    a.dropped_early()


@scene
def milter():
    refused('554', MILTER, 'ill@box.example.org')
    a(rej_virus=1)
    refused('451', MILTER, 'later@box.example.org')
    a(tmp_resource=1)
    code, _ = swaks(MILTER, 'gone@box.example.org')
    expect('milter discard', code, '250')
    a(conn=1)
    a.dropped_early()
    delivered(MILTER, 'x@box.example.org')
    a(dlv_local=1)


@scene
def milter_is_down():
    client = Client(NOMILTER)
    client.quit()
    a(conn=1, tmp_resource=1, filter_fail=1)


# --- sessions -------------------------------------------------------------------------
@scene
def lost_connections():
    client, _ = raw('MAIL FROM:<someone@example.net>', 'RCPT TO:<anna@example.org>')
    client.close()
    client, _ = raw('MAIL FROM:<someone@example.net>', 'RCPT TO:<anna@example.org>', 'DATA')
    client.send('Subject: half')
    client.close()
    a(lost=2)


@scene
def tight_limits():
    me = '198.51.100.%d' % (60 + turn)
    client = Client(TIGHT, source=me)
    until('timeout', lambda: client.file.read() or True)
    client.close()
    a(conn=1, timeout=1)
    client, _ = raw(server=TIGHT, source=me)
    for _ in range(3):
        client.send('RCPT TO:<out@of.order>')
    until('end', lambda: client.file.read() or True)
    client.close()
    a(ratelimit=1)
    client = Client(TIGHT, source=me)
    expect('third connection', client.greeting[:3], '421')
    client.close()
    a(conn=1, ratelimit=1)


@scene
def broken_tls():
    client, _ = raw('STARTTLS')
    client.send(b'this is no handshake, and too long for a record\r\n')
    client.close()
    a(tls_fail=1, lost=1)


@scene
def submission():
    login = ('--tls', '--auth', 'PLAIN', '--auth-user', 'anna', '--auth-password')
    code, queue_id = swaks(SUBMIT, 'one@good.example.net,two@good.example.net', *login, 'secret',
                           sender='anna@example.org', source='198.51.100.30')
    expect('submission', code, '250')
    s.gone(queue_id)
    a.took(2)
    a(tls_in=1, auth_ok=1, auth_rcpt=2, dlv_ext=2)
    refused('553', SUBMIT, 'one@good.example.net', sender='bert@example.org',
            options=login + ('secret',))
    a(tls_in=1, rej_auth_failed=1)
    for _ in range(2):
        refused('535', SUBMIT, options=login + ('wrong',), sender='anna@example.org')
        a(tls_in=1, auth_fail=1)
    refused('554', SUBMIT, 'one@good.example.net')
    a(rej_policy=1)


@scene
def postscreen():
    me = '198.51.100.%d' % (80 + turn)
    for _ in range(2):      # new, then known
        delivered(SCREEN, 'anna@example.org', source=me)
        a(screened=1, screen_pass=1, dlv_local=1)
    hasty = Client(SCREEN, source='198.51.100.%d' % (110 + turn), greet=False)
    hasty.send('EHLO too-early.example.net')
    hasty.reply()
    screen_refusal(hasty)
    a(screen_bad=1, rej_protocol=1)
    screen_refusal(Client(SCREEN, source='203.0.113.62'))
    a(screen_bad=1)
    a.listed('bl.example.org')
    screen_refusal(Client(SCREEN, source='203.0.113.55'))
    a(screen_bad=1, rej_policy=1)
    Client(SCREEN, source='198.51.100.%d' % (140 + turn), greet=False).close()
    a(screened=1, screen_hangup=1)


def screen_refusal(client):
    """Postscreen's own small dialogue, which ends in a refusal of the recipient."""
    client.ask('EHLO screened.example.net')
    client.ask('MAIL FROM:<someone@example.net>')
    expect('postscreen', client.ask('RCPT TO:<anna@example.org>')[:3], '550')
    client.quit()
    a(screened=1)


# --- delivery that fails ----------------------------------------------------------------
@scene
def bounces():
    for to, why in (('gone@wordy.example.net', 'unknown_rcpt'), ('blocked@wordy.example.net', 'dnsbl'),
                    ('quota@wordy.example.net', 'mailbox_full'),
                    ('spamtrap@wordy.example.net', 'spam_content'),
                    ('x@hard.example.net', 'refused'), ('x@nowhere.example.net', 'dns')):
        queue_id = delivered(PLAIN, to)
        s.gone(s.wait(r'%s: sender non-delivery' % queue_id)[0].split()[-1])
        a(**{'bounce_' + why: 1})
        a.notified()


@scene
def backscatter_of_nothing():
    """What has no sender is not returned."""
    delivered(PLAIN, 'gone@wordy.example.net', sender='<>')
    a(bounce_unknown_rcpt=1)


@scene
def defer_then_deliver():
    queue_id = deferred('grey%d@wordy.example.net' % turn)
    again(queue_id)
    s.gone(queue_id)
    a(defer_greylist=1, dlv_ext=1)


@scene
def some_delivered_some_deferred():
    queue_id = accepted(PLAIN, 'one@good.example.net', 'grey-again%d@wordy.example.net' % turn)
    s.wait(r' %s: .*status=deferred' % queue_id)
    again(queue_id)
    s.gone(queue_id)
    a(dlv_ext=2, defer_greylist=1)


@scene
def requeued():
    queue_id = deferred('grey-requeue%d@wordy.example.net' % turn)
    run('postsuper', '-c', IN, '-r', queue_id)
    run('postqueue', '-c', IN, '-f')
    s.gone(s.wait(r'pickup\[.* orig_id=%s' % queue_id)[0].split(': ')[1])
    a(defer_greylist=1, dlv_ext=1)


@scene
def held_and_released():
    at = s.mark()
    code, held_id = swaks(PLAIN, 'hold@box.example.org')
    code, kept_id = swaks(PLAIN, 'anna@example.org', '--header', 'Subject: keep me')
    code, jail_id = swaks(MILTER, 'jailed@box.example.org')
    a(held=3)
    for queue_id in (held_id, kept_id, jail_id):
        run('postsuper', '-c', IN, '-H', queue_id)
        again(queue_id)
        s.gone(queue_id)
        a.took()
        a(dlv_local=1)


@scene
def held_by_hand():
    queue_id = deferred('grey-held%d@wordy.example.net' % turn)
    run('postsuper', '-c', IN, '-h', queue_id)
    run('postsuper', '-c', IN, '-H', queue_id)
    again(queue_id)
    s.gone(queue_id)
    a(defer_greylist=1, held=1, dlv_ext=1)


@scene
def deleted():
    queue_id = deferred('tired@wordy.example.net')
    run('postsuper', '-c', IN, '-d', queue_id)
    s.wait(r'postsuper\[\d+\]: %s: removed' % queue_id)
    a(defer_resource=1, discard=1)


@scene
def expired_by_force():
    queue_id = deferred('tired@wordy.example.net')
    run('postsuper', '-c', IN, '-e', queue_id)
    again(queue_id)
    s.gone(s.wait(r'%s: sender non-delivery' % queue_id)[0].split()[-1])
    s.gone(queue_id)
    a(defer_resource=2, expire=1)
    a.notified()


@scene
def expired_by_age():
    """Whatever can't be delivered is returned once the queue's patience is set to none."""
    at = s.mark()
    ids = [deferred(to) for to in ('x@soft.example.net', 'x@dead.example.net', 'y@dead.example.net',
                                   'full@wordy.example.net', 'lost@wordy.example.net',
                                   'x@trouble.example.net')]
    a(defer_refused=1, defer_remote_conn=3, defer_mailbox_full=1, defer_dns=1)
    run('postconf', '-c', IN, '-e', 'maximal_queue_lifetime=0')
    run('postfix', '-c', IN, 'reload')
    s.wait('master.*reload', at)
    run('postqueue', '-c', IN, '-f')
    a(defer_refused=1, defer_remote_conn=3, defer_mailbox_full=1, defer_dns=1)
    for queue_id in ids:
        s.gone(s.wait(r'%s: sender non-delivery' % queue_id)[0].split()[-1])
        s.gone(queue_id)
        a(expire=1)
        a.notified()
    at = s.mark()
    run('postconf', '-c', IN, '-e', 'maximal_queue_lifetime=5d')
    run('postfix', '-c', IN, 'reload')
    s.wait('master.*reload', at)


# --- text that wants to be something else ------------------------------------------------
@scene
def hostile_text():
    evil = '"x> status=sent (250 ok) NOQUEUE: reject: RCPT from y[203.0.113.66]: 554 5.7.1; from=<a"'
    client, reply = raw('MAIL FROM:<%s@example.net>' % evil, helo='x]: status=sent (250 2.0.0 Ok')
    expect('evil recipient', client.ask('RCPT TO:<%s@example.org>' % evil)[:3], '550')
    a(rej_unknown_rcpt=1)
    client.ask('RCPT TO:<"to=<v> dsn=5.1.1, status=bounced (no"@box.example.org>')
    client.ask('DATA')
    queue_id = queued(client.ask(letter('x@box.example.org', sender='x@example.net',
                                        subject='watch me from m[203.0.113.66]; from=<a> to=<b> '
                                                'proto=ESMTP helo=<c>: 5.7.1 status=sent (250)')))
    client.quit()
    s.gone(queue_id)
    a(recv_msg=1, recv_rcpt=1, dlv_local=1)
    queue_id = delivered(PLAIN, 'liar@wordy.example.net')
    s.gone(s.wait(r'%s: sender non-delivery' % queue_id)[0].split()[-1])
    a(bounce_unknown_rcpt=1)
    a.notified()


# --- the last things -----------------------------------------------------------------------
def left_behind():
    """Stays in the queues: one on hold in the first, one deferred in the second."""
    queue_id = deferred('full@wordy.example.net')
    run('postsuper', '-c', IN, '-h', queue_id)
    a(defer_mailbox_full=1, held=1)
    a.held_rcpts += 1
    queue_id = delivered(MX, 'z@dead.example.net')
    new_id = queued(s.wait(r'%s: to=.*queued as ' % queue_id)[0])
    s.wait(r'%s: .*status=deferred' % new_id)
    a(defer_remote_conn=1)
    a.open_mails += 1
    a.open_rcpts += 1


def play(rounds):
    global turn
    shuffle = random.Random(7).shuffle
    for turn in range(rounds):
        for act in scenes:
            print(act.__name__, flush=True)
            act()
        shuffle(scenes)
    left_behind()


def main():
    s.open()
    try:
        play(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
    finally:
        s.close()
    with open('mail.log', errors='surrogateescape') as f:
        log = f.read()
    a.bytes(log)
    a.write('account.json', log.count('\n'))


main()
