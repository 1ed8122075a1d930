#!/bin/sh
# journal.t - mxgauged reads the systemd journal: real journal files, made from the export
# form. As in daemon.t each entry refuses one recipient, so that the count of refusals is the
# number of entries; each is written once, so none may be counted twice.
set -u
# shellcheck source=tests/daemon/daemon_test.sh
. tests/daemon/daemon_test.sh
remote=/lib/systemd/systemd-journal-remote
needs journal $remote
mkdir "$D/j" "$D/k"

is_more() { n=$(count rej) && [ -n "$n" ] && [ "$n" -gt "$1" ]; }

# entries export|file FROM N: entries, each different, of the last minutes, in that form
base=$(date +%s)
entries() {
    perl -e '
        use POSIX;
        my ($form, $from, $n, $base) = @ARGV;
        for my $i ($from .. $from + $n - 1) {
            my $us = ($base - 900) * 1000000 + $i * 10000 + 7;
            my $text = "NOQUEUE: reject: RCPT from unknown[192.0.2.1]: 550 5.1.1 <u$i\@example.org>: " .
                "Recipient address rejected: User unknown in local recipient table; " .
                "from=<a\@example.net> to=<u$i\@example.org> proto=ESMTP helo=<h.example.net>";
            if ($form eq "file") {
                printf "%s.%06d+00:00 mx1 postfix/smtpd[7]: %s\n",
                    strftime("%Y-%m-%dT%H:%M:%S", gmtime($us / 1e6)), $us % 1e6, $text;
                next;
            }
            print "__REALTIME_TIMESTAMP=", $us + 500, "\n__MONOTONIC_TIMESTAMP=", $i + 1, "\n",
                "_BOOT_ID=0123456789abcdef0123456789abcdef\n",
                "_SOURCE_REALTIME_TIMESTAMP=$us\n_HOSTNAME=mx1.example.org\n_TRANSPORT=syslog\n",
                "SYSLOG_IDENTIFIER=postfix/smtpd\nSYSLOG_PID=7\n_PID=8\nSYSLOG_FACILITY=2\n",
                "MESSAGE=$text\n\n";
        }' "$1" "$2" "$3" "$base"
}

next=0
add() { # N JOURNAL
    entries export "$next" "$1" >"$D/export"
    $remote --output="$2" "$D/export" >"$D/remote" 2>&1 || sed 's/^/# /' "$D/remote"
    next=$((next + $1))
}

conf() { # SOURCES
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n%s\n' "$D" "$PWD" "$1" >"$D/conf"
}
folder="source \"journal\" { journal = \"$D/j\" }"

conf "$folder"
add 100 "$D/j/system.journal"
start || { cat "$D/out"; echo "Bail out! mxgauged does not start"; exit 1; }
counts 100 "a journal is read from its first entry"
add 7 "$D/j/system.journal"
counts 107 "what is appended is read"

mv "$D/j/system.journal" "$D/j/system@1.journal"
add 9 "$D/j/system.journal"
counts 116 "rotation"

stop TERM
add 11 "$D/j/system.journal"
mv "$D/j/system.journal" "$D/j/system@2.journal"
add 12 "$D/j/system.journal"
start
counts 139 "what came while it was down, rotated meanwhile"
kill -HUP "$pid"
wait_for grep -q reloaded "$D/out"
add 1 "$D/j/system.journal"
counts 140 "a reload goes on behind the same entry"

# killed while entries come
for round in 1 2 3 4 5; do
    (for _ in 1 2 3 4 5 6; do
        add 200 "$D/j/system.journal"
    done) &
    writer=$!
    others=$writer
    wait_for is_more "$next"
    saw $? "killed $round times: it goes on"
    stop KILL
    start
    wait "$writer"
    others=
    next=$((next + 1200))
done
counts 6140 "kill -9 while entries come: nothing lost, nothing twice"

# the same entries by a file too, as rsyslog writes them
conf "$folder
source file { files = { \"$D/log\" } }"
entries file 0 6140 >"$D/log"
stop TERM
start
wait_for is_count copies 6140
saw $? "the same lines in a file are copies"
next=$((next + 1))
entries file $((next - 1)) 1 >>"$D/log"
counts 6141 "and a line that only the file has is not"

# hostile entries; a line hides in one, another has 100 KB
perl -e '
    my $us = $ARGV[0] * 1000000;
    my $bad = join("", map { entry($_) } "a\nb\0c\x01\xff#012", "x" x 100000, "\n" x 70000,
        "\n2026-01-01T00:00:00.000000+00:00 mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from " .
        "unknown[192.0.2.1]: 550 5.1.1 <h\@example.org>: Recipient address rejected: User " .
        "unknown; from=<a\@example.net> to=<h\@example.org> proto=ESMTP helo=<h>\n");
    sub entry {
        $us += 1000;
        return "__REALTIME_TIMESTAMP=$us\n__MONOTONIC_TIMESTAMP=" . ($us - $ARGV[0] * 1000000 + 100000) .
            "\n_BOOT_ID=0123456789abcdef0123456789abcdef\n_HOSTNAME=mx1\n" .
            "SYSLOG_IDENTIFIER=postfix/smtpd\n_PID=9\nMESSAGE\n" . pack("Q<", length $_[0]) . "$_[0]\n\n";
    }
    print $bad;' "$base" >"$D/export"
$remote --output="$D/j/system.journal" "$D/export" >"$D/remote" 2>&1
wait_for is_count unknown 4
saw $? "entries with line ends, NULs and 100 KB are each one line, and unknown"
is "$(count cut)" 2 "two of them were cut"
is "$(count rej)" 6141 "no line hides in an entry"

# vacuumed while it was down: the last entry that was read, and one that was not
stop TERM
entries export 90000 2 >"$D/export"
$remote --output="$D/j/system.journal" "$D/export" >"$D/remote" 2>&1
rm -f "$D"/j/*
entries export 90010 5 >"$D/export"
$remote --output="$D/j/system.journal" "$D/export" >"$D/remote" 2>&1
start
counts 6146 "after vacuuming it goes on with the first later entry"
is "$(grep -c 'the entry that was read last is gone' "$D/out")" 1 "and says so once"

# a file that is not there yet, and only some entries of it
stop TERM
next=100000
conf "source one { journal = \"$D/k/one.journal\" journal_match = { \"SYSLOG_PID=7\", \"SYSLOG_PID=6\" } }
source none { journal = \"$D/k/one.journal\" journal_match = { \"SYSLOG_PID=7\", \"_PID=1\" } }"
start
wait_for grep -q 'one.journal: not there yet' "$D/out"
saw $? "a journal that is not there yet is named"
add 20 "$D/k/one.journal"
counts 6166 "and read once it is; entries that do not match are left out"
mv "$D/k/one.journal" "$D/k/old"
add 5 "$D/k/one.journal"
counts 6171 "and the one that takes its place"
"$BUILD/bin/mxgauge" status --state "$D/state" >"$D/status"
grep -q "journal:$D/k/one.journal SYSLOG_PID=7 SYSLOG_PID=6" "$D/status"
saw $? "status names it"
stop TERM

conf "source x { journal = relative }
source y { journal_match = { \"lower=1\" } }"
"$BUILD/bin/mxgauge" check-config "$D/conf" >"$D/faults" 2>&1
is "$(sed 's/.*conf:[0-9]*: //' "$D/faults" | tr '\n' '|')" "journal = relative: must be system, or a path \
from the root, /...|journal_match: \"lower=1\" is not of the form FIELD=VALUE|source \"y\" ends without files, journal or \
listen|source \"y\" has journal_match and no journal|" "faults of the settings are named"
done_testing
