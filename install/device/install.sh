#!/bin/sh
# Installs the driver suite on a GX, and switches its drivers on and off.
#
#   ./install.sh [--replace | --keep] [--dry-run]     install or update
#   install.sh enable DRIVER [PORT...]                switch a driver on
#   install.sh disable DRIVER [PORT...]               switch a driver off
#   install.sh status                                 what is installed, enabled and running
#
# DRIVER      tsmppt, serialbattery ..., or with dbus- before it
# --replace   where an older driver of the same job is installed: switch it off
# --keep      ... leave it, and leave ours off
# --dry-run   say what would be done
set -u
cd "$(dirname "$0")" || exit 1
here=$(pwd -P)

dry_run=no
choice=ask
words=''
for word; do
    case $word in
    --dry-run) dry_run=yes ;;
    --replace) choice=replace ;;
    --keep) choice=keep ;;
    -h | --help)
        sed -n '2,13s/^# \{0,1\}//p' install.sh
        exit 0
        ;;
    -*)
        echo "unknown option: $word (try --help)" >&2
        exit 2
        ;;
    *) words="$words $word" ;;
    esac
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
        do_it "$1/disable.sh"
        note_replaced script "$1"
    fi
    for service in /service/*; do
        [ -L "$service" ] || continue
        real=$(readlink -f "$service")
        case $real in
        "$1"/*) ;;
        *) grep -qF "$1/" "$real/run" 2>/dev/null || continue ;;
        esac
        note_replaced link "${service##*/} $(readlink "$service")"
        do_it rm -f "$service"
        do_it svc -dx "$real" "$real/log"
        wait_down "$real"
    done
    older=${1##*/}
    for hook in /data/rc.local /data/rcS.local; do
        [ -e $hook ] && grep -vF "$suite" $hook | grep -q "^[^#].*/$older" || continue
        keep_original $hook
        sed "/$suite/!s|^[^#].*/$older|# switched off by $suite: &|" $hook | write_file $hook "$(stat -c %a $hook)"
    done
}

# note_replaced KIND WORDS: what uninstall.sh switches on again.
note_replaced() { { cat "$conf/replaced" 2>/dev/null; echo "$*"; } | write_file "$conf/replaced" 644; }

# --- serial ports: a port is ours only when its owner says so

# One port a line: the properties that udev knows it by.
ports_file=$conf/ports

property() { udevadm info --query=property --name="/dev/$1" 2>/dev/null | sed -n "s/^$2=//p"; }

# by_number PORT: the serial number of its adapter, and which of the adapter's ports it is.
by_number() {
    number=$(property "$1" ID_SERIAL_SHORT)
    interface=$(property "$1" ID_USB_INTERFACE_NUM)
    [ -z "$number" ] || echo "ID_SERIAL_SHORT=$number${interface:+ ID_USB_INTERFACE_NUM=$interface}"
}

# by_socket PORT: where it is plugged in.
by_socket() {
    socket=$(property "$1" ID_PATH)
    [ -z "$socket" ] || echo "ID_PATH=$socket"
}

