#!/usr/bin/env python3
"""agree_sendmail.py MXGAUGE CORPUS [--freeze] - do we read what others say is in their Sendmail lines?

fail2ban's expectations name the client of a line, fluent-plugin-sendmail's the fields of each
delivery. A from= line after refusals has its client in an event that counts nothing."""
import json
import re

from agree import corpus, done, failjson, freezing, parse, parse_file, report, shares


def fail2ban():
    lines, wants = [], []
    for name in ('auth', 'reject'):
        for line, want in failjson('%s/sendmail/fail2ban-sendmail-%s.log' % (corpus, name)):
            lines.append(re.search(r' ([\w-]+)\[\d+\]: (.*)', line).groups())
            wants.append(want)
    bad = []
    for (tag, text), want, events in zip(lines, wants, parse(lines)):
        found = [e.get('client_ip', '').lower() for e in events]
        if want['match'] and want['host'].lower() not in found:
            bad.append('%s not found in: %s' % (want['host'], text))
    report('fail2ban', bad, len(lines))


def fluent():
    """One record for each to= line; recipients, outcome and delay must agree."""
    kinds = {'sent': 'DELIVERED', 'sent_local': 'DELIVERED', 'deferred': 'DEFERRED', 'bounced': 'BOUNCED'}
    want = []
    for line in open(corpus + '/sendmail/fluent-plugin-sendmail-result.json', encoding='utf-8'):
        r = json.loads(line)
        for to in r['to']:
            where = 'local' if r['status_canonical'] == 'sent_local' else 'ext'
            want.append((r['qid'], to.strip('<>'), kinds[r['status_canonical']], r['dsn'],
                         where if kinds[r['status_canonical']] == 'DELIVERED' else None,
                         1000 * r['delay_in_sec'], (r.get('relay_to') or {}).get('ip')))
    events = parse_file(corpus + '/sendmail/fluent-plugin-sendmail-data.log')
    got = [(e['id'], e['to'], e['kind'], e['dsn'], e.get('where'), round(1000 * float(e['delay'])), e.get('relay_ip'))
           for e in events if e['kind'] in kinds.values()]
    bad = ['missing: %s' % (w,) for w in want if w not in got] + ['not wanted: %s' % (g,) for g in got if g not in want]
    queued = [e for e in events if e['kind'] == 'QUEUED']
    if [(e['size'], e['nrcpt']) for e in queued] != [(5938, 7)]:
        bad.append('size and recipients are not 5938 and 7: %s' % queued)
    report('fluent-plugin-sendmail', bad, len(want))


def ours(program, n):
    return n['foreign'] == 0 and (program.startswith('sendmail') or program.startswith('sm-'))


if not freezing:
    fail2ban()
    fluent()
shares('sendmail', ['sendmail/*.log', 'mixed/awstats*', 'captured/sendmail.log', 'captured/mimedefang.log',
                    'spamassassin/fail2ban-testcase-multiline.log'], 100, ours)
done()
