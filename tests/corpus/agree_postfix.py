#!/usr/bin/env python3
"""agree_postfix.py MXGAUGE CORPUS [--freeze] - do we read what others say is in their Postfix lines?

Lines that other projects publish with the fields they expect: one test for each collection. Only
what both sides name is compared. Also how many lines of each file give events, against the frozen
list beside this script, and that at most one Postfix line in 200 is not understood."""
import glob
import json
import os
import re

from agree import (asserts, corpus, done, failjson, freezing, parse, parse_file, report, shares)


def grok():
    """Fields of the YAML cases of postfix-grok-patterns."""
    names = {
        'postfix_client_hostname': 'client_name', 'postfix_client_ip': 'client_ip',
        'postfix_client_port': 'client_port', 'postfix_queueid': 'id',
        'postfix_smtp_stage': 'stage', 'postfix_status_code': 'code',
        'postfix_status_code_enhanced': 'dsn', 'postfix_relay_hostname': 'relay',
        'postfix_relay_ip': 'relay_ip', 'postfix_relay_port': 'relay_port',
        'postfix_tls_version': 'tls_proto', 'postfix_tls_cipher': 'tls_cipher',
        'postfix_tls_trustlevel': 'tls_trust', 'postfix_bounce_queueid': 'new_id',
        'postfix_proxy_smtp_stage': 'stage', 'postfix_proxy_status_code': 'code',
        'postfix_dnsbl_domain': 'reason_sub', 'postfix_from': 'from',
    }
    lines, wants = [], []
    for path in sorted(glob.glob(corpus + '/postfix/grok-patterns/*.yaml')):
        text = open(path, encoding='utf-8').read()
        tag = re.search(r'POSTFIX_([A-Z_]+)}', text).group(1).lower().replace('_', '-')
        data = re.search(r'^data: (.*)$', text, re.M).group(1)
        if data.startswith('"'):
            data = data[1:-1].replace('\\"', '"').replace('\\r', '\r').replace('\\n', '\n').strip()
        if tag not in ('anvil', 'bounce', 'cleanup', 'discard', 'dnsblog', 'error', 'lmtp', 'local',
                       'master', 'pickup', 'pipe', 'postdrop', 'postmap', 'postscreen', 'postsuper',
                       'qmgr', 'scache', 'script', 'sendmail', 'smtp', 'smtpd', 'tlsmgr', 'tlsproxy',
                       'trivial-rewrite', 'verify', 'virtual'):
            continue
        want = dict(re.findall(r'^ +(postfix_[a-z_]+): "?([^"\n]*?)"?$', text, re.M))
        lines.append(('postfix/' + {'script': 'postfix-script'}.get(tag, tag), data))
        wants.append((os.path.basename(path), want))
    bad = []
    for (tag, data), (name, want), events in zip(lines, wants, parse(lines)):
        quiet = tag in ('postfix/scache', 'postfix/verify', 'postfix/tlsproxy') or 'cache' in data
        if not events:
            if not quiet:
                bad.append('%s: no event: %s' % (name, data))
            continue
        e = events[0]
        if want.get('postfix_queueid') == 'NOQUEUE':
            del want['postfix_queueid']
        if 'in reply to' in data or e['kind'] in ('SCREEN', 'CONNECT'):
            want.pop('postfix_smtp_stage', None)
        for key, ours in names.items():
            if key not in want:
                continue
            got = str(e.get(ours, ''))
            if key == 'postfix_client_hostname' and want[key] == 'unknown':
                want[key] = ''
            if got != want[key]:
                bad.append('%s: %s is %r, want %r' % (name, ours, got, want[key]))
        for key, value in re.findall(r'\b(from|to|orig_to|helo|dsn|conn_use)=<?([^<>,]*)',
                                     want.get('postfix_keyvalue_data', '')):
            if str(e.get(key, '')) != value:
                bad.append('%s: %s is %r, want %r' % (name, key, e.get(key), value))
    report('grok-patterns', bad, len(lines))


def fail2ban():
    """match true and a host: some event of that line has that client."""
    lines, wants = [], []
    for line, want in failjson(corpus + '/postfix/fail2ban-postfix.log'):
        lines.append(re.match(r'\S+ +\S+ \S+ \S+ ([^\[:]+)\[\d+\]: (.*)', line).groups())
        wants.append(want)
    bad = []
    for (tag, text), want, events in zip(lines, wants, parse(lines)):
        if want.get('match') and want['host'] not in [e.get('client_ip') for e in events]:
            bad.append('%s not found in: %s' % (want['host'], text))
        if want.get('user') and want['user'] not in [e.get('sasl_username') for e in events]:
            bad.append('user %s not found in: %s' % (want['user'], text))
    report('fail2ban', bad, len(lines))


