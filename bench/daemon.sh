# daemon.sh - mxgauged for a bench: ". bench/daemon.sh" at the root of the repository. $pid is the daemon.
# shellcheck shell=sh
pid=

# start FOLDER SETTINGS: with its state and an empty log, both in that folder, until it reads
start() {
    : >"$1/log"
    printf 'state = "%s/state"\ntemplates = "%s/rrd-templates"\n%s\nsource a { files = { "%s/log" } timezone = UTC }\n' \
        "$1" "$PWD" "$2" "$1" >"$1/conf"
    "$BUILD/bin/mxgauged" --foreground --config "$1/conf" >"$1/out" 2>&1 &
    pid=$!
    tries=0
    until grep -q started "$1/out"; do
        tries=$((tries + 1))
        if [ $tries -ge 100 ] || ! kill -0 "$pid" 2>/dev/null; then
            cat "$1/out" >&2
            exit 1
        fi
        sleep 0.1
    done
}

stop() {
    [ -z "$pid" ] || { kill "$pid" && wait "$pid"; }
    pid=
}
