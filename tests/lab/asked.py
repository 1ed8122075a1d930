"""asked.py - what plots share that ask real servers by a check: each answer is a line of ./tap."""
import os
import socket
import subprocess
import threading
import time

from stage import until

tap = open('tap', 'w')


def ok(good, text, why=''):
    tap.write('%s - %s\n' % ('ok' if good else 'not ok', text))
    if not good:
        tap.write(''.join('# %s\n' % line for line in str(why).splitlines()))
    tap.flush()


def ask(program, status, text, *args, env=None):
    """Status and a part of the first line; inside -t by the wall's clock."""
    begun = time.monotonic()
    done = subprocess.run([program, '-t', '8', *args], capture_output=True, text=True, timeout=60,
                          env=dict(os.environ, **(env or {})))
    took = time.monotonic() - begun
    limit = float(args[args.index('-t') + 1]) if '-t' in args else 8
    first = done.stdout.split('\n')[0]
    ok(done.returncode == status and text in first and took < limit + 0.5,
       '%s: %d, %s' % (' '.join(args), status, text), '%d after %.3f s\n%s' % (done.returncode, took, done.stdout))
    return done.stdout


def listening(host, port):
    def tried():
        try:
            socket.create_connection((host, port), 1).close()
            return True
        except OSError:
            return False
    until('%s:%d' % (host, port), tried)


def policy_client(conn, answer):
    with conn, conn.makefile('rw') as f:
        want = {}
        for line in f:
            if line.strip():
                want.update([line.strip().split('=', 1)])
                continue
            f.write('action=%s\n\n' % answer(want))
            f.flush()
            want = {}


def policy(answer):
    """A policy server for Postfix on port 10040: answer(attributes) is its action."""
    server = socket.create_server(('127.0.0.1', 10040))

    def loop():
        while True:
            threading.Thread(target=policy_client, args=(server.accept()[0], answer), daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()
