"""arrive.py - scenes of mail that arrives and is delivered."""
from play import (MX, PIPED, PLAIN, PROXY, a, again, deferred, delivered, expect, raw, refused, s,
                  scene, through_filter, turn)
from stage import IN, letter, queued, run, swaks, volume


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
                        options=('--header', 'Subject: busy %d' % turn()))
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
    """A delivery to a command that submits it again: the same Message-ID makes them one."""
    at = s.mark()
    delivered(PIPED, 'anna@example.org')
    s.gone(s.wait(r'pickup\[.* uid=\d+ from=', at)[0].split(': ')[1])
    a(dlv_local=1)


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
