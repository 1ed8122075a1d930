#!/usr/bin/python3
"""pass_persist for snmpd: serves the lines "OID TYPE VALUE" of a file.

    pass.py FILE

While there is a file "hang" beside it, it gives no answer.
"""
import os
import sys
import time


def key(oid):
    return tuple(int(x) for x in oid.strip(".").split("."))


def rows():
    for line in open(sys.argv[1]):
        oid, kind, value = line.rstrip("\n").split(" ", 2)
        yield key(oid), (oid, kind, value)


while True:
    word = sys.stdin.readline().strip()
    if word == "":
        break
    if word == "PING":
        print("PONG", flush=True)
        continue
    asked = key(sys.stdin.readline())
    while os.path.exists(os.path.dirname(sys.argv[1]) + "/hang"):
        time.sleep(0.05)
    for at, row in sorted(rows()):
        if at > asked if word == "getnext" else at == asked:
            print("\n".join(row), flush=True)
            break
    else:
        print("NONE", flush=True)
