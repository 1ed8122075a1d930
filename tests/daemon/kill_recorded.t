#!/bin/sh
# kill_recorded.t - the same as kill.t with the recorded day.
DAY=tests/logs/day/postfix.log exec sh tests/daemon/kill.t
