#!/usr/bin/env python3
"""agree_exim.py MXGAUGE CORPUS [--freeze] - Exim's lines, held against what other projects expect.

Exim's own tests are the big part: logs in which times, sizes and addresses were replaced by words
(S=sss, ip4.ip4.ip4.ip4). Those are given values again, or the lines would be none of Exim's. A
good part of them is what the test's configuration writes (logwrite): the admin's words, which
nobody can know. So the share of what is understood is taken of lines that begin as Exim's do."""
import collections
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

from agree import (asserts, corpus, done, failjson, freezing, here, mx, parse, parse_raw, report)

SUITE = corpus + '/exim/exim-testsuite/'
STAMP = re.compile(r'\d{4}-\d\d-\d\d \d\d:\d\d:\d\d')
ID = r'[0-9A-Za-z]{6}-(?:[0-9A-Za-z]{6}-[0-9A-Za-z]{2}|[0-9A-Za-z]{11}-[0-9A-Za-z]{4})'
FLAG = re.compile(ID + r' (?:<=|\(=|=>|->|>>|\*>|==|\*\*|Completed)')
OWN = re.compile(r'(?:%s )?(?:DS)?(?:H=|U=|F=<|SMTP |TLS error|rejected |temporarily rejected |refused |no MAIL in |'
                 r'unexpected |Connection from |too many recipients|unqualified |no host name found|no IP address |'
                 r'Start |End |exim |DKIM: d=|malware acl|spam acl|[Ff]rozen |[Uu]nfrozen |cancelled by |removed by |'
                 r'\S+ authenticator failed (?:for|H=))' % ID)
WORDS = [(r'ip4\.ip4\.ip4\.ip4', '192.0.2.4'), (r'V4NET', '10'), (r'\bS=sss\b', 'S=1234'),
         (r'=q(?:qm)?qs\b', '=3s'), (r'q\.qqqs', '0.123s'), (r'defer \((?:dd|EEE)\)', 'defer (111)'),
         (r':PORT_[A-Z0-9]+', ':1225'), (r'=p(\d+)', r'=\1')]


def suite(path):
    """The stamped lines of one of its logs, with values for words; the others continue them."""
    for line in open(path, encoding='utf-8', errors='replace'):
        for word, value in WORDS:
            line = re.sub(word, value, line)
        if STAMP.match(line):
            yield re.sub(r'^\S+ \S+ (?:\[\d+\] )?', '', line.rstrip('\n'))


def testsuite():
    paths = sorted(glob.glob(SUITE + '*/*'))
    lines, whose = [], []
    for path in paths:
        for text in suite(path):
            lines.append(('exim', text))
            whose.append(os.path.relpath(path, corpus))
    events = parse(lines)
    got = collections.Counter(name for name, e in zip(whose, events) if e)
    if freezing:
        for name in sorted(set(whose)):
            print('%6d %s' % (got[name], name))
        sys.exit()
    frozen = [line.split() for line in open(here + '/exim.frozen', encoding='utf-8') if not line.startswith('#')]
    report('exim: frozen numbers of lines that give events',
           ['%s: %d lines give events, want %s' % (name, got[name], n) for n, name in frozen if got[name] < int(n)],
           len(frozen))
    unknown = collections.Counter(unknown_of(lines))
    for name, pattern, one_in in (('with a flag', FLAG, 1000), ('that begin as Exim\'s do', OWN, 100)):
        ours = [text for _, text in lines if pattern.match(text)]
        bad = [text for text in ours if unknown[text]]
        report('exim: lines %s: %d of %d unknown' % (name, len(bad), len(ours)),
               bad if len(bad) * one_in > len(ours) else [], len(ours))


def unknown_of(lines):
    with tempfile.NamedTemporaryFile('w', suffix='.log', encoding='utf-8') as f:
        f.writelines('2026-11-03T16:04:31+00:00 mx1 %s[7]: %s\n' % line for line in lines)
        f.flush()
        out = subprocess.run([mx, 'parse', '--unknown', f.name], capture_output=True, check=True).stdout
    return [line.split(']: ', 1)[1] for line in out.decode('utf-8').splitlines()]


def fail2ban():
    """match true and a host: some event of that line has that client, and that user if one is said."""
    cases = list(failjson(corpus + '/exim/fail2ban-exim.log'))
    bad = []
    for (line, want), events in zip(cases, parse_raw([line for line, _ in cases])):
        if not line[:1].isdigit():
            continue    # no stamp at all
        if want.get('match') and want['host'] not in [e.get('client_ip') for e in events]:
            bad.append('%s not found in: %s' % (want['host'], line))
        if want.get('user') and want['user'] not in [e.get('sasl_username') for e in events]:
            bad.append('user %s not found in: %s' % (want['user'], line))
    report('exim: fail2ban', bad, len(cases))


def crowdsec():
    """The client of each line, and the user of each login."""
    lines, wants = [], []
    for case in asserts('exim/crowdsec-*.parser.assert'):
        if 'message' in case:
            lines.append(('exim', case['message'].replace('\\"', '"')))
            wants.append(case)
    bad = []
    for (_, text), want, events in zip(lines, wants, parse(lines)):
        ip = want.get('remote_addr') or want.get('source_ip')
        if ip and ip not in [e.get('client_ip') for e in events]:
            bad.append('%s not found in: %s' % (ip, text))
        user = want.get('username') or want.get('user')
        if user and user not in [e.get('sasl_username') for e in events]:
            bad.append('user %s not found in: %s' % (user, text))
    report('exim: crowdsec', bad, len(lines))


def rules():
    """What the rules of ossec and wazuh call a login that failed, a connection, one lost."""
    kinds = {'auth failure': 'AUTH_FAIL', 'exim connection': 'CONNECT', 'exim connection lost': 'LOST_CONN',
             'exim syntax/protocol error': 'RATELIMIT'}
    lines, wants = [], []
    for name in ('ossec-exim.ini', 'wazuh-exim.ini'):
        title = ''
        for line in open('%s/exim/%s' % (corpus, name), encoding='utf-8'):
            m = re.match(r'\[(.*)\]', line)
            title = m.group(1) if m else title
            m = re.match(r'log \d+ (?:pass|fail) = (.*)', line)
            if m and title in kinds:
                lines.append(m.group(1))
                wants.append(kinds[title])
    bad = ['%s wanted: %s' % (want, line) for line, want, events in zip(lines, wants, parse_raw(lines))
           if want not in [e['kind'] for e in events]]
    report('exim: ossec and wazuh', bad, len(lines))


testsuite()
fail2ban()
crowdsec()
rules()
done()
