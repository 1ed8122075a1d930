#!/bin/sh
# cases.t - short logs, in the order of the file and backwards: those that were counted wrong
# once (cases/), and the traps that others fell into (traps/), each by its number and name.
#
# NAME.want has lines "METRIC NUMBER", of the report's counts, its balance and what is open
# (mails, rcpts), and "HOST/METRIC NUMBER". Whatever the order of the lines, the numbers are the
# same, and no recipient is unaccounted for. "ordered 1": a line means the one before it.
set -u
: "${BUILD:=build}"
mxgauge=$BUILD/bin/mxgauge
tests=0 bad=0
T=$(mktemp -d) || exit 1
trap 'rm -rf "$T"' EXIT
trap 'exit 1' HUP INT TERM

# is NAME FILE WANT
is() {
    tests=$((tests + 1))
    rm -rf "$T/state"
    if "$mxgauge" import --state "$T/state" --tz UTC --year 2026 --no-rrd "$2" >"$T/out" 2>&1 &&
        "$mxgauge" report --state "$T/state" --json >"$T/report" 2>>"$T/out" &&
        perl -MJSON::PP -e '
            local $/;
            open my $f, "<", $ARGV[0] or die; my $got = decode_json(<$f>);
            open $f, "<", $ARGV[1] or die;
            my %want = (split(" ", <$f>));
            my $bad = 0;
            delete $want{ordered};
            for (sort keys %want) {
                my ($host, $metric) = m{^(.+)/(.+)} ? ($1, $2) : ();
                my $n = defined $host ? $got->{hosts}{$host}{$metric} // 0 :
                    $got->{counts}{$_} // $got->{balance}{$_} // $got->{open}{$_} // 0;
                $bad++, print "$_: got $n, want $want{$_}\n" if $n != $want{$_};
            }
            my $u = $got->{balance}{unaccounted};
            $bad++, print "unaccounted: got $u, want 0\n" if $u != 0;
            exit($bad > 0)' "$T/report" "$3" >>"$T/out"
    then
        echo "ok $tests - $1"
    else
        bad=$((bad + 1))
        echo "not ok $tests - $1"
        sed 's/^/# /' "$T/out"
    fi
}

for log in tests/truth/cases/*.log tests/truth/traps/*.log; do
    name=$(basename "$log" .log)
    case $log in */traps/*) name="trap $name" ;; esac
    is "$name" "$log" "${log%.log}.want"
    ! grep -q '^ordered' "${log%.log}.want" || continue
    tac "$log" >"$T/backwards.log"
    is "$name, backwards" "$T/backwards.log" "${log%.log}.want"
done
echo "1..$tests"
[ $bad -eq 0 ]
