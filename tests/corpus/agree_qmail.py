#!/usr/bin/env python3
"""agree_qmail.py MXGAUGE CORPUS [--freeze] - do we read what is in the qmail lines of others?

fail2ban's clients; and for recorded runs of qmail-send what a few lines of Python make of them:
messages, recipients, deliveries by channel, and what is left in the queue."""
import json
import re
import shutil
import subprocess
import tempfile

from agree import corpus, done, failjson, freezing, mx, parse_raw, report, shares


def fail2ban():
    """match true and a host: some event of that line has that client."""
    cases = [(line, want) for line, want in failjson(corpus + '/qmail/fail2ban-qmail.log') if want.get('match')]
    bad = []
    for (line, want), events in zip(cases, parse_raw([line for line, want in cases])):
        if want['host'] not in [e.get('client_ip') for e in events]:
            bad.append('%s not found in: %s' % (want['host'], line))
    report('fail2ban', bad, len(cases))


def account(path):
    """What happened, line by line. No message of these runs has the same recipient twice. One that
    is forwarded goes on as the next: neither is that one received nor this one delivered."""
    n = dict.fromkeys(('mails', 'own', 'dlv_local', 'dlv_ext', 'bounce', 'defer', 'dsn'), 0)
    queue, running, lines = {}, {}, list(open(path, encoding='utf-8'))
    forwarded = set(re.findall(r'success: did_0\+1\+0/qp_(\d+)', ''.join(lines)))
    for line in lines:
        m = re.search(r'info msg (\d+): bytes \d+ from <(.*)> qp (\d+) uid', line)
        if m:
            queue[m[1]] = {}
            n['mails'] += m[3] not in forwarded
            n['own'] += m[3] in notices
        m = re.search(r'bounce msg \d+ qp (\d+)', line)
        if m:
            notices.add(m[1])
            n['dsn'] += 1
        m = re.search(r'starting delivery (\d+): msg (\d+) to (local|remote) (\S+)', line)
        if m:
            running[m[1]] = m.groups()
            queue[m[2]][m[4]] = 'open'
        m = re.search(r'delivery (\d+): (success|failure|deferral):( did_0\+1\+0/qp_)?', line)
        if m:
            _, msg, channel, rcpt = running.pop(m[1])
            if m[3]:
                queue[msg][rcpt] = 'done'
                continue
            n[{'success': 'dlv_local' if channel == 'local' else 'dlv_ext', 'failure': 'bounce',
               'deferral': 'defer'}[m[2]]] += 1
            if m[2] != 'deferral':
                queue[msg][rcpt] = 'done'
        m = re.search(r' end msg (\d+)', line)
        if m:
            del queue[m[1]]
    n['open'] = sum(r == 'open' for rcpts in queue.values() for r in rcpts.values())
    return n


def recorded(name):
    global notices
    path = '%s/captured/%s' % (corpus, name)
    notices = set()
    want = account(path)
    state = tempfile.mkdtemp()
    try:
        subprocess.run([mx, 'import', '--state', state, '--tz', 'UTC', '--year', '2026', path],
                       capture_output=True, check=True)
        out = subprocess.run([mx, 'report', '--state', state, '--json'], capture_output=True, check=True).stdout
    finally:
        shutil.rmtree(state)
    r = json.loads(out)
    got = {k: r['counts'].get(k, 0) for k in ('dlv_local', 'dlv_ext', 'bounce', 'defer', 'dsn')}
    got['own'] = r['counts'].get('own_rcpt', 0)
    got['mails'] = r['counts'].get('recv_msg', 0) + got['own']
    got['open'] = r['balance']['open']
    bad = ['%s: %d, want %d' % (k, got[k], want[k]) for k in want if got[k] != want[k]]
    if r['balance']['unaccounted'] != 0:
        bad.append('%d unaccounted' % r['balance']['unaccounted'])
    report(name, bad, len(want))


if not freezing:
    fail2ban()
    recorded('qmail-send.multilog.log')
    recorded('qmail-send.splogger.log')
shares('qmail', ['qmail/*.log', 'captured/qmail-*.log', 'mixed/awstats*'], 100,
       lambda program, n: program in ('qmail', 'rblsmtpd'))
done()
