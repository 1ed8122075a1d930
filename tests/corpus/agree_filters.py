#!/usr/bin/env python3
"""agree_filters.py MXGAUGE CORPUS [--freeze] - do we read what others say is in the lines of
content filters? See agree.py, and filters.frozen for the frozen numbers."""
import glob
import json
import os
import re

from agree import asserts, corpus, done, freezing, parse, report, shares

PROGRAM = re.compile(r'(?:\S*/)?amavis|spamd|rspamd|clam|freshclam|mimedefang|MailScanner')


def logwatch():
    """Its test lines of amavis: how many of each verdict, and what is no verdict."""
    lines = []
    for line in open(corpus + '/amavis/logwatch-amavis-TD.txt', encoding='utf-8'):
        m = re.match(r'#TD (.*)', line)
        if m:
            lines.append(('amavis', '(00088-01) ' + m.group(1)))
    bad = []
    for (_, text), events in zip(lines, parse(lines)):
        kinds = [e['kind'] for e in events]
        m = re.match(r'\S+ (?:Passed|Blocked)(?:,| (\w+))', text)
        if m:
            want = {'SPAM': 'SPAM', 'SPAMMY': 'SPAM', 'INFECTED': 'VIRUS',
                    'BANNED': 'BANNED'}.get(m.group(1), 'HAM')
            if kinds[:1] != [want]:
                bad.append('%s, want %s: %s' % (kinds, want, text))
        elif set(kinds) & {'SPAM', 'VIRUS', 'BANNED', 'HAM'}:
            bad.append('a verdict: ' + text)
        elif re.match(r'\S+ \(!', text) and not set(kinds) & {'QWARN', 'FILTER_FAIL'}:
            bad.append('no trouble: ' + text)
    report('logwatch amavis', bad, len(lines))


def crowdsec():
    """Fields of the parser asserts of amavis and MailScanner."""
    names = {'source_ip': 'client_ip', 'from_email': 'from', 'message_id': 'id', 'to_domain': 'to',
             'queue_id': 'id'}
    bad, n = [], 0
    for pattern in ('amavis/*.parser.assert', 'mailscanner/*.parser.assert'):
        cases = [c for c in asserts(pattern) if 'message' in c and 'program' in c]
        lines = [(c['program'], c['message'].replace('\\"', '"')) for c in cases]
        n += len(lines)
        for (_, text), want, events in zip(lines, cases, parse(lines)):
            for key, ours in names.items():
                if key in want and want[key] not in [e.get(ours) for e in events]:
                    bad.append('%s %s not found in: %s' % (ours, want[key], text))
            score = want.get('spam_score')
            if score and float(score) not in [float(e.get('text', 'nan')) for e in events]:
                bad.append('score %s not found in: %s' % (score, text))
    report('crowdsec', bad, n)


def sekoia():
    """Message-ID and verdict of spamd's lines."""
    lines, wants = [], []
    for path in sorted(glob.glob(corpus + '/spamassassin/sekoia/*.json')):
        case = json.load(open(path, encoding='utf-8'))
        lines.append(('spamd', case['input']['message']))
        wants.append((os.path.basename(path), case['expected']))
    bad = []
    for (_, text), (name, want), events in zip(lines, wants, parse(lines)):
        mid = (want.get('email') or {}).get('message_id', '').strip('<>')
        if mid and mid != '(unknown)' and mid not in [e.get('mid', '').strip('<>') for e in events]:
            bad.append('%s: %s not found in: %s' % (name, mid, text))
        if text.startswith('spamd: result: .') and [e['kind'] for e in events] != ['HAM']:
            bad.append('%s: no HAM: %s' % (name, text))
    report('sekoia spamd', bad, len(lines))


if not freezing:
    logwatch()
    crowdsec()
    sekoia()
shares('filters', ['amavis/*.log', 'clamav/*.log', 'mailscanner/crowdsec*.log', 'rspamd/*.log',
                   'spamassassin/*.log', 'mixed/*', 'captured/*.log'], 100,
       lambda program, n: PROGRAM.match(program) and n['foreign'] == 0)
done()
