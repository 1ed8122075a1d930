#!/usr/bin/env python3
"""agree_opensmtpd.py MXGAUGE CORPUS [--freeze] - do we read what others say is in OpenSMTPD's lines?

The rules of a log analyser name what each of its sample lines is. Most files are what the
daemon wrote to a terminal: they get a header here, and then must give as many events as
opensmtpd.frozen says."""
import os
import re
import sys
import tempfile

import agree

# The numbers of the rules, and what the first event of such a line may be.
RULES = {
    '53501': ('TEMPFAIL', 'REJECT'),        # a command failed
    '53502': ('CONNECT',),
    '53503': ('DISCONNECT',),
    '53504': ('QUEUED',),
    '53507': ('TLS_FAIL', 'LOST_CONN'),     # an error of the connection
}
FILES = ('opensmtpd/ossec-opensmtpd.ini', 'opensmtpd/poolp-2019-08-30.log',
         'opensmtpd/wazuh-comments-opensmtpd-rules.log', 'captured/opensmtpd.log')


def rules():
    lines, wants = [], []
    for line in open(agree.corpus + '/' + FILES[0], encoding='utf-8'):
        m = re.match(r'log \d+ pass = \S+ +\S+ \S+ \S+ ([^\[:]+)\[\d+\]: (.*)', line)
        if m:
            lines.append(m.groups())
        m = re.match(r'rule = (\d+)', line)
        if m:
            wants.append(m.group(1))
    bad = []
    for (tag, text), rule, events in zip(lines, wants, agree.parse(lines)):
        if not events:
            bad.append('no event: ' + text)
        elif rule in RULES and events[0]['kind'] not in RULES[rule]:
            bad.append('rule %s is %s: %s' % (rule, events[0]['kind'], text))
    agree.report('opensmtpd: rules of a log analyser', bad, len(lines))


def with_headers(path):
    out = []
    for line in open(path, 'rb').read().split(b'\n'):
        line = re.sub(rb'^log \d+ pass = ', b'', line)
        if re.match(rb'([0-9a-f]{16} |info: |smtp-(in|out): )', line):
            out.append(b'Nov  3 16:04:31 mx1 smtpd[7]: ' + line + b'\n')
        elif b' smtpd[' in line:
            out.append(line + b'\n')
    return out


def shares():
    got = {}
    for name in FILES:
        with tempfile.NamedTemporaryFile('wb', suffix='.log') as f:
            f.writelines(with_headers(agree.corpus + '/' + name))
            f.flush()
            got[name] = agree.stats(f.name)
    if agree.freezing:
        for name, n in got.items():
            print('%6d %s' % (n['events'], name))
        sys.exit()
    bad = []
    for line in open(agree.here + '/opensmtpd.frozen', encoding='utf-8'):
        number, _, name = line.strip().partition(' ')
        if number != '#' and got[name]['events'] < int(number):
            bad.append('%s: %d lines give events, want %s' % (name, got[name]['events'], number))
    agree.report('opensmtpd: frozen numbers of lines that give events', bad, len(got))
    lines = sum(n['lines'] for n in got.values())
    unknown = sum(n['unknown'] for n in got.values())
    bad = ['%d of %d are unknown' % (unknown, lines)] if unknown * 100 > lines else []
    agree.report('opensmtpd: unknown lines (%d)' % unknown, bad, lines)


if os.path.isdir(agree.corpus + '/opensmtpd'):
    if not agree.freezing:
        rules()
    shares()
agree.done()
