# farm_test.sh - what the tests of the sample farm share: the machines of nagios-cfg in one namespace.
# shellcheck shell=sh
#
# Sourced after lab_test.sh by farm.t, nrpe.t and icinga.t, with what= and "$@" (the test's arguments): the test begins
# again in namespaces of its own, in which every address of the farm is the machine's, /etc, /run, /var/lib,
# /var/spool and /usr/local are its own, and what is installed is what "make install" installs, with its usual
# prefix. All that runs ends with the test. The farm's files are taken as they are shipped.

# farm_inside COMMAND...: go into the namespaces
farm_inside() {
    lab_needs "$what" nrpe openssl sqlite3 "$@"
    if [ -z "${FARM_INSIDE:-}" ]; then
        pids="--pid --fork --kill-child --mount-proc"
        # shellcheck disable=SC2086
        unshare $pids true 2>/dev/null || pids=
        rm -rf "$d"
        # shellcheck disable=SC2086
        exec env FARM_INSIDE=1 PYTHONDONTWRITEBYTECODE=1 BUILD="$BUILD" unshare --mount --net --uts $pids sh "$0"
    fi
}

private() {
    for f in /etc /run /var/lib /var/spool /usr/local; do
        mkdir -p "$d/mnt"
        mount -t tmpfs -o mode=755 lab "$d/mnt"
        [ $f != /etc ] || cp -a /etc/. "$d/mnt/"
        mount --move "$d/mnt" $f
    done
    # a program of the administrator's: who is told what
    printf '#!/bin/sh\nprintf "%%s\\n" "$*" >>%s/woken\n' "$d" >"$d/wake"
    printf '#!/bin/sh\n{ echo "To: $3 Subject: $2"; cat; } >>%s/mailed\n' "$d" >"$d/mail"
    chmod 755 "$d/wake" "$d/mail"
    [ ! -e /usr/bin/mail ] || mount --bind "$d/mail" /usr/bin/mail
}

