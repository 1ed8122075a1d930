"""stage.py - the daemons of the lab, their log, and the ways to send them mail.

Everything waits for a condition with a deadline; nothing waits for time to pass."""
import glob
import itertools
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LOG = '/var/log/mail.log'
LIVE = '/var/log/live.log'
IN, OUT = '/etc/postfix', '/etc/postfix-out'
TIMEOUT_S = 15


def until(what, condition, seconds=TIMEOUT_S):
    """Wait for a condition and return what it returned; the end of the lab if it never comes."""
    end = time.monotonic() + seconds
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise SystemExit('waited in vain for ' + what)
        time.sleep(0.01)


def run(*command, text=''):
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Stage:
    not_in_world = ()       # ports of world.py that something real listens on

    def __init__(self):
        self.started = []
        self.sinks = {}

    def start(self, *command, **more):
        process = subprocess.Popen(command, **more)
        self.started.append(process)
        return process

    def surround(self):
        """The world, the log, and who follows it: what every mail system needs."""
        world = self.start(sys.executable, HERE + '/world.py', *self.not_in_world,
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        if world.stdout.readline() != b'ready\n':
            raise SystemExit('world.py did not start')
        self.rsyslog = self.start('rsyslogd', '-n', '-f', HERE + '/rsyslog.conf', '-i', 'NONE')
        until('/dev/log', lambda: os.path.exists('/dev/log'))
        self.watch()

    def open(self):
        self.surround()
        for address, how in (('101', ()), ('102', ('-r', 'rcpt', '-b', '450 4.0.0 Not today')),
                             ('103', ('-f', 'rcpt', '-B', '550 5.0.0 Not here'))):
            self.sinks[address] = self.start('smtp-sink', '-u', 'nobody', '-c', *how,
                                             '203.0.113.%s:25' % address, '200',
                                             stdout=subprocess.DEVNULL)
        for conf in (IN, OUT):
            code, said = run('postfix', '-c', conf, 'start')
            if code != 0:
                raise SystemExit('postfix -c %s start: %s' % (conf, said))
        self.wait('postfix-out/master.*daemon started')

    def close(self):
        for conf in (IN, OUT):
            run('postfix', '-c', conf, 'stop')
        self.wait('postfix-out/master.*terminating')
        self.wind_up()

    def wind_up(self):
        """Once no more lines come."""
        for name in ['/var/log/mail.log', '/var/log/mail.iso'] + glob.glob(LIVE + '*'):
            shutil.copy(name, '.')
        try:
            self.unwatch()
        finally:
            for process in reversed(self.started):
                process.terminate()
                process.wait(10)

    # --- the play
    def play(self, scenes, every=10):
        """Each scene; once in so many the log is rotated, and once mxgauged is killed."""
        for i, scene in enumerate(scenes):
            print(scene.__name__, flush=True)
            scene()
            if i % every == every // 2:
                self.rotate()
            elif i % every == every * 3 // 4:
                self.crash()

    def show(self, account, perform, counted='mail.log'):
        """All of it, and the account of as many lines as that log has."""
        self.open()
        try:
            perform()
        finally:
            self.close()
        with open('mail.log', errors='surrogateescape') as f:
            account.bytes(f.read())
        with open(counted, errors='surrogateescape') as f:
            account.write('account.json', f.read().count('\n'))

    # --- mxgauged, which follows the log meanwhile, if MXGAUGE names its folder
    def watch(self):
        self.mxgauge = os.environ.get('MXGAUGE')
        if not self.mxgauge:
            return
        self.live = os.getcwd() + '/live'
        with open('mxgauged.conf', 'w') as f:
            f.write('state = "%s"\nsource "mail" { files = {"%s"} timezone = UTC }\n'
                    % (self.live, LIVE))
        self.start_watcher()

    def start_watcher(self):
        self.watcher = self.start(self.mxgauge + '/mxgauged', '--foreground', '--config',
                                  os.getcwd() + '/mxgauged.conf')

    def rotate(self):
        """As logrotate does it: .1 becomes .2, the log .1, and syslog is told."""
        for n in range(len(glob.glob(LIVE + '.*')), 0, -1):
            os.rename('%s.%d' % (LIVE, n), '%s.%d' % (LIVE, n + 1))
        os.rename(LIVE, LIVE + '.1')
        self.rsyslog.send_signal(signal.SIGHUP)

    def crash(self):
        """kill -9, and start again."""
        if self.mxgauge:
            self.watcher.kill()
            self.watcher.wait()
            self.start_watcher()

    def unwatch(self):
        """End mxgauged once it has read what there is."""
        if not self.mxgauge:
            return
        lines = sum(1 for name in glob.glob(LIVE + '*') for _ in open(name, 'rb'))
        until('mxgauged to read %d lines' % lines, lambda: self.lines_read() >= lines)
        self.watcher.terminate()
        if self.watcher.wait(10) != 0:
            raise SystemExit('mxgauged ended with status %d' % self.watcher.returncode)

    def lines_read(self):
        code, said = run(self.mxgauge + '/mxgauge', 'report', '--json', '--state', self.live)
        return json.loads(said)['lines']['read'] if code == 0 else 0

    # --- the log
    def log(self):
        with open(LOG, errors='surrogateescape') as f:
            return f.read()

    def mark(self):
        return os.path.getsize(LOG)

    def wait(self, pattern, since=0, n=1):
        """The first n lines of the log after byte `since` that match."""
        expr = re.compile(pattern)

        def found():
            if not os.path.exists(LOG):
                return None
            with open(LOG, errors='surrogateescape') as f:
                f.seek(since)
                lines = [x for x in f if expr.search(x)]
            return lines if len(lines) >= n else None
        return until('%d x %s' % (n, pattern), found)

    def gone(self, queue_id):
        self.wait(r'qmgr\[\d+\]: %s: removed' % queue_id)


numbers = itertools.count(1)
clients = itertools.cycle('198.51.100.%d' % n for n in range(2, 25))


# --- clients --------------------------------------------------------------------------
def queued(text):
    """The queue id that Postfix told a client, or None."""
    found = re.findall(r'250 2\.0\.0 .*queued as (\w+)', text)
    return found[-1] if found else None


class Client:
    """An SMTP dialogue by hand, from an address of our choice."""

    def __init__(self, server, port=25, source='198.51.100.10', greet=True):
        self.sock = socket.create_connection((server, port), TIMEOUT_S, (source, 0))
        self.file = self.sock.makefile('rb')
        self.greeting = self.reply() if greet else None

    def reply(self):
        while True:
            line = self.file.readline().decode('latin-1').rstrip('\r\n')
            if line[3:4] != '-':
                return line

    def send(self, line):
        self.sock.sendall(line if isinstance(line, bytes) else (line + '\r\n').encode('utf-8'))

    def ask(self, line):
        self.send(line)
        return self.reply()

    def starttls(self):
        self.ask('STARTTLS')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        self.sock = context.wrap_socket(self.sock)
        self.file = self.sock.makefile('rb')

    def close(self):
        self.file.close()
        self.sock.close()

    def quit(self):
        said = self.ask('QUIT')
        self.close()
        return said


def letter(to, subject='hello', sender='someone@example.net', more=''):
    return ('From: <%s>\r\nTo: <%s>\r\nSubject: %s\r\nMessage-ID: <%d.%s@example.net>\r\n%s\r\n'
            'A few words.\r\n.\r\n' % (sender, to, subject, next(numbers), os.getpid(), more)).encode()


def swaks(server, to, *more, source=None, sender='someone@example.net', helo=None):
    """One mail by swaks: its last reply code as text, and the queue id or None."""
    source = source or next(clients)
    helo = helo or 'host%s.example.net' % source.rpartition('.')[2]
    code, said = run('swaks', '--server', server, '--to', to, '--from', sender, '--helo', helo,
                     '--local-interface', source, '--timeout', '10', *more)
    replies = re.findall(r'^<\S* +(\d{3}) (?!2\.0\.0 Bye)', said, re.M)
    return replies[-1] if replies else '', queued(said)


def volume(server, to, n, sessions=2, sender='bulk@example.net', length=2000):
    """n mails of one recipient by smtp-source, each in a session of its own."""
    code, said = run('smtp-source', '-s', str(sessions), '-m', str(n), '-l', str(length),
                     '-M', 'bulk.example.net', '-f', sender, '-t', to, server + ':25')
    if code != 0:
        raise SystemExit('smtp-source: ' + said)
