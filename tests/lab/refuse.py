"""refuse.py - scenes of mail that is refused, and of sessions that go wrong."""
from play import (MILTER, MX, NOMILTER, PLAIN, SCREEN, SUBMIT, TIGHT, a, delivered, expect, raw,
                  refused, s, scene, turn)
from stage import Client, swaks, until


@scene
def block_lists():
    for last in (61, 63, 65):
        refused('554', source='203.0.113.%d' % last)
        a.listed('bl.example.org')
    refused('554', sender='x@spam.example.net')
    a.listed('dbl.example.org', rej_rhsbl=1)


@scene
def bad_helo():
    for helo, code in (('one-word', '504'), ('bad..example.net', '501'),
                       ('mx1.example.org', '554')):
        refused(code, helo=helo)
        a(rej_helo=1)


@scene
def reverse_names():
    refused('450', source='203.0.113.201')
    a(tmp_rdns=1)
    delivered(PLAIN, 'one@good.example.net', source='203.0.113.210')
    a(warn_rej=1, dlv_ext=1)


@scene
def access_maps():
    refused('554', source='203.0.113.50')
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
    me = {'source': '198.51.100.%d' % (40 + turn()), 'sender': 'new%d@example.net' % turn()}
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
    refused('552', PLAIN, options=('--body', 'much to say. ' * 9000))   # only the end tells
    a(rej_size=2)


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
    a(tmp_resource=1, filter_fail=1)
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
    me = '198.51.100.%d' % (60 + turn())
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
    a(rej_relay_denied=1)


@scene
def postscreen():
    me = '198.51.100.%d' % (80 + turn())
    for _ in range(2):      # new, then known
        delivered(SCREEN, 'anna@example.org', source=me)
        a(screened=1, screen_pass=1, dlv_local=1)
    hasty = Client(SCREEN, source='198.51.100.%d' % (110 + turn()), greet=False)
    hasty.send('EHLO too-early.example.net')
    hasty.reply()
    screen_refusal(hasty)
    a(screen_bad=1, rej_protocol=1)
    screen_refusal(Client(SCREEN, source='203.0.113.62'))
    a(screen_bad=1)
    a.listed('bl.example.org')
    screen_refusal(Client(SCREEN, source='203.0.113.55'))
    a(screen_bad=1, rej_policy=1)
    Client(SCREEN, source='198.51.100.%d' % (140 + turn()), greet=False).close()
    a(screened=1, screen_hangup=1)


def screen_refusal(client):
    """Postscreen's own small dialogue, which ends in a refusal of the recipient."""
    client.ask('EHLO screened.example.net')
    client.ask('MAIL FROM:<someone@example.net>')
    expect('postscreen', client.ask('RCPT TO:<anna@example.org>')[:3], '550')
    client.quit()
    a(screened=1)