def crowdsec():
    """source_ip and reason fields of the parser asserts."""
    cases = [c for c in asserts('postfix/crowdsec-*.parser.assert') if 'message' in c and 'program' in c]
    lines = [(c['program'], c['message'].replace('\\"', '"')) for c in cases]
    wants = cases
    bad = []
    for (tag, text), want, events in zip(lines, wants, parse(lines)):
        want_ip = want.get('remote_addr') or want.get('client_ip')
        if want_ip and want_ip not in [e.get('client_ip') for e in events]:
            bad.append('%s not found in: %s' % (want_ip, text))
    report('crowdsec', bad, len(lines))


def sekoia():
    """The client's or the relay's address, the addresses and the queue id of the ECS fields."""
    lines, wants = [], []
    for path in sorted(glob.glob(corpus + '/postfix/sekoia/*.json')):
        case = json.load(open(path, encoding='utf-8'))
        tag = case['input'].get('log', {}).get('syslog', {}).get('appname', 'postfix')
        if tag.startswith('postfix'):
            lines.append((tag, case['input']['message'].replace('\n', ' ')))
            wants.append((os.path.basename(path), case['expected']))
    bad = []
    for (tag, text), (name, want), events in zip(lines, wants, parse(lines)):
        if not events:
            bad.append('%s: no event: %s' % (name, text))
            continue
        ips = {e.get(k) for e in events for k in ('client_ip', 'relay_ip')}
        for side in ('source', 'destination'):
            ip = (want.get(side) or {}).get('ip')
            if ip and ip not in ips:
                bad.append('%s: %s not found in: %s' % (name, ip, text))
        for side in ('from', 'to'):
            if 'header From' in text and 'from=<' not in text:
                continue    # the sender in a header is text to us
            for a in ((want.get('email') or {}).get(side) or {}).get('address', []):
                if a not in [e.get(side) for e in events]:
                    bad.append('%s: %s %s not found in: %s' % (name, side, a, text))
    report('sekoia', bad, len(lines))


def exporter():
    """The counters that postfix_exporter has after its own test log."""
    log = corpus + '/postfix/sergeymakinen-exporter-mail.log'
    count = {}
    for e in parse_file(log):
        tag = e['program'].split('/')[-1]
        count[(tag, e['kind'])] = count.get((tag, e['kind']), 0) + 1
    want = {}
    for name, value in re.findall(r'^(postfix_\w+(?:{[^}]*})?) (\d+)',
                                  open(corpus + '/postfix/sergeymakinen-exporter-metrics-without-config.txt',
                                       encoding='utf-8').read(), re.M):
        want[name] = int(value)
    delivered = {'sent': 'DELIVERED', 'deferred': 'DEFERRED', 'bounced': 'BOUNCED'}
    names = {
        'connects_total': 'CONNECT', 'disconnects_total': 'DISCONNECT',
        'lost_connections_total': 'LOST_CONN', 'login_failures_total': 'AUTH_FAIL',
    }
    bad = []
    n = 0
    for name, value in want.items():
        key, labels = re.match(r'postfix_(\w+){(.*)}', name).groups() if '{' in name else (name, '')
        label = dict(re.findall(r'(\w+)="([^"]*)"', labels))
        program = label.get('subprogram')
        if key in names:
            got = count.get((program, names[key]), 0)
        elif key == 'statuses_total' and label['status'] != 'deferred':
            # its two deferred lines lack "to=": Postfix writes no such line
            got = count.get((program, delivered[label['status']]), 0)
        elif key == 'qmgr_statuses_total':
            got = count.get(('qmgr', 'EXPIRED'), 0)
        elif key == 'postscreen_actions_total' and label['action'] in ('CONNECT', 'DISCONNECT'):
            got = count.get(('postscreen', label['action']), 0)
        else:
            continue
        n += 1
        if got != value:
            bad.append('%s: %d, want %d' % (name, got, value))
    report('sergeymakinen exporter', bad, n)


if not freezing:
    grok()
    fail2ban()
    crowdsec()
    sekoia()
    exporter()
shares('postfix', ['postfix/*.log', 'postfix/lightmeter/*.log', 'mixed/*', 'captured/postfix*.log'], 200,
       lambda program, n: program.startswith('post') and n['foreign'] == 0)
done()
