#!/bin/sh
# faults_daemon_ten.t - ten calls fail, for seconds: see faults_daemon_test.sh.
set -u
# shellcheck source=tests/daemon/faults_daemon_test.sh
. tests/daemon/faults_daemon_test.sh
faulty "ten calls fail, for seconds" 10 $EIO 0 113
done_testing