# has_twin PORT: some makers give all their adapters the same serial number.
has_twin() {
    for other in /dev/ttyUSB* /dev/ttyACM*; do
        [ "$other" = "/dev/$1" ] || [ "$(by_number "${other#/dev/}")" != "$(by_number "$1")" ] || return 0
    done
    return 1
}

add_port() {
    product=$(property "$1" VE_PRODUCT)
    case $product in
    builtin-*) die "/dev/$1 is the device's own port for ${product#builtin-}, not an adapter" ;;
    esac
    known=$(by_number "$1")
    if [ -z "$known" ] || has_twin "$1"; then
        known=$(by_socket "$1")
        [ -z "$known" ] || warn "note: /dev/$1 is known by its socket, since its adapter has no serial number of its own: leave it there"
    fi
    [ -n "$known" ] || die "/dev/$1 is not plugged in, or nothing that udev can recognize: udevadm info --query=property --name=/dev/$1"
    grep -qxF "$known" "$ports_file" 2>/dev/null && return 0
    { cat "$ports_file" 2>/dev/null; echo "$known"; } | write_file "$ports_file" 644
}

# remove_port PORT, or the serial number or socket of one that is not plugged in.
remove_port() {
    [ -e "$ports_file" ] || return 0
    awk -v name="$1" -v number="$(by_number "$1")" -v socket="$(by_socket "$1")" \
        '$0 != number && $0 != socket && substr($1, index($1, "=") + 1) != name' "$ports_file" | write_file "$ports_file" 644
}

# What udev and serial-starter need to hand a port to us; all of it in RAM but the one line of configuration.
set_up_serial() {
    if [ ! -s "$ports_file" ]; then
        [ ! -e "$udev_rules" ] || do_it rm -f "$udev_rules"
        stop_service $battery_host
        return 0
    fi
    known=no
    [ ! -e "$serial_conf" ] || known=yes
    make_dir "$(dirname "$serial_conf")" && echo "service vserialbattery $template" | write_file "$serial_conf" 644 || return 1
    show_template && start_service $battery_host || return 1
    # Before a port is marked: it lets go for good of one that is marked for a service it has not read of.
    [ $known = yes ] || restart_serial_starter
    do_it mkdir -p "$(dirname "$udev_rules")"
    sed -e 's/\([A-Z_]*\)=\([^ ]*\) */ENV{\1}=="\2", /g' \
        -e 's/.*/ACTION=="add", SUBSYSTEM=="tty", &ENV{VE_SERVICE}="vserialbattery"/' "$ports_file" |
        write_file "$udev_rules" 644 || return 1
    trigger_ports
}

# serial-starter looks for templates only on the root file system: a copy in RAM is put over it.
show_template() {
    if [ -d "$templates/$template" ]; then
        refresh_template
        return
    fi
    [ -d "$templates" ] || return 0
    do_it mkdir -p "/run/$suite" &&
        do_it cp -R "$templates" "/run/$suite/templates" &&
        do_it cp -R "$home/services/dbus-serialbattery" "/run/$suite/templates/$template" &&
        do_it mount --bind "/run/$suite/templates" "$templates"
}

# A new version: what serial-starter made from the template of the old one would stay as it is until a reboot.
refresh_template() {
    refresh_scripts "$home/services/dbus-serialbattery" "$templates/$template" || return 1
    for service in /service/"$template".*; do
        [ ! -d "$service" ] || refresh_scripts "$home/services/dbus-serialbattery" "$service" "${service##*.}" || return 1
    done
}

# --- commands

known_driver() {
    [ "$1" != $battery_host ] && [ -d "$home/services/$1" ] || die "unknown driver '$1'; there are: $(drivers | tr '\n' ' ')dbus-serialbattery"
}

enable_driver() {
    driver=dbus-${1#dbus-}
    shift
    known_driver "$driver"
    may_run "$driver" || return 2
    if [ "$driver" = dbus-serialbattery ]; then
        [ $# -gt 0 ] || die "which port? e.g. $home/install.sh enable dbus-serialbattery ttyUSB0"
        # The first Python driver of batteries wrote a file of that name.
        configured=$(dirname "$serial_conf")
        [ ! -f "$configured" ] || die "$configured is a file, and the device looks for a directory there: whose driver made it has to go first"
        for port; do
            add_port "${port#/dev/}" || return 1
        done
        set_up_serial && note_created
        return
    fi
    is_enabled "$driver" || { cat "$conf/enabled" 2>/dev/null; echo "$driver"; } | write_file "$conf/enabled" 644 || return 1
    start_service "$driver"
}

disable_driver() {
    driver=dbus-${1#dbus-}
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
        # shellcheck disable=SC2046  # names of ports
        stop_serial_services $(for port; do echo "${port#/dev/}"; done)
        trigger_ports
        restart_serial_starter
        return
    fi
    if is_enabled "$driver"; then
        grep -vxF "$driver" "$conf/enabled" | write_file "$conf/enabled" 644
    fi
    stop_service "$driver"
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
    adapters=''
    [ ! -s "$ports_file" ] || adapters=$(sed 's/[^=]*=//; s/ .*//' "$ports_file" | tr '\n' ' ')
    say "  dbus-serialbattery: adapters ${adapters:-none}"
    [ ! -p "/service/$battery_host/supervise/ok" ] || say "  dbus-serialbattery for all of them: $(svstat /service/$battery_host | sed 's/^[^:]*: //')"
    for service in /service/"$template".*; do
        [ ! -p "$service/supervise/ok" ] || say "  dbus-serialbattery on ${service##*.}: $(svstat "$service" | sed 's/^[^:]*: //')"
    done
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

same_version() { [ "$here" = "$home" ] || { cmp -s "$here/SHA256SUMS" "$home/SHA256SUMS" && is_whole "$home"; }; }

not_placed() {
    rm -rf "$home.new"
    remove_created
    die "$1; nothing was changed"
}

# place_files: the new version beside the old one, then two renames; what fails before them changed nothing.
# The old one stays until everything else is done.
place_files() {
    check_space "$here"
    do_it rm -rf "$home.new" "$home.old"
    make_dir "$(dirname "$home")" && do_it cp -R "$here" "$home.new" || not_placed "copying to $home.new failed"
    [ "$dry_run" = yes ] || is_whole "$home.new" || not_placed "the copy in $home.new is damaged"
    do_it sync
    [ ! -d "$home" ] || do_it mv "$home" "$home.old"
    if ! do_it mv "$home.new" "$home"; then
        [ ! -d "$home.old" ] || mv "$home.old" "$home"
        die "could not put the new version in place; the old one is back"
    fi
}

# start_drivers FIRST CHANGED
start_drivers() {
    for driver in $(drivers); do
        if [ "$1" = yes ]; then
            # These wait for their configuration without doing anything on the bus.
            enable_driver "$driver"
        elif is_enabled "$driver"; then
            start_service "$driver" && { [ "$2" = no ] || restart_service "$driver"; }
        fi
        case $? in
        0) ;;
        2) say "$driver is off" ;;
        *) return 1 ;;
        esac
    done
}

# everything_but_files FIRST CHANGED
everything_but_files() {
    make_dir "$conf" || return 1
    [ "$1" = no ] || : | write_file "$conf/enabled" 644 || return 1
    add_hook /data/rcS.local early && add_hook /data/rc.local late && set_up_serial && start_drivers "$1" "$2" || return 1
    for service in /service/$battery_host /service/"$template".*; do
        [ "$2" = no ] || [ ! -p "$service/supervise/ok" ] || do_it svc -t "$service"
    done
    note_created
}

# roll_back FIRST: after a failure half-way the device is as it was.
roll_back() {
    warn "it failed half-way: taking it back"
    if [ "$1" = yes ]; then
        remove_suite
    elif [ -d "$home.old" ]; then
        rm -rf "$home.new"
        mv "$home" "$home.new" && mv "$home.old" "$home" && rm -rf "$home.new"
        set_up_serial
        start_drivers no yes
    fi
}

install() {
    check_device "$here"
    first=no
    [ -e "$conf/enabled" ] || first=yes
    changed=no
    if ! same_version; then
        changed=yes
        place_files
    fi
    [ "$dry_run" = no ] || home=$here
    if ! everything_but_files $first $changed; then
        [ "$dry_run" = yes ] || roll_back $first
        die "nothing was installed"
    fi
    home=$suite_home
    do_it rm -rf "$home.old"
    if [ "$dry_run" = yes ]; then
        say "Nothing was changed."
        return
    fi
    say "installed $suite $(field version "$here"). What to do next:"
    say "  drivers on and off:   $home/install.sh enable|disable DRIVER, $home/install.sh status"
    say "  a TriStar charger:    dbus -y com.victronenergy.settings /Settings/TristarMPPT/IPAddress SetValue 192.168.1.200"
    say "  a battery on a port:  $home/install.sh enable dbus-serialbattery ttyUSB0"
    say "  what a driver says:   tail -F /var/log/dbus-tsmppt/current | tai64nlocal"
    say "  remove all of it:     $home/uninstall.sh"
}

# shellcheck disable=SC2086  # words of the command line without blanks in them
set -- $words
command=${1:-install}
[ $# -eq 0 ] || shift
# Nothing is left half done because a connection breaks.
trap '' HUP INT
case $command in
install) install ;;
status | enable | disable | boot)
    [ -e "$home/VERSION" ] || die "$suite is not installed"
    [ $# -gt 0 ] || [ "$command" = status ] || die "$command what? (try --help)"
    case $command in
    status) status ;;
    enable) enable_driver "$@" ;;
    disable) disable_driver "$@" ;;
    boot) boot "$1" ;;
    esac
    ;;
*)
    echo "unknown command: $command (try --help)" >&2
    exit 2
    ;;
esac
