#!/bin/sh
# Takes the driver suite off a GX: services, boot lines and files. Settings, histories and logs stay unless --purge.
# usage: uninstall.sh [--purge] [--dry-run]
set -u
cd "$(dirname "$0")" || exit 1

dry_run=no
purge=no
for word; do
    case $word in
    --purge) purge=yes ;;
    --dry-run) dry_run=yes ;;
    *)
        echo "usage: uninstall.sh [--purge] [--dry-run]" >&2
        exit 2
        ;;
    esac
done
# shellcheck source=install/device/functions.sh
. ./functions.sh
[ "$(id -u)" = 0 ] || die "this needs root"

# Nothing is left half done because a connection breaks.
trap '' HUP INT
names=$(drivers)
cd / || exit 1
remove_suite
if [ $purge = yes ]; then
    purge_settings || warn "the settings service does not answer: the drivers' settings stay"
    do_it rm -rf "$conf"
    for driver in $names; do
        do_it rm -rf "/var/log/$driver" "/data/var/lib/$driver"
    done
    do_it rm -rf /var/log/dbus-serialbattery.* /var/log/$battery_host /data/var/lib/dbus-serialbattery
fi
if [ $dry_run = yes ]; then
    say "Nothing was changed."
else
    say "$suite is removed."
fi
