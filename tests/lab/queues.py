#!/usr/bin/env python3
"""queues.py - a real queue of the MTA that $MTA names (Postfix, if none) with new, deferred and held
messages; check_mail_queue must say of it what the MTA's own command says.

Runs inside the namespaces of lab.sh instead of a plot; CHECK is the check's path."""
import glob
import json
import os
import re
import shutil
import smtplib
import subprocess
import time

MTA = os.environ.get('MTA', 'postfix')
os.environ['LAB_CERT'] = {'exim': '/etc/exim4/lab.pem', 'sendmail': '/etc/lab.pem', 'opensmtpd':
                          '/etc/opensmtpd/lab.pem'}.get(MTA, '/etc/postfix/lab.pem')

from stage import IN, OUT, Stage, run, until  # noqa: E402

CHECK = os.environ['CHECK']
MXGAUGE = os.environ['DAEMON']
ROOT = os.environ.get('ROOT', '')
LETTER = 'From: joe@example.org\nTo: %s\nSubject: queued\n\n%s\n'


def check(*options):
    code, said = run(CHECK, '--mta', MTA, '--json', '--no-growth', '--sample', 'all', *options)
    try:
        got = json.loads(said)
    except ValueError:
        raise SystemExit('the check says: ' + said)
    return {k: v['value'] for k, v in got['measurements'].items()}, got


def expect(what, got, want):
    print(what, got, flush=True)
    if got != want:
        raise SystemExit('%s: the check says %r, the MTA %r' % (what, got, want))


def compare(want, oldest, slack, *options):
    """want: measurements; oldest: epoch. Twice: by the folders, and by the MTA's listing."""
    for how in ((), ('--ask', 'always') + options):
        got, all_of_it = check(*how)
        expect('%s %s' % (MTA, ' '.join(how)), {k: round(got[k], 3) for k in want},
               {k: round(v, 3) for k, v in want.items()})
        age = time.time() - oldest
        if abs(got['oldest'] - age) > slack:
            raise SystemExit('oldest: the check says %r, the MTA %r' % (got['oldest'], age))


def said(*command):
    code, text = run(*command)
    if code != 0:
        raise SystemExit('%s: %s' % (command, text))
    return text


# --- Postfix

def postfix(stage):
    send = ('sendmail', '-C', IN, '-f', 'joe@example.org')
    said('postfix', '-c', IN, 'start')
    stage.wait('postfix/master.*daemon started')
    for to in ['x@dead.example.net'] * 7 + ['y@soft.example.net'] * 3:
        run(*send, to, text=LETTER % (to, 'x' * 500))
    run('sendmail', '-C', IN, '-t', '-f', 'joe@example.org', text=LETTER % ('z@dead.example.net', 'header'))
    stage.wait('status=deferred', n=11)

    def listed():
        return [json.loads(m) for m in said('postqueue', '-c', IN, '-j').splitlines()]
    until('all to be deferred', lambda: [m['queue_name'] for m in listed()] == ['deferred'] * 11)
    for m in listed()[:2]:
        said('postsuper', '-c', IN, '-h', m['queue_id'])
    got = listed()
    count = {q: sum(m['queue_name'] == q for m in got) for q in ('active', 'deferred', 'hold')}
    expect('postqueue', count, {'active': 0, 'deferred': 9, 'hold': 2})
    count.update(total=11, bytes=sum(m['message_size'] for m in got))
    waiting = [m for m in got if m['queue_name'] == 'deferred']
    compare(count, min(m['arrival_time'] for m in waiting), 2)
    domains = sum(any('dead.example.net' in r['address'] for r in m['recipients']) for m in got)
    detail = '\n'.join(check()[1]['details'])
    if '%d dead.example.net' % domains not in detail or 'Connection refused' not in detail:
        raise SystemExit('domains and reasons: ' + detail)
    # who may not read the folders asks postqueue; a Postfix that is down has no empty queue
    user = ('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', CHECK, '--mta', MTA)
    code, text = run(*user, '--no-growth')
    expect('as nobody', (code, '11 messages queued' in text), (0, True))
    instances(stage, user)
    sensor(stage, count)
    flood()
    said('postfix', '-c', IN, 'stop')
    code, text = run(*user, '--no-growth')
    expect('as nobody, and Postfix is down', (code, 'mail system is down' in text), (3, True))


