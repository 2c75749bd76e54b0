#!/bin/sh
# Installs the driver suite on a GX, and switches its drivers on and off.
#
#   ./install.sh [--replace | --keep] [--dry-run]     install or update
#   install.sh enable DRIVER [PORT...]                switch a driver on
#   install.sh disable DRIVER [PORT...]               switch a driver off
#   install.sh status                                 what is installed, enabled and running
#
# --replace   where an older driver of the same job is installed: switch it off
# --keep      ... leave it, and leave ours off
# --dry-run   say what would be done
set -u
cd "$(dirname "$0")" || exit 1
here=$(pwd -P)

dry_run=no
choice=ask
command=install
words=''
while [ $# -gt 0 ]; do
    case $1 in
    --dry-run) dry_run=yes ;;
    --replace) choice=replace ;;
    --keep) choice=keep ;;
    -h | --help)
        sed -n '2,12s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    -*)
        echo "unknown option: $1 (try --help)" >&2
        exit 2
        ;;
    install | enable | disable | status | boot)
        command=$1
        shift
        words=$*
        break
        ;;
    *)
        echo "unknown command: $1 (try --help)" >&2
        exit 2
        ;;
    esac
    shift
done
# shellcheck source=install/device/functions.sh
. ./functions.sh

# --- older drivers of the same job

# older_driver DRIVER: where one is, nothing when there is none.
older_driver() {
    case $1 in
    dbus-tsmppt) set -- /data/dbus-tristar /data/dbus-tsmppt ;;
    dbus-serialbattery) set -- /data/apps/dbus-serialbattery /data/etc/dbus-serialbattery ;;
    *) return 0 ;;
    esac
    for place; do
        if [ -d "$place" ]; then
            echo "$place"
            return 0
        fi
    done
}

# may_run DRIVER: whether ours may be switched on; asks, or does as --replace and --keep say.
may_run() {
    older=$(older_driver "$1")
    [ -n "$older" ] || return 0
    answer=$choice
    if [ "$answer" = ask ]; then
        if [ -t 0 ]; then
            printf '%s is installed in %s. Replace it by %s? [y/N] ' "An older driver" "$older" "$1"
            read -r reply
            case $reply in
            [yY]*) answer=replace ;;
            *) answer=keep ;;
            esac
        else
            warn "$1 stays off: an older driver is in $older (--replace switches that off, --keep accepts it)"
            return 1
        fi
    fi
    [ "$answer" = replace ] || return 1
    switch_off_older "$older"
}

