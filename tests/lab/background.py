"""background.py - ordinary traffic between the scenes, for a recording that looks like a day:
mostly refusals, some mail."""
import random

from play import MX, PLAIN, a, raw, s
from stage import volume

chance = random.Random(11)
BOXES = ('anna@example.org', 'bert@example.org', 'carla@example.org', 'x@box.example.org')


def spammer():
    """One session that ends in refusals: listed, unknown recipients, bad HELO, relaying."""
    kind = chance.choice(('listed',) * 5 + ('unknown',) * 3 + ('helo', 'relay', 'domain'))
    last = chance.choice((61, 63, 65, 67, 69)) if kind == 'listed' else chance.randint(100, 199)
    sender = 's%d@example.net' % chance.randint(1, 999)
    if kind == 'domain':
        sender = 's%d@nodomain.example.com' % chance.randint(1, 999)
    helo = 'ylmf-pc' if kind == 'helo' else 'node%d.example.net' % last
    client, _ = raw('MAIL FROM:<%s>' % sender, server=MX, source='203.0.113.%d' % last, helo=helo)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        to = {'unknown': 'u%d@example.org', 'relay': 'u%d@elsewhere.example.com'}.get(kind, 'anna@example.org')
        client.ask('RCPT TO:<%s>' % (to % chance.randint(1, 99) if '%' in to else to))
        if kind == 'listed':
            a.listed('bl.example.org')
        else:
            a(**{{'unknown': 'rej_unknown_rcpt', 'helo': 'rej_helo', 'relay': 'rej_relay_denied',
                  'domain': 'tmp_unknown_sender'}[kind]: 1})
    if chance.random() < 0.2:
        client.close()
        a(lost=1)
    else:
        client.quit()


def mail():
    """A few mails to mailboxes through the filter, or out."""
    at, n = s.mark(), chance.randint(1, 3)
    inward = chance.random() < 0.7
    server, to = (MX, chance.choice(BOXES)) if inward else (PLAIN, 'sink@good.example.net')
    volume(server, to, n, sender='w%d@example.net' % chance.randint(1, 99),
           length=int(800 * chance.paretovariate(1.2)) % 60000 + 500)
    s.wait(r'qmgr\[\d+\]: \w+: removed', at, 2 * n if inward else n)
    a(conn=n, recv_msg=n, recv_rcpt=n, **{'dlv_local' if inward else 'dlv_ext': n})


def some():
    for _ in range(chance.randint(0, 9)):
        at = s.mark()
        spammer()
        s.wait(r'smtpd\[\d+\]: disconnect', at)
    for _ in range(chance.randint(0, 2)):
        mail()