def instances(stage, user):
    """A second instance, which main.cf names: both are found, by the folders and by postqueue."""
    said('postconf', '-c', IN, '-e', 'multi_instance_directories = ' + OUT)
    said('postfix', '-c', OUT, 'start')
    for n in range(4):
        run('sendmail', '-C', OUT, '-f', 'joe@example.org', 'o%d@dead.example.net' % n,
            text=LETTER % ('o', 'other'))
    until('the other instance to defer', lambda: said('postqueue', '-c', OUT, '-j').count('"deferred"') == 4)
    for who in ((), user[:-3]):
        code, text = run(*who, CHECK, '--no-growth')
        lines = [x for x in text.splitlines() if x.startswith('postfix')]
        expect('two instances', (code, '15 messages queued' in text, lines),
               (0, True, ['postfix in /var/spool/postfix: 11 messages, 9 deferred, 2 on hold',
                          'postfix-out in /var/spool/postfix-out: 4 messages, 4 deferred, 0 on hold']))


def sensor(stage, count):
    """mxgauged as an account that may read no queue: its sensor's figures, told without any right."""
    here = '/var/log/sensor'
    os.makedirs(here)
    open(here + '/log', 'w').close()
    with open(here + '/conf', 'w') as f:
        f.write('state = "%s/state"\ntemplates = "%s"\nuser = nobody\nqueues = { auto }\n'
                'source "a" { files = { "%s/log" } }\n' % (here, os.environ['TEMPLATES'], here))
    # started by root it has the right; as an account without any it lets postqueue list the queues
    alone = ('setpriv', '--reuid=nobody', '--regid=nogroup', '--clear-groups', '--bounding-set=-dac_read_search')
    for who in ((), alone):
        daemon = stage.start(*who, MXGAUGE + '/mxgauged', '--foreground', '--config', here + '/conf')
        counted = (CHECK, '--from-state', '--state', here + '/state', '--json')
        until('the sensor to count', lambda: run(*counted)[0] == 0)
        got = {k: v['value'] for k, v in json.loads(said(*counted))['measurements'].items()}
        expect('the sensor', {k: got[k] for k in ('total', 'deferred', 'hold')},
               {'total': 15, 'deferred': count['deferred'] + 4, 'hold': 2})
        daemon.terminate()
        expect('mxgauged ended', daemon.wait(20), 0)
        shutil.rmtree(here + '/state')
        os.makedirs(here + '/state')
        shutil.chown(here + '/state', 'nobody')


def flood():
    """Mail comes and goes by the hundred while the check counts: never a fault, and what is left is exact."""
    source = subprocess.Popen(('smtp-source', '-s', '8', '-m', '600', '-l', '800', '-M', 'bulk.example.net',
                               '-f', 'bulk@example.net', '-t', 'v@void.example.org', '192.0.2.26:25'))
    bad, most = [], 0
    while source.poll() is None:
        code, text = run(CHECK, '--mta', MTA, '--no-growth', '--sample', 'all')
        bad += [text] if code else []
        most = max(most, int(re.search(r' total=(\d+)', text).group(1)))
    expect('the flood', (source.returncode, bad), (0, []))
    expect('there was something to count', most > 15, True)
    until('the flood to be delivered', lambda: said('postqueue', '-c', IN, '-j').count('v@void') == 0, 60)
    got = {k: v for k, v in check()[0].items() if k in ('total', 'deferred', 'hold')}
    expect('after the flood', got, {'total': 15, 'deferred': 13, 'hold': 2})


# --- Exim

