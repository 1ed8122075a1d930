#!/usr/bin/env python3
"""compare.py ACCOUNT REPORT - is the report what the account says? Prints what is not.

Both ways: what was done must be counted, and what is counted must have been done. Only
figures that nobody can know beforehand are left out."""
import json
import sys

FREE = {'lines', 'known', 'foreign', 'copies', 'qwarn'}


def differences(want, got):
    for section in ('counts', 'reject', 'tempfail', 'dnsbl', 'balance', 'open'):
        for key in sorted(set(want[section]) | set(got.get(section, {}))):
            w, g = want[section].get(key, 0), got.get(section, {}).get(key, 0)
            free = section == 'counts' and (key in FREE or key.startswith('q_'))
            if w != g and not free:
                yield '%s.%s: done %s, counted %s' % (section, key, w, g)
    lines = got['lines']
    if lines['unknown'] != 0:
        yield 'lines.unknown: %d' % lines['unknown']
    if lines['read'] < want['lines']['read']:
        yield 'lines.read: %d of %d' % (lines['read'], want['lines']['read'])


def main():
    found = list(differences(*(json.load(open(path)) for path in sys.argv[1:3])))
    print(*found, sep='\n', end='\n' if found else '')
    sys.exit(bool(found))


main()