# By its own script where it has one; its files stay, so that it can be switched on again.
switch_off_older() {
    if [ -x "$1/disable.sh" ]; then
        do_it sh "$1/disable.sh"
    fi
    for service in /service/*; do
        case $(readlink -f "$service") in
        "$1"/*)
            do_it rm -f "$service"
            do_it svc -dx "$(readlink -f "$service")" "$(readlink -f "$service")/log"
            ;;
        esac
    done
    [ -e /data/rc.local ] && grep -qF "$1/" /data/rc.local || return 0
    [ -e "$conf/before/rc.local" ] || do_it mkdir -p "$conf/before"
    [ -e "$conf/before/rc.local" ] || do_it cp -p /data/rc.local "$conf/before/rc.local"
    sed "\\|$1/| s|^|# switched off by $suite: |" /data/rc.local | write_file /data/rc.local "$(stat -c %a /data/rc.local)"
}

# --- serial ports: a port is ours only when its owner says so

ports_file=$conf/ports

serial_number_of() { udevadm info --query=property --name="/dev/$1" 2>/dev/null | sed -n 's/^ID_SERIAL_SHORT=//p'; }

add_port() {
    number=$(serial_number_of "$1")
    [ -n "$number" ] || die "/dev/$1 has no adapter with a serial number; known adapters can be listed with: udevadm info --query=property --name=/dev/$1"
    grep -qxF "$number" "$ports_file" 2>/dev/null && return 0
    { cat "$ports_file" 2>/dev/null; echo "$number"; } | write_file "$ports_file" 644
}

remove_port() {
    number=$(serial_number_of "$1")
    [ -e "$ports_file" ] || return 0
    grep -vxF -e "${number:-$1}" "$ports_file" | write_file "$ports_file" 644
}

# What udev and serial-starter need to hand a port to us; all of it in RAM but the one line of configuration.
set_up_serial() {
    if [ ! -s "$ports_file" ]; then
        [ ! -e "$udev_rules" ] || do_it rm -f "$udev_rules"
        return 0
    fi
    echo "service vserialbattery $template" | write_file "$serial_conf" 644
    while read -r number; do
        printf 'ACTION=="add", SUBSYSTEM=="tty", ENV{ID_SERIAL_SHORT}=="%s", ENV{VE_SERVICE}="vserialbattery"\n' "$number"
    done <"$ports_file" | write_file "$udev_rules" 644
    show_template
    [ "$dry_run" = no ] || return 0
    udevadm control --reload-rules 2>/dev/null
    udevadm trigger --action=add --subsystem-match=tty 2>/dev/null
    udevadm settle --timeout=10 2>/dev/null
    return 0
}

# serial-starter looks for templates only on the root file system: a copy in RAM is put over it.
show_template() {
    [ ! -e "$templates/$template" ] || return 0
    [ -d "$templates" ] || return 0
    do_it mkdir -p "/run/$suite"
    do_it cp -R "$templates" "/run/$suite/templates"
    do_it cp -R "$home/services/dbus-serialbattery" "/run/$suite/templates/$template"
    do_it mount --bind "/run/$suite/templates" "$templates"
}

restart_serial_starter() { [ ! -p /service/serial-starter/supervise/ok ] || do_it svc -t /service/serial-starter; }

# --- commands

known_driver() {
    [ -d "$home/services/$1" ] || die "unknown driver '$1'; there are: $(drivers | tr '\n' ' ')dbus-serialbattery"
}

enable_driver() {
    driver=$1
    shift
    known_driver "$driver"
    may_run "$driver" || return 1
    if [ "$driver" = dbus-serialbattery ]; then
        [ $# -gt 0 ] || die "which port? e.g. $home/install.sh enable dbus-serialbattery ttyUSB0"
        for port; do
            add_port "${port#/dev/}"
        done
        set_up_serial
        restart_serial_starter
        return
    fi
    is_enabled "$driver" || { cat "$conf/enabled" 2>/dev/null; echo "$driver"; } | write_file "$conf/enabled" 644
    start_service "$driver"
}

disable_driver() {
    driver=$1
    shift
    known_driver "$driver"
    if [ "$driver" = dbus-serialbattery ]; then
        if [ $# -eq 0 ]; then
            do_it rm -f "$ports_file" "$serial_conf"
        fi
        for port; do
            remove_port "${port#/dev/}"
        done
        set_up_serial
        stop_serial_services
        restart_serial_starter
        return
    fi
    if is_enabled "$driver"; then
        grep -vxF "$driver" "$conf/enabled" | write_file "$conf/enabled" 644
    fi
    stop_service "$driver"
}

stop_serial_services() {
    for service in /service/"$template".*; do
        [ -e "$service" ] || continue
        real=$(readlink -f "$service")
        do_it rm -f "$service"
        do_it svc -dx "$real" "$real/log"
        do_it rm -rf "$real"
    done
}

status() {
    say "$suite $(field version "$home") ($(field architecture "$home")) on firmware $(firmware)"
    for driver in $(drivers); do
        state=off
        is_enabled "$driver" && state=on
        running=''
        [ ! -p "/service/$driver/supervise/ok" ] || running=$(svstat "/service/$driver" | sed 's/^[^:]*: //')
        say "  $driver: $state${running:+, $running}"
    done
    say "  dbus-serialbattery: adapters $(tr '\n' ' ' <"$ports_file" 2>/dev/null || echo none)"
}

boot() {
    case $1 in
    early) set_up_serial ;;
    late)
        for driver in $(drivers); do
            if is_enabled "$driver"; then
                start_service "$driver"
            fi
        done
        ;;
    *) die "boot early or boot late" ;;
    esac
}

# place_files: the new version beside the old one, then two renames; what fails before them changed nothing.
place_files() {
    [ "$here" != "$home" ] || return 0
    check_space "$here"
    do_it rm -rf "$home.new" "$home.old"
    do_it mkdir -p "$(dirname "$home")"
    do_it cp -R "$here" "$home.new" || { rm -rf "$home.new"; die "copying to $home.new failed"; }
    if [ "$dry_run" = no ]; then
        (cd "$home.new" && sha256sum -c SHA256SUMS >/dev/null 2>&1) || { rm -rf "$home.new"; die "the copy in $home.new is damaged"; }
    fi
    do_it sync
    [ ! -d "$home" ] || do_it mv "$home" "$home.old"
    if ! do_it mv "$home.new" "$home"; then
        [ ! -d "$home.old" ] || mv "$home.old" "$home"
        die "could not put the new version in place; the old one is back"
    fi
    do_it rm -rf "$home.old"
}

install() {
    check_device "$here"
    first=no
    [ -e "$conf/enabled" ] || first=yes
    place_files
    [ "$dry_run" = no ] || home=$here
    do_it mkdir -p "$conf"
    add_hook /data/rcS.local early
    add_hook /data/rc.local late
    if [ $first = yes ]; then
        : | write_file "$conf/enabled" 644
        # These wait for their configuration without doing anything on the bus.
        for driver in $(drivers); do
            enable_driver "$driver" || say "$driver is off"
        done
    else
        for driver in $(drivers); do
            if is_enabled "$driver"; then
                start_service "$driver" && restart_service "$driver"
            fi
        done
    fi
    set_up_serial
    say "installed $suite $(field version "$here"). What to do next:"
    say "  drivers on and off:   $home/install.sh enable|disable DRIVER, $home/install.sh status"
    say "  a TriStar charger:    dbus -y com.victronenergy.settings /Settings/TristarMPPT/IPAddress SetValue 192.168.1.200"
    say "  a battery on a port:  $home/install.sh enable dbus-serialbattery ttyUSB0"
    say "  what a driver says:   tail -F /var/log/dbus-tsmppt/current | tai64nlocal"
    say "  remove all of it:     $home/uninstall.sh"
}

case $command in
install) install ;;
status) status ;;
*)
    # shellcheck disable=SC2086  # words of the command line without blanks in them
    set -- $words
    [ $# -gt 0 ] || die "$command what? (try --help)"
    case $command in
    enable) enable_driver "$@" ;;
    disable) disable_driver "$@" ;;
    boot) boot "$1" ;;
    esac
    ;;
esac
