#!/bin/sh
# faults_daemon_one.t - one call fails: see faults_daemon_test.sh.
set -u
# shellcheck source=tests/daemon/faults_daemon_test.sh
. tests/daemon/faults_daemon_test.sh
faulty "one call fails" 1 $EIO 0
done_testing
