#!/bin/sh
# samples.t - docs/inputs.md prints the samples for syslog daemons as they are, and the real daemons' tests
# use them.
set -u
. tests/tap.sh
for f in packaging/rsyslog/*.conf packaging/syslog-ng/*.conf; do
    perl -e '
        local $/;
        my ($sample, $docs) = map { open my $f, "<", $_ or die; <$f> } @ARGV;
        $sample =~ s/^(?=.)/    /mg;
        exit(index($docs, $sample) < 0);' "$f" docs/inputs.md
    ok $? "docs/inputs.md prints $f"
done
done_testing
