#!/usr/bin/env python3
"""plot.py [ROUNDS] - what happens in the lab, scene after scene, in another order each round.

Runs inside the namespaces of lab.sh; writes mail.log, mail.iso and account.json in the
current folder."""
import random
import sys

import arrive
import background
import fail
import refuse
from play import a, rounds, s, scenes


def perform(n):
    shuffle = random.Random(7).shuffle
    for rounds[0] in range(n):
        for i, scene in enumerate(scenes):
            print(scene.__name__, flush=True)
            scene()
            if i % 20 == 10:
                s.rotate()
            elif i % 20 == 15:
                s.crash()
            if n > 1:
                background.some()
        shuffle(scenes)
    fail.left_behind()


assert arrive and refuse        # their scenes entered themselves
s.show(a, lambda: perform(int(sys.argv[1]) if len(sys.argv) > 1 else 1))
