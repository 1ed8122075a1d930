#!/usr/bin/env python3
"""agree_policy.py MXGAUGE CORPUS [--freeze] - Dovecot, policy services and authentication milters.

Addresses and users that fail2ban, crowdsec and Sekoia expect in their lines, one login counted
once, and lines of other IMAP and POP servers that must stay foreign. Lines of a shape that has no
stamp at its beginning are not ours to read (Dovecot 1.x's own file)."""
import glob
import json
import os
import re

from agree import asserts, corpus, done, failjson, freezing, parse, parse_raw, report, shares

OURS = re.compile(r'dovecot|auth$|postgrey|opendkim|opendmarc|p0f|spf')


def dovecot_fail2ban():
    """match true: that client, and a login or what the auth service said of one; the modes beside
    the default also want those that tried nothing."""
    cases = list(failjson(corpus + '/dovecot/fail2ban-dovecot.log'))
    bad = []
    for (line, want), events in zip(cases, parse_raw([line for line, _ in cases])):
        if not want.get('match') or line.startswith('@4'):
            continue        # multilog's lines are qmail's to us
        if want['host'] not in [e.get('client_ip') for e in events]:
            bad.append('%s not found in: %s' % (want['host'], line))
        if want.get('user') and want['user'] not in [e.get('sasl_username') for e in events]:
            bad.append('user %s not found in: %s' % (want['user'], line))
        if '-login: ' in line and 'auth failed' in line and 'proxy' not in line \
                and [e['kind'] for e in events] != ['AUTH_FAIL']:
            bad.append('no failed login: %s' % line)
        if '-login: ' not in line and [e['kind'] for e in events] != ['INFO']:
            bad.append('counted beside its login: %s' % line)
    report('dovecot: fail2ban', bad, len(cases))


def dovecot_crowdsec():
    cases = [c for c in asserts('dovecot/crowdsec-*.parser.assert') if 'message' in c and 'program' in c]
    lines = [(c['program'], c['message'].replace('\\"', '"')) for c in cases]
    bad = []
    for case, (tag, text), events in zip(cases, lines, parse(lines)):
        ip, user = case.get('dovecot_remote_ip'), case.get('dovecot_user')
        if ip and ip not in [e.get('client_ip') for e in events]:
            bad.append('%s not found in: %s' % (ip, text))
        if user and user not in [e.get('sasl_username') for e in events]:
            bad.append('user %s not found in: %s' % (user, text))
    report('dovecot: crowdsec', bad, len(cases))


def sekoia(folder, kinds):
    """Client and sender of the ECS fields."""
    lines, wants = [], []
    for path in sorted(glob.glob('%s/%s/sekoia/*.json' % (corpus, folder))):
        case = json.load(open(path, encoding='utf-8'))
        tag = case['input'].get('log', {}).get('syslog', {}).get('appname', folder)
        lines.append((tag, case['input']['message'].replace('\n', ' ')))
        wants.append((os.path.basename(path), case['expected']))
    bad = []
    for (tag, text), (name, want), events in zip(lines, wants, parse(lines)):
        if not events or events[0]['kind'] not in kinds:
            bad.append('%s: nothing in: %s' % (name, text))
            continue
        ip = (want.get('source') or {}).get('ip')
        if ip and ip not in {e.get('client_ip') for e in events}:
            bad.append('%s: %s not found in: %s' % (name, ip, text))
        for side in ('from', 'to'):
            for a in ((want.get('email') or {}).get(side) or {}).get('address', []):
                if a not in ('UNKNOWN', '<UNKNOWN>') and a not in [e.get(side) for e in events]:
                    bad.append('%s: %s %s not found in: %s' % (name, side, a, text))
    report('%s: sekoia' % folder, bad, len(lines))


def foreign():
    """Courier, Cyrus, UW-IMAP, perdition, solid-pop3d: no event."""
    paths = [p for pattern in ('courier/*.log', 'cyrus/*.log', 'other-mta/fail2ban-*pop3d.log',
                               'other-mta/fail2ban-uwimap*.log', 'other-mta/fail2ban-perdition.log')
             for p in sorted(glob.glob(corpus + '/' + pattern))]
    lines = [line.rstrip(b'\n') for p in paths for line in open(p, 'rb')
             if line.strip() and not line.startswith(b'#')]
    bad = ['%s: %s' % (events[0]['kind'], line) for line, events in zip(lines, parse_raw(lines)) if events]
    report('other mail access', bad, len(lines))


def ours(program, n):
    return OURS.search(program) and n['foreign'] == 0


if not freezing:
    dovecot_fail2ban()
    dovecot_crowdsec()
    sekoia('postgrey', ('POLICY', 'INFO'))
    sekoia('policyd-spf', ('SPF',))
    foreign()
shares('policy', ('dovecot/*.log', 'mixed/*', 'captured/dovecot.log', 'captured/postgrey.log',
                  'captured/opendkim.log', 'captured/opendmarc.log', 'captured/p0f.log'), 100, ours)
done()
