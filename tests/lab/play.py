"""play.py - what every scene of the lab needs: the stage, the account, and mails with a
known fate. A scene does one thing, enters it in the account and waits for its end."""
from account import Account
from stage import IN, Client, Stage, queued, run, swaks

# The ports of postfix/master.cf
MX, PLAIN, SCREEN, PROXY, PIPED, MILTER, NOMILTER, TIGHT = (
    '192.0.2.%d' % n for n in range(25, 33))
SUBMIT = MX + ':587'

a, s = Account(), Stage()
scenes, rounds = [], [0]


def turn():
    """Which round it is: for addresses that must be new each time."""
    return rounds[0]


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


def deferred(to, server=PLAIN, **more):
    """Taken, and one attempt failed."""
    queue_id = accepted(server, to, **more)
    s.wait(r' %s: .*status=deferred' % queue_id)
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