# machines: addresses, names, what "make install" installs
machines() {
    ip link set lo up
    for a in 1 25 26 31 32 41 42 51 53 54 61 62 71; do ip addr add 192.0.2.$a/32 dev lo; done
    echo 'nameserver 127.0.0.1' >/etc/resolv.conf
    echo 'hosts: files dns
passwd: files
group: files' >/etc/nsswitch.conf
    printf '127.0.0.1 localhost\n192.0.2.51 collector\n' >/etc/hosts
    hostname collector
    sh packaging/install.sh "" /usr/local "$BUILD" >"$d/install" 2>&1 || { cat "$d/install"; exit 1; }
    install -D -m 755 "$d/wake" /usr/local/bin/mx-wake
    share=/usr/local/share/mxgauge
    for f in probe db; do echo s3cret >/etc/mxgauge/$f.password; done
    for f in auth priv; do echo passphrase >/etc/mxgauge/snmp.$f; done
    chmod 600 /etc/mxgauge/*.password /etc/mxgauge/snmp.*
    chown nagios /etc/mxgauge/*.password /etc/mxgauge/snmp.*
}

# a log of the last minutes, of two front nodes
traffic() {
    perl -MPOSIX -e '
        for my $i (0 .. 59) {
            my ($t, $host, $id) = (time - 300 + 4 * $i, "mx" . (1 + $i % 2), sprintf "4%04XAB", $i);
            my $say = sub { printf "%s %s postfix/%s\n", strftime("%b %e %T", localtime $t), $host, shift };
            my $c = "client.example.net[198.51.100." . (1 + $i) . "]";
            $say->("smtpd[9]: connect from $c");
            $say->("smtpd[9]: NOQUEUE: reject: RCPT from $c: 554 5.7.1 Service unavailable; Client host [x] blocked " .
                "using zen.spamhaus.org; from=<a\@example.net> to=<b\@example.org> proto=ESMTP helo=<c>") if $i % 3;
            $say->("smtpd[9]: $id: client=$c");
            $say->("cleanup[9]: $id: message-id=<$i\@example.net>");
            $say->("qmgr[9]: $id: from=<a\@example.net>, size=1000, nrcpt=1 (queue active)");
            $say->("lmtp[9]: $id: to=<b\@example.org>, relay=s[/x], delay=0.5, delays=0.1/0/0.1/0.3, dsn=2.0.0, status=sent (250 ok)");
            $say->("qmgr[9]: $id: removed");
            $say->("smtpd[9]: disconnect from $c");
        }' >/var/lib/mail.log
}

# what the machines have: a queue, data of filters, manifests, an RRD
belongings() {
    mkdir -p /var/lib/mxgauge /var/lib/cacti/rra /var/lib/clamav
    for q in active deferred incoming hold maildrop corrupt defer; do mkdir -p /var/spool/postfix/$q; done
    chown -R nagios /var/spool/postfix
    t=$(date +%s)
    printf '%-512s' "ClamAV-VDB:07 Nov 2026 03-30 -0500:27504:2067890:90:0123456789abcdef0123456789abcdef:x:x:$t" >/var/lib/clamav/daily.cvd
    mkdir "$d/tree" && echo x >"$d/tree/x"
    for m in mx1 mx2; do
        $plugins/check_replication_files --print --tree "$d/tree" >/var/lib/mxgauge/$m.manifest
        $plugins/check_replication_data --print --file '/var/lib/clamav/*.c[vl]d' >/var/lib/mxgauge/$m.data
    done
    rrdtool create /var/lib/cacti/rra/mx1_disk_12.rrd --start $((t - 8 * 86400)) --step 300 \
        DS:used:GAUGE:600:U:U DS:free:GAUGE:600:U:U RRA:AVERAGE:0.5:1:2400
    # a quarter used, for a week
    i=$((t / 300 * 300 - 7 * 86400))
    while [ $i -lt "$t" ]; do echo "$i:1:3"; i=$((i + 300)); done | xargs rrdtool update /var/lib/cacti/rra/mx1_disk_12.rrd
}

# surroundings: the fake servers, at the addresses of the farm
surroundings() {
    mkdir "$d/box"
    sh tests/fake/certs.sh "$d/box"
    (
        cd "$d/box" || exit
        printf 'subjectAltName=DNS:mx1.example.org,DNS:mx2.example.org,DNS:imap.example.org' >farm.ext
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=farm -keyout farm.key -out farm.csr
        openssl x509 -req -in farm.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile farm.ext -out farm.crt -days 90
        cat farm.key farm.crt >farm.pem
        cp ca.pem /etc/ssl/certs/mx-lab.pem
        ln -s mx-lab.pem "/etc/ssl/certs/$(openssl x509 -in ca.pem -noout -hash).0"
        cat ca.pem >>/etc/ssl/certs/ca-certificates.crt
    ) >"$d/certs" 2>&1
    sed -nE 's/^ *(list|zone) *"?([a-z0-9.-]+\.[a-z]+)"?.*/\2 good/p' plugins/dnsbl.conf >"$d/zones"
    mkfifo "$d/end" "$d/end2" "$d/end3"
    {
        for h in mx1=25 mx2=26 imap=41 store1=41 store2=42 ns1=53 ns2=54 ldap1=61 ldap2=62 db1=61 db2=62; do
            echo "host ${h%=*}.example.org 192.0.2.${h#*=}"
        done
        printf '%s example.org %s.example.org\n' mx mx1 mx mx2 ns ns1 ns ns2
    } >>"$d/zones"
    /usr/bin/python3 tests/fake/dnsbl.py "$d/zones" "$d/dnsbl.port" 127.0.0.1:53 <"$d/end" 2>"$d/dnsbl.err" &
    exec 7>"$d/end"
    /usr/bin/python3 tests/fake/box.py "$d/box" <"$d/end2" 2>"$d/box.err" &
    exec 8>"$d/end2"
    await test -e "$d/dnsbl.port" -a -e "$d/box/ports"
    cp "$d/box/farm.pem" "$d/"
    /usr/bin/python3 tests/lab/farm/world.py "$d" "$(sed -n 's/^smtp //p' "$d/box/ports")" \
        "$(sed -n 's/^probe //p' "$d/box/ports")" <"$d/end3" >"$d/world" 2>"$d/world.err" &
    exec 9>"$d/end3"
    await grep -q ready "$d/world"
}

# await COMMAND...: for at most 30 seconds
await() {
    tries=0
    until "$@" 2>/dev/null || [ $tries -ge 300 ]; do
        tries=$((tries + 1))
        sleep 0.1
    done
    [ $tries -lt 300 ]
}

# collector: mxgauged, by a configuration as short as can be
collector() {
    printf 'state = "/var/lib/mxgauge"\nsource "mail" { files = { "/var/lib/mail.log" } }\n' >/etc/mxgauge/mxgauge.conf
    mxgauged --foreground --config /etc/mxgauge/mxgauge.conf >"$d/mxgauged" 2>&1 &
    daemon=$!
    await sh -c 'mxgauge report --state /var/lib/mxgauge --json | grep -q "\"recv_msg\":60"'
}

# farm_end: all that was started, and its files
farm_end() {
    exec 7>&- 8>&- 9>&-
    jobs -p >"$d/jobs"
    while read -r p; do kill "$p" 2>/dev/null; done <"$d/jobs"
    wait
    rm -rf "$d"
}

