# settings.sh - the Postfix of the lab, and the filters around it: see plot.py.
# shellcheck shell=sh disable=SC2154  # here: of lab.sh
settings() {
    postfix_settings
    cp -r "$here"/filters /etc/filters
}