def exim(stage):
    program = ROOT + '/usr/sbin/exim4'
    for i in range(6):
        run(program, '-odq', '-f', 'joe@example.org', 'x@dead.example.net', 'y%d@dead.example.net' % i,
            text=LETTER % ('x', 'y\n' * 1500))
    run(program, '-odq', '-f', '<>', 'bounce@dead.example.net', text=LETTER % ('x', 'notification'))
    ids = re.findall(r' (\w+-\w+-\w+) <', said(program, '-bp'))
    expect('exim -bpc', len(ids), 7)
    said(program, '-Mf', ids[0], ids[1])
    frozen = said(program, '-bp').count('*** frozen ***')
    got, _ = check()
    expect('incoming', got['incoming'], 5)      # none was tried
    run(program, '-v', '-M', ids[2])        # -v: it waits
    got, _ = check()
    expect('incoming and deferred', (got['incoming'], got['deferred']), (4, 1))
    total = int(said(program, '-bpc'))
    oldest = min(int(re.search(r'^(\d+) 0$', open(h, errors='replace').read(), re.M).group(1))
                 for h in glob.glob('/var/spool/exim4/input/**/*-H', recursive=True)
                 if '-frozen' not in open(h, errors='replace').read())
    compare({'total': total, 'hold': frozen, 'frozen': 100 * frozen / total,
             'null_sender': 100 / total}, oldest, 2, '--command', program)
    code, text = run('setpriv', '--reuid', '65534', '--regid', '65534', '--clear-groups', CHECK, '--mta',
                     MTA, '--no-growth', '--command', program)
    expect('as nobody', (code, 'ermission denied' in text), (3, True))


# --- Sendmail

def sendmail(stage):
    program = (os.environ['SENDMAIL'], '-C', '/etc/mail/sendmail.cf')
    for i in range(5):
        run(*program, '-odq', '-f', 'joe@example.org', 'x%d@dead.example.net' % i,
            text=LETTER % ('x', 'y' * 100))
    got, _ = check()
    expect('not tried yet', (got['total'], got['incoming']), (5, 5))
    run(*program, '-v', '-q')               # -v: it waits
    text = said(*program, '-bp')
    expect('mailq', int(re.search(r'Total requests: (\d+)', text).group(1)), 5)
    deferred = text.count('(Deferred')
    got, _ = check()
    expect('deferred', (got['deferred'], got['incoming']), (deferred, 5 - deferred))
    oldest = min(int(re.search(r'^T(\d+)$', open(f, errors='replace').read(), re.M).group(1))
                 for f in glob.glob('/var/spool/mqueue/qf*'))
    with open('/etc/mailq', 'w') as f:          # of an unpacked package
        f.write('#!/bin/sh\nexport LD_LIBRARY_PATH=%s\nexec %s -bp\n' %
                (os.environ['LD_LIBRARY_PATH'], ' '.join(program)))
    os.chmod('/etc/mailq', 0o755)
    compare({'total': 5, 'deferred': 5}, oldest, 2, '--command', '/etc/mailq')


# --- OpenSMTPD

def opensmtpd(stage):
    ctl = '/usr/libexec/opensmtpd/smtpctl'
    stage.start(ROOT + '/usr/sbin/smtpd', '-F', '-f', '/etc/opensmtpd/smtpd.conf')
    stage.wait('OpenSMTPD .* starting')

    def listens():
        try:
            return smtplib.SMTP('127.0.0.1', 10025)
        except OSError:
            return None
    client = until('port 10025', listens)
    said(ctl, 'pause', 'mta')
    for n in range(3):
        client.sendmail('joe@example.org', ['x%d@wordy.example.net' % i for i in range(n + 1)],
                        LETTER % ('x', 'y'))
    client.quit()
    rows = [r.split('|') for r in said(ctl, 'show', 'queue').splitlines()]
    expect('show queue', len(rows), 6)
    compare({'total': 6, 'incoming': 6}, min(int(r[7]) for r in rows), 2, '--command', ctl)


def main():
    stage = Stage()
    stage.surround()
    try:
        globals()[MTA](stage)
    finally:
        stage.wind_up()


main()
