#!/bin/sh
# faults_daemon_room.t - four calls find no room: see faults_daemon_test.sh.
set -u
# shellcheck source=tests/daemon/faults_daemon_test.sh
. tests/daemon/faults_daemon_test.sh
faulty "four calls find no room" 4 $ENOSPC 0
done_testing
