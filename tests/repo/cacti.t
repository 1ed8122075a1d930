#!/bin/sh
# cacti.t - cacti/*.xml are what `make gen` makes of rrd-templates/, and whole.
set -u
: "${BUILD:=build}"
. tests/tap.sh
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT

# made DIR [TEMPLATES]
made() {
    "$BUILD/bin/mxgauge" cacti-templates --templates "${2:-rrd-templates}" --out "$d/$1" >"$d/out" 2>&1
    ok $? "$1: templates for Cacti are made"
    sed 's/^/# /' "$d/out"
}
made ours
none "cacti/ is current; else: make gen" "$(diff -r -q "$d/ours" cacti | grep -v '^Only in cacti: mxgauge-cacti$')"
made again
none "they are the same each time" "$(diff -r -q "$d/ours" "$d/again")"

mkdir "$d/changed"
cp cacti/*.xml "$d/changed"
sed -i '0,/recipients/s//recipient/' "$d/changed/mxgauge.xml"
diff -r -q "$d/ours" "$d/changed" >/dev/null
is $? 1 "a template that was changed by hand is found"

none "all hashes are of the format that Cacti 1.2.3 takes" "$(
    grep -ohE 'hash_[0-9a-f]*' cacti/*.xml | grep -vE '^hash_[0-9a-f]{2}0102[0-9a-f]{32}$' | sort -u)"
none "each hash that is named is in the same file" "$(
    for f in cacti/*.xml; do
        grep -oE '<hash_[0-9a-f]+>' "$f" | tr -d '<>' | sort >"$d/here"
        uniq -d "$d/here" | sed "s|^|${f##*/}, twice: |"
        grep -vE '^</?hash' "$f" | grep -oE 'hash_[0-9a-f]+' | sort -u | comm -13 "$d/here" - | sed "s|^|${f##*/}: |"
    done)"
none "each graph of rrd-templates is a graph template, in both sorts" "$(
    for t in rrd-templates/*.conf; do
        polled=mxgauge-polled.xml
        ! grep -q '^each' "$t" || polled=mxgauge-polled-lists.xml
        sed -n '/^graph /,/^}/s/^\ttitle = "\(.*\)"/\1/p' "$t" | while read -r title; do
            for f in mxgauge.xml $polled; do
                grep -qF "<title>|host_description|: $title</title>" "cacti/$f" || echo "$f: $title"
            done
        done
    done)"
none "graphs that are polled have no axis on the right: it would need a format that the importer drops" \
    "$(grep -H '<right_axis>[^<]' cacti/mxgauge-polled*.xml)"
is "$(grep -A 3 '(latency, ms)</title>' cacti/*.xml | sed -n 's/.*<vertical_label>//p' | sort -u)" 'latency, ms</vertical_label>' \
    "what had the axis on the right is labelled as what it is now: the only one"
none "no part of a CDEF, no answer, no call is longer than Cacti keeps" "$(
    grep -ohE '<value>[^<]{150,}' cacti/*.xml
    grep -ohE '<input_string>[^<]*' cacti/*.xml | sed 's/.*>//' | while read -r call; do
        [ "$(echo "$call" | base64 -d | wc -c)" -le 512 ] || echo "$call"
    done)"

# A site's own templates, with an expression of XML in them.
mkdir "$d/site"
printf 'title = "A & <b>"\nds = { conn, lost }\nrra = { "AVERAGE 1m 8d 0.5" }\ngraph "x" {\n title = "\\"y\\""\n draw "<z> & more" { of = {conn, lost} as = stack }\n}\n' >"$d/site/own.conf"
made site/xml "$d/site"
grep -qF '<text_format>&lt;z&gt; &amp; more</text_format>' "$d/site/xml/mxgauge.xml"
ok $? "a site's own templates give their own, with their text escaped"
! grep -q 'consolidation_function_id>3<' "$d/site/xml/mxgauge.xml"
ok $? "no maxima are asked of RRDs that keep none"
"$BUILD/bin/mxgauge" cacti-templates --templates "$d/none" --out "$d/x" >"$d/out" 2>&1
is $? 1 "no templates: status 1"
grep -qF "$d/none" "$d/out"
ok $? "and which are missing is said"
done_testing