# farm: all of it
farm() {
    d=$(mktemp -d) || exit 1
    chmod 755 "$d"
    trap farm_end EXIT
    plugins=/usr/local/lib/nagios/plugins
    PATH=/usr/local/bin:/usr/local/sbin:$PATH
    private 2>/dev/null
    machines
    traffic
    belongings
    surroundings
}

# farm_nrpe: by the file that make install laid there
farm_nrpe() {
    mkdir -p /var/lib/nagios
    printf '%s\n' server_port=5666 pid_file=/run/nrpe.pid nrpe_user=nagios nrpe_group=nagios command_timeout=60 \
        allowed_hosts=127.0.0.1,192.0.2.0/24 "log_file=$d/nrpe.log" include_dir=/etc/nagios/nrpe.d >/etc/nagios/nrpe.cfg
    chown nagios /var/lib/nagios
    chmod -R a+rX /var/lib/mxgauge
    NAGIOS_PLUGIN_STATE_DIRECTORY=/var/lib/nagios nrpe -c /etc/nagios/nrpe.cfg -f 2>"$d/nrpe.err" &
    await /usr/lib/nagios/plugins/check_nrpe -H 192.0.2.51 >/dev/null
}

# farm_nagios: with the folders of Debian's nagios.cfg, in one of which make install made a link, and the farm copied
# as hosts.cfg says; $minute seconds are a minute
farm_nagios() {
    cp -r $share/nagios/farm /etc/nagios4/conf.d/mxgauge
    mkdir -p /var/lib/nagios4/spool/checkresults /var/lib/nagios4/rw
    chown -R nagios /var/lib/nagios4
    nagios4 -v /etc/nagios4/nagios.cfg >"$d/verify.debian" 2>&1
    v=$d/var
    mkdir -p "$v/spool" "$v/rw"
    cat >/etc/nagios4/nagios.cfg <<END
cfg_dir=/etc/nagios-plugins/config
cfg_dir=/etc/nagios4/conf.d
resource_file=/etc/nagios4/resource.cfg
log_file=$v/nagios.log
object_cache_file=$v/objects.cache
status_file=$v/status.dat
status_update_interval=1
temp_file=$v/nagios.tmp
temp_path=$v
check_result_path=$v/spool
state_retention_file=$v/retention.dat
lock_file=$v/nagios.lock
query_socket=$v/nagios.qh
command_file=$v/rw/nagios.cmd
check_external_commands=1
nagios_user=nagios
nagios_group=nagios
use_syslog=0
log_passive_checks=1
log_external_commands=1
execute_service_checks=1
execute_host_checks=1
accept_passive_service_checks=1
check_service_freshness=1
service_freshness_check_interval=1
additional_freshness_latency=0
interval_length=$minute
check_for_updates=0
enable_notifications=1
host_inter_check_delay_method=n
service_inter_check_delay_method=n
max_service_check_spread=1
service_check_timeout=60
illegal_object_name_chars=\`~!\$%^&*|'"<>?,()=
illegal_macro_output_chars=\`~\$&|'"<>
END
    touch "$d/woken" "$d/mailed"
    chown -R nagios "$v" "$d/woken" "$d/mailed"
}

# shown: HOST/SERVICE, state, checked, hard and the text of all services, out of status.dat
shown() {
    awk '/^servicestatus/ { on = 1 } /^\t}/ && on {
            printf "%s/%s\t%s\t%s\t%s\t%s\n", v["host_name"], v["service_description"], v["current_state"],
                v["has_been_checked"], v["state_type"], v["plugin_output"]
            on = 0
        }
        on { sub(/^\t/, ""); i = index($0, "="); v[substr($0, 1, i - 1)] = substr($0, i + 1) }' "$v/status.dat"
}

# field HOST SERVICE NAME: of status.dat
field() {
    awk -v h="$1" -v s="$2" -v f="$3=" '/^servicestatus/ { on = n = 0 } $0 == "\thost_name=" h { n = 1 }
        n && $0 == "\tservice_description=" s { on = 1 }
        on && index($0, "\t" f) == 1 { print substr($0, length(f) + 2); exit }' "$v/status.dat"
}
state_is() { [ "$(field "$1" "$2" current_state)" = "$3" ]; }
all_checked() { [ "$(shown | grep -v '^branch1/' | cut -f 3 | grep -c 0)" = 0 ]; }

# tell LINE: an external command for Nagios
tell() {
    printf '[%s] %s\n' "$(date +%s)" "$1" >"$v/rw/nagios.cmd"
}

# age SECONDS: the state, as if they had passed
age() {
    sqlite3 -cmd '.filectrl persist_wal 1' /var/lib/mxgauge/state.db "update run set value = value - $1 where key like '%\_at' escape '\\';
        update host set newest = newest - $1, first = first - $1; update source set newest = newest - $1, read_at = read_at - $1" >/dev/null
}
