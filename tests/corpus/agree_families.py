#!/usr/bin/env python3
"""agree_families.py MXGAUGE CORPUS - a table: how much of each family of logs is understood.

Of the lines that a program of ours wrote (lines less foreign) at most one in a hundred may be
unknown, whatever the family. Comment lines of fail2ban's files are left out, and so is what no
program ever wrote: some of an exporter's test log, lines of which comments quote a part, and what
a page on the web did to a line."""
import glob
import json
import os
import re
import subprocess
import tempfile

from agree import corpus, done, mx, report

NO_LOGS = ('replication', 'mailq')      # queue listings and the like
# words in place of times, sizes and addresses, and what a test's configuration logs: agree_exim.py
NO_REAL_LOGS = '/exim-testsuite/'

MADE_UP = re.compile(rb'^(Jan|Foo)(:? 1 00:00:00)?( hostname)? ?$|hostname postfix/\w+[^:]*(: foo)?$|'
                     # quoted without their stamps, and a web server's
                     rb': test no match$|^(imapd|vpopmail)\[\d+\]: |^error: PAM: |^atom named|"(GET|POST) /|'
                     rb': (NOQUEUE: reject: )?Unsupported$|: 123456789AB: user@example.com, relay|'
                     rb'ruleset=check_mail, arg1=<[^>]*>,$|: rejecting commands$|'  # cut where quoted
                     rb'^$|^mail\.example\.com exim|^ Nov  5 |^MailScanner\[|MailScanner\[\d+\]: Message \w+ from *$|'
                     # qmail's, wrapped, glued together, and with a blank lost
                     rb'qmail: .* remote$|^<:unknown:|qmail: .*qmail: |: msg \d+ to local[^ ]')


def is_log(path):
    return os.path.isfile(path) and re.search(r'\.log(\.\d+)?$', path) and NO_REAL_LOGS not in path


def stats(paths):
    with tempfile.NamedTemporaryFile('wb', suffix='.log') as f:
        for path in paths:
            data = open(path, 'rb').read().replace(b'%(day)s', b'Nov 18')
            f.writelines(l + b'\n' for l in data.split(b'\n') if not l.startswith(b'#') and
                         not MADE_UP.search(l.rstrip()))
        f.flush()
        out = subprocess.run([mx, 'parse', '--stats', f.name], capture_output=True, check=True).stdout
    return json.loads(out)


print('#| %-14s %8s %8s %8s %9s %8s %8s' % ('family', 'lines', 'foreign', 'ours', 'events', 'known', 'unknown'))
for family in sorted(os.listdir(corpus)):
    if family in NO_LOGS or not os.path.isdir('%s/%s' % (corpus, family)):
        continue
    paths = sorted(p for p in glob.glob('%s/%s/**/*' % (corpus, family), recursive=True) if is_log(p))
    if not paths:
        continue
    n = stats(paths)
    ours = n['lines'] - n['foreign']
    share = [100.0 * n[k] / max(ours, 1) for k in ('events', 'known', 'unknown')]
    print('#| %-14s %8d %8d %8d %7.2f %% %6.2f %% %6.2f %%' % (family, n['lines'], n['foreign'], ours, *share))
    bad = ['%s: %d of %d lines are unknown' % (family, n['unknown'], ours)] if n['unknown'] * 100 > ours else []
    report('%s: at least 99 %% are understood' % family, bad, ours)
done()
