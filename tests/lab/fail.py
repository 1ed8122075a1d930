"""fail.py - scenes of delivery that fails, of queues worked on by hand, and of
text that wants to be something else."""
from play import (MILTER, MX, PLAIN, a, accepted, again, deferred, delivered, expect, raw, s,
                  scene, turn)
from stage import IN, letter, queued, run, swaks


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
    queue_id = deferred('grey%d@wordy.example.net' % turn())
    again(queue_id)
    s.gone(queue_id)
    a(defer_greylist=1, dlv_ext=1)


@scene
def some_delivered_some_deferred():
    queue_id = accepted(PLAIN, 'one@good.example.net', 'grey-again%d@wordy.example.net' % turn())
    s.wait(r' %s: .*status=deferred' % queue_id)
    again(queue_id)
    s.gone(queue_id)
    a(dlv_ext=2, defer_greylist=1)


@scene
def requeued():
    queue_id = deferred('grey-requeue%d@wordy.example.net' % turn())
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
    queue_id = deferred('grey-held%d@wordy.example.net' % turn())
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
    a(defer_resource=1, expire=1)
    a.notified()


@scene
def expired_by_age():
    """Whatever can't be delivered is returned once the queue's patience is set to none."""
    at = s.mark()
    ids = [deferred(to) for to in ('x@soft.example.net', 'x@dead.example.net', 'y@dead.example.net',
                                   'full@wordy.example.net', 'lost@wordy.example.net',
                                   'x@trouble.example.net')]
    a(defer_refused=1, defer_remote_conn=3, defer_mailbox_full=1, defer_dns=1)
    run('postconf', '-c', IN, '-e', 'maximal_queue_lifetime=0', 'bounce_queue_lifetime=0')
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
    run('postconf', '-c', IN, '-e', 'maximal_queue_lifetime=5d', 'bounce_queue_lifetime=5d')
    run('postfix', '-c', IN, 'reload')
    s.wait('master.*reload', at)


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
