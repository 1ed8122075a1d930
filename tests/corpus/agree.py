"""agree.py - what the agree_NAME.py share: lines through `mxgauge parse`, TAP, frozen numbers.

A script is called as: agree_NAME.py MXGAUGE CORPUS [--freeze]. It compares what both sides
name; differences are comments. corpus.t runs them all."""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

mx, corpus = sys.argv[1:3]
here = os.path.dirname(os.path.abspath(__file__))
freezing = '--freeze' in sys.argv
tests = 0


def parse_file(path):
    """All events of a file."""
    out = subprocess.run([mx, 'parse', path], capture_output=True, check=True).stdout
    return [json.loads(line) for line in out.decode('utf-8').splitlines()]


def parse(lines):
    """Events of each (tag, text); the line number rides in the host's name."""
    with tempfile.NamedTemporaryFile('w', suffix='.log', encoding='utf-8') as f:
        for i, (tag, text) in enumerate(lines):
            f.write('2026-11-03T16:04:31+00:00 h%d %s[7]: %s\n' % (i, tag, text))
        f.flush()
        events = {}
        for e in parse_file(f.name):
            events.setdefault(int(e['host'][1:]), []).append(e)
    return [events.get(i, []) for i in range(len(lines))]


def parse_raw(lines):
    """Events of each whole line (bytes or str), asked one by one: any shape will do."""
    found = []
    for line in lines:
        with tempfile.NamedTemporaryFile('wb', suffix='.log') as f:
            f.write((line if isinstance(line, bytes) else line.encode('utf-8')) + b'\n')
            f.flush()
            found.append(parse_file(f.name))
    return found


def report(name, bad, n):
    """A TAP line: n things were compared, bad says which differ."""
    global tests
    tests += 1
    for b in bad:
        print('# ' + b)
    print('%sok %d - %s: %d lines%s' % ('not ' if bad else '', tests, name, n,
                                        ', %d differ' % len(bad) if bad else ''))


def failjson(path):
    """(line, expectation) of a fail2ban file: what stands in the comment before each line."""
    want = None
    for line in open(path, encoding='utf-8', errors='surrogateescape'):
        m = re.match(r'# failJSON: (.*)', line)
        if m:
            want = json.loads(m.group(1))
        elif not line.startswith('#') and line.strip() and want is not None:
            yield line.rstrip('\n'), want
            want = None


def asserts(pattern, stage='s01-parse'):
    """Fields of each case of crowdsec's parser asserts."""
    for path in sorted(glob.glob(corpus + '/' + pattern)):
        cases = {}
        for i, key, value in re.findall(
                r'results\["%s"\]\["[^"]*"\]\[(\d+)\]\.Evt\.Parsed\["([^"]+)"\] == "((?:[^"\\]|\\.)*)"' % stage,
                open(path, encoding='utf-8').read()):
            cases.setdefault(int(i), {})[key] = value
        yield from cases.values()


def stats(path, ours=lambda program, n: n['foreign'] == 0):
    """Counts of the lines of programs that ours() says yes to, in one file without its comments."""
    data = open(path, 'rb').read().replace(b'%(day)s', b'Nov 18')
    with tempfile.NamedTemporaryFile('wb', suffix='.log') as f:
        f.writelines(l + b'\n' for l in data.split(b'\n') if l and not l.startswith(b'#'))
        f.flush()
        out = subprocess.run([mx, 'parse', '--stats', f.name], capture_output=True, check=True).stdout
    total = {'lines': 0, 'events': 0, 'known': 0, 'unknown': 0}
    for program, n in json.loads(out)['by_program'].items():
        if ours(program, n):
            for key in total:
                total[key] += n[key]
    return total


def shares(name, patterns, one_in, ours=lambda program, n: n['foreign'] == 0):
    """At least as many lines of each file give events as NAME.frozen says, and at most one line
    in one_in of programs of ours is unknown over all files. --freeze prints the list."""
    paths = [p for pattern in patterns for p in glob.glob(corpus + '/' + pattern, recursive=True)
             if os.path.isfile(p)]
    got = {os.path.relpath(p, corpus): stats(p, ours) for p in sorted(set(paths))}
    if freezing:
        for path, n in got.items():
            print('%6d %s' % (n['events'], path))
        sys.exit()
    bad = []
    frozen = [line.split(None, 1) for line in open('%s/%s.frozen' % (here, name), encoding='utf-8')
              if not line.startswith('#')]
    for number, path in frozen:
        path = path.strip()
        if path in got and got[path]['events'] < int(number):
            bad.append('%s: %d lines give events, want %s' % (path, got[path]['events'], number))
    report('%s: frozen numbers of lines that give events' % name, bad, len(frozen))
    lines = sum(n['lines'] for n in got.values())
    unknown = sum(n['unknown'] for n in got.values())
    bad = ['%d of %d are unknown' % (unknown, lines)] if unknown * one_in > lines else []
    report('%s: unknown lines (%d)' % (name, unknown), bad, lines)


def done():
    print('1..%d' % tests)
