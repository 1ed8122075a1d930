#!/bin/sh
# faults_daemon_short.t - a write is cut short, and three calls after it fail: see faults_daemon_test.sh.
set -u
# shellcheck source=tests/daemon/faults_daemon_test.sh
. tests/daemon/faults_daemon_test.sh
faulty "a write is cut short, and three calls after it fail" 4 $ENOSPC 1
done_testing
