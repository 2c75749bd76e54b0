#!/bin/sh
# Takes the driver suite off a GX: services, boot lines and files. Settings and logs stay unless --purge.
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

for driver in $(drivers); do
    stop_service "$driver"
done
for service in /service/"$template".*; do
    [ -e "$service" ] || continue
    real=$(readlink -f "$service")
    do_it rm -f "$service"
    do_it svc -dx "$real" "$real/log"
    do_it rm -rf "$real"
done
if [ -d "/run/$suite/templates" ]; then
    do_it umount "$templates" 2>/dev/null
    do_it rm -rf "/run/$suite"
fi
had_serial=no
[ ! -e "$serial_conf" ] || had_serial=yes
do_it rm -f "$serial_conf" "$udev_rules"
if [ $had_serial = yes ] && [ -p /service/serial-starter/supervise/ok ]; then
    do_it svc -t /service/serial-starter
fi
remove_hook /data/rcS.local early
remove_hook /data/rc.local late

# What a first installation would begin with; the data of the drivers (histories, caches) are settings.
do_it rm -rf "$conf/before" "$conf/enabled" "$conf/ports"
if [ $purge = yes ]; then
    do_it rm -rf "$conf"
    for driver in $(drivers); do
        do_it rm -rf "/var/log/$driver" "/data/var/lib/$driver"
    done
    do_it rm -rf /var/log/dbus-serialbattery.* /data/var/lib/dbus-serialbattery
else
    [ ! -d "$conf" ] || [ "$dry_run" = yes ] || rmdir "$conf" 2>/dev/null
fi
cd / || exit 1
do_it rm -rf "$home"
[ "$dry_run" = yes ] || rmdir "$(dirname "$home")" 2>/dev/null
say "$suite is removed."
