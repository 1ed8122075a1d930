#!/usr/bin/env python3
"""eximstats.py STATS EVENTS LOG - does eximstats count what `mxgauge parse` says of a main log?

Where the two mean different things the difference must be explained to the last line:
- it does not know cutthrough deliveries (">>");
- what was dropped (no T=) is a delivery and a refusal to it; so is a line that names a host which
  refused the connection, and a recipient that an ACL discarded is none;
- a message is delayed to it by any "==", also by one that was no attempt."""
import json
import re
import sys

stats, events, log = (open(path, errors='surrogateescape').read() for path in sys.argv[1:4])
events = [json.loads(line) for line in events.splitlines()]
lines = log.splitlines()


def row(name):
    """The whole numbers of a row of the summary: messages, addresses (of Delivered), hosts, and
    how many messages were delayed and failed (of Received)."""
    line = re.search(r'^  %s (.*)$' % name, stats, re.M).group(1)
    return [int(n) for n in re.findall(r'(?<![\d.])(\d+)(?![\d.%KMG])', line)]


def count(*kinds):
    return sum(e['kind'] in kinds for e in events)


def matching(pattern):
    return sum(bool(re.search(pattern, line)) for line in lines)


def messages(flag):
    return len({m.group(1) for line in lines for m in [re.search(r' (\S{16,23}) %s ' % flag, line)] if m})


def main():
    received, delivered = row('Received'), row('Delivered')
    refused = row('Rejects')[0] + row('Temp Rejects')[0]
    dropped = matching(r' => (?!.* T=)')
    on_the_way = matching(r'\] \S{16,23} H=\S+ \[\S+\] .*(refused|rejected|dropped)')
    pairs = (
        ('messages received', received[0], count('QUEUED')),
        ('addresses delivered', delivered[1], count('DELIVERED') - matching(' >> ')),
        ('refusals', refused - dropped - on_the_way, count('REJECT', 'TEMPFAIL', 'RATELIMIT')),
        ('messages delayed', received[2], messages('==')),
        ('messages that failed', received[3], messages(r'\*\*')),
        ('addresses that failed', matching(r' \*\* '), count('BOUNCED')),
        ('attempts that failed', matching(r' == ') - matching(r' == .*defer \(-5[2-7]\)'), count('DEFERRED')),
    )
    bad = ['%s: %d, mxgauge %d' % pair for pair in pairs if pair[1] != pair[2]]
    print(*bad, sep='\n', end='\n' if bad else '')
    sys.exit(bool(bad))


main()
