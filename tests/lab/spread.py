#!/usr/bin/env python3
"""spread.py RECORDING DAY YYYY-MM-DD - lay a recording of some minutes over a whole day.

RECORDING is mail.iso of a run of lab.sh with several rounds. It is cut where nothing goes
on (no SMTP session open, no mail under way), and each piece moves as it is, the
pieces in their order, denser in office hours. So every mail keeps its lines, their order
and, but for what waited in a queue, their distances; texts stay what Postfix wrote. What
tells the time elsewhere, long queue ids and Message-IDs, moves along."""
import datetime
import math
import re
import sys

PAUSE_S = 0.001
BASE52 = '0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz'
LONG_ID = re.compile(r'\b[%s]{6}([%s]{4})z([%s]{1,11})\b' % ((BASE52,) * 3))
MID_TIME = re.compile(r'<20\d{12}\.')


def read(path):
    with open(path, encoding='utf-8', errors='surrogateescape') as f:
        for line in f:
            stamp, _, rest = line.partition(' ')
            yield datetime.datetime.fromisoformat(stamp).timestamp(), rest


class Doing:
    """What goes on: SMTP sessions, postscreen's, and mails between their first line and
    their removal, or what keeps them for later, or what ended them early."""
    KEPT = (r'removed|requeued|placed on hold|(milter-)?(reject|hold|discard): |'
            r'queue file size limit exceeded|to=<.*, dsn=[\d.]+, status=deferred \(')

    def __init__(self):
        self.sessions, self.mails = {}, set()

    def nothing(self):
        return not self.sessions and not self.mails

    def line(self, rest):
        tag, _, text = rest.rstrip('\n').partition(' ')[2].partition(': ')
        text = text.removeprefix('warning: ')
        mail = re.match(r'([0-9A-Za-z]{6,}): ((?!NOQUEUE).*)', text)
        if tag.startswith('postfix/postscreen'):
            self.screen(text)
        elif '/smtpd[' in tag and text.startswith('connect from '):
            self.sessions[tag] = set()
        elif '/smtpd[' in tag and text.startswith('disconnect from '):
            self.mails -= self.sessions.pop(tag)        # begun and never sent
        elif mail and re.match(self.KEPT, mail.group(2)):
            self.mails.discard(mail.group(1))
        elif mail and re.match(r'client=|uid=|from=', mail.group(2)):
            self.mails.add(mail.group(1))
            if '/smtpd[' in tag:
                self.sessions[tag].add(mail.group(1))
        elif mail and '/cleanup[' in tag:
            for begun in self.sessions.values():
                begun.discard(mail.group(1))

    def screen(self, text):
        verb, _, who = text.partition(' ')
        if verb == 'CONNECT':
            self.sessions['screen ' + who.split(' ')[1]] = set()
        elif verb in ('PASS', 'DISCONNECT'):
            self.sessions.pop('screen ' + who.split(' ')[-1], None)


def pieces(lines):
    """Lists of (time, rest), cut where nothing goes on and the log paused."""
    piece, doing, last = [], Doing(), 0.0
    for time, rest in lines:
        if piece and doing.nothing() and time - last >= PAUSE_S:
            yield piece
            piece = []
        doing.line(rest)
        piece.append((time, rest))
        last = time
    yield piece


def busy(hour):
    """How much goes on, by the hour of the day: a morning and an afternoon."""
    return (0.25 + math.exp(-((hour - 10.3) / 2.2) ** 2) + 0.8 * math.exp(-((hour - 15.2) / 2.4) ** 2)
            + 0.15 * math.exp(-((hour - 20.5) / 1.5) ** 2))


def starts(sizes):
    """Second of the day at which each piece begins, so that lines are as dense as busy()."""
    weight = [busy(m / 60) for m in range(1440)]
    total, done, minute, passed = sum(weight), 0, 0, 0.0
    for size in sizes:
        want = total * done / sum(sizes)
        while passed + weight[minute] < want:
            passed += weight[minute]
            minute += 1
        yield 60 * (minute + (want - passed) / weight[minute])
        done += size


def base52(n, width):
    text = ''
    while n or len(text) < width:
        n, digit = divmod(n, 52)
        text = BASE52[digit] + text
    return text


def main():
    recording, day, date = sys.argv[1:]
    midnight = datetime.datetime.fromisoformat(date + 'T00:00:00+00:00')
    cut = list(pieces(read(recording)))
    ids, free = {}, 0.0

    def moved_id(match, now):
        if match.group() not in ids:
            ids[match.group()] = '%s%sz%s' % (base52(int(now.timestamp()), 6), match.group(1), match.group(2))
        return ids[match.group()]

    with open(day, 'w', encoding='utf-8', errors='surrogateescape') as out:
        for piece, start in zip(cut, list(starts([len(p) for p in cut]))):
            start = max(start, free)
            for time, rest in piece:
                now = midnight + datetime.timedelta(seconds=start + time - piece[0][0])
                rest = LONG_ID.sub(lambda m: moved_id(m, now), rest)
                rest = MID_TIME.sub(now.strftime('<%Y%m%d%H%M%S.'), rest)
                out.write('%s %s' % (now.isoformat(timespec='microseconds'), rest))
            free = start + piece[-1][0] - piece[0][0] + PAUSE_S
    print('%d pieces' % len(cut))


main()
