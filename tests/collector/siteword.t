#!/bin/sh
# siteword.t - reason sections: check-config names their faults, import and parse go by them.
set -u
: "${BUILD:=build}"
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
tool=$BUILD/bin/mxgauge

# refused TEXT: a line that says so
refused() {
    echo "2025-03-11T10:00:00+00:00 mx1 postfix/smtpd[7]: NOQUEUE: reject: RCPT from a.example.net[192.0.2.1]:" \
        "554 5.7.1 <u@example.org>: Recipient address rejected: $1; from=<a@example.net>" \
        "to=<u@example.org> proto=ESMTP helo=<a.example.net>"
}
{
    refused "from a Dynamic IP range"
    refused "please GO AWAY"
    refused "something else"
    refused "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"
} >"$d/log"
cat >"$d/good" <<'CONF'
source a { files = { /nowhere/mail.log } }
reason dialup {
	class = generic_host
	match = 'dynamic\s.* range'
}
reason "house rule" { text = "go away" class = policy }
CONF
{
    cat "$d/good"
    echo "reason slow { match = '(a+)+\$' class = policy }"
} >"$d/slow"
cat >"$d/bad" <<'CONF'
source a { files = { /nowhere/mail.log } }
reason a {
	match = '(abc'
	class = generic_hst
}
CONF

# reasons OPTIONS...: what parse says
reasons() {
    "$tool" parse "$@" "$d/log" 2>"$d/err" | sed 's/.*"reason_class":"\([^"]*\)","reason_sub":"\([^"]*\)".*/\1 \2/'
}

"$tool" check-config "$d/good" >"$d/out" 2>&1
ok $? "a good configuration"
"$tool" check-config "$d/bad" >"$d/out" 2>&1
test $? -eq 2
ok $? "a bad one has status 2"
for want in "$d/bad:3: match = (abc: missing closing parenthesis (at byte 5)" \
    "$d/bad:4: class = generic_hst: there is no such class; did you mean generic_host?"; do
    grep -qxF "$want" "$d/out"
    ok $? "it says: ${want#"$d/"}"
done

got=$(reasons --config "$d/good" | sed 2q | tr '\n' ';')
test "$got" = "generic_host dialup;policy house rule;"
ok $? "parse goes by the rules"
echo "# $got"
test "$(reasons | sed 1,2d)" = "$(reasons --config "$d/good" | sed 1,2d)"
ok $? "what no rule names stays as it was"
test "$(reasons)" != "$(reasons --config "$d/good")"
ok $? "without rules it is another"
reasons --config "$d/slow" >"$d/out"
test "$(wc -l <"$d/err")" -eq 1 && grep -q '"slow".* 1 time$' "$d/err"
ok $? "a rule that gave up is named once"
"$tool" parse --config "$d/bad" "$d/log" >"$d/out" 2>"$d/err"
test $? -eq 2 && test ! -s "$d/out" && grep -q "bad:3: " "$d/err"
ok $? "parse refuses a bad configuration"

"$tool" import --no-rrd --config "$d/good" --state "$d/state" "$d/log" >"$d/out" 2>&1
ok $? "import"
"$tool" report --state "$d/state" --json >"$d/out"
grep -q '"rej_generic_host": *1[,}]' "$d/out"
ok $? "the counts go by the rules"
"$tool" import --no-rrd --config "$d/bad" --state "$d/other" "$d/log" >"$d/out" 2>&1
test $? -eq 2 && test ! -e "$d/other"
ok $? "import refuses a bad configuration"
"$BUILD/bin/mxgauged" --foreground --config "$d/bad" >"$d/out" 2>&1
test $? -eq 2 && grep -q "bad:3: match" "$d/out"
ok $? "so does mxgauged"
done_testing
