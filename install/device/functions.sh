# shellcheck shell=sh disable=SC2034,SC2119,SC2120
# Shared by install.sh and uninstall.sh on the device. busybox sh; nothing here writes to the root file system.

suite=venus-drivers
suite_home=/data/apps/$suite
home=$suite_home # with --dry-run before an installation where the package is
conf=/data/conf/$suite
run_services=/run/service
serial_conf=/data/conf/serial-starter.d/$suite.conf
udev_rules=/run/udev/rules.d/zz-$suite.rules
templates=/opt/victronenergy/service-templates
template=venus-serialbattery
battery_host=dbus-serialbattery-host
oldest_firmware=2.80
dry_run=${dry_run:-no}

say() { printf '%s\n' "$*"; }
warn() { printf '%s\n' "$*" >&2; }
die() {
    warn "error: $*"
    exit 1
}

# do_it COMMAND...: runs it, or says it with --dry-run.
do_it() {
    if [ "$dry_run" = yes ]; then
        say "would run: $*"
    else
        "$@"
    fi
}

# make_dir DIRECTORY: with its parents; what was not there is noted, so that removing can take it away again.
make_dir() {
    [ ! -d "$1" ] || return 0
    make_dir "$(dirname "$1")" && do_it mkdir "$1" || return 1
    [ "$dry_run" = yes ] || created="$1 ${created:-}"
}

# remove_created DIRECTORY...: those, and what make_dir made in this call; the deepest first.
remove_created() {
    [ "$dry_run" = no ] || return 0
    for place in $(printf '%s\n' "$@" ${created:-} | sort -r); do
        rmdir "$place" 2>/dev/null
    done
    created=''
}

# Across calls: an installation, and later a port that is given to a battery.
note_created() {
    [ -z "${created:-}" ] || { cat "$conf/created" 2>/dev/null; echo "$created"; } | write_file "$conf/created" 644 || return 1
    created=''
}

# write_file FILE MODE: standard input becomes FILE, all or nothing; an unchanged file is left alone, and a link a link.
write_file() {
    if [ "$dry_run" = yes ]; then
        cat >/dev/null
        say "would write: $1"
        return 0
    fi
    written=$1
    [ ! -L "$1" ] || written=$(readlink -f "$1") || return 1
    new=$written.$suite-new
    [ ! -d "$written" ] && cat >"$new" && chmod "$2" "$new" || return 1
    if cmp -s "$new" "$written"; then
        rm -f "$new"
    else
        sync && mv "$new" "$written"
    fi
}

# --- the device

firmware() { head -n 1 /opt/victronenergy/version 2>/dev/null; }

# version_number v3.67: 367. A beta (v3.80~40) is older than its release.
version_number() {
    number=${1#v}
    case $number in
    *~*) beta=1 ;;
    *) beta=0 ;;
    esac
    number=${number%%[!0-9.]*}
    major=${number%%.*}
    minor=${number#*.}
    minor=${minor%%.*}
    case $major$minor in
    '' | *[!0-9]*) return 1 ;;
    esac
    [ ${#minor} -gt 1 ] || minor=${minor}0
    # 10# does not exist in busybox: take leading zeros off.
    minor=${minor#0}
    echo $((major * 100 + ${minor:-0} - beta))
}

# The architecture of the userland, which is what counts: a 64 bit kernel may run 32 bit programs.
architecture() {
    bits=32
    [ "$(dd if=/bin/busybox bs=1 skip=4 count=1 2>/dev/null)" != "$(printf '\002')" ] || bits=64
    case $(uname -m)/$bits in
    armv7*/32 | armv8*/32 | aarch64/32) echo armhf ;;
    aarch64/64) echo arm64 ;;
    x86_64/64) echo amd64 ;;
    *) uname -m ;;
    esac
}

field() { sed -n "s/^$1 //p" "$2/VERSION" 2>/dev/null; }

# is_whole DIRECTORY: whether a package has every byte it was made with.
is_whole() { (cd "$1" && sha256sum -c SHA256SUMS >/dev/null 2>&1); }

# check_device DIRECTORY: everything that must be right before anything is changed.
check_device() {
    [ "$(id -u)" = 0 ] || die "this needs root"
    [ -n "$(firmware)" ] || die "this is not a Venus OS device (/opt/victronenergy/version is missing)"
    have=$(version_number "$(firmware)") || die "cannot read the firmware version '$(firmware)'"
    [ "$have" -ge "$(version_number $oldest_firmware)" ] ||
        die "firmware $(firmware) is too old: v$oldest_firmware or newer is needed"
    [ "$(field architecture "$1")" = "$(architecture)" ] ||
        die "this package is for $(field architecture "$1"), the device is $(architecture)"
    [ -w /data ] || die "/data is not writable"
    is_whole "$1" || die "the package is damaged: its checksums do not match"
}

# check_space DIRECTORY: a tenth of /data stays free, because the device complains above 90 %.
check_space() {
    need=$(du -sk "$1" | cut -f1)
    # shellcheck disable=SC2046  # two numbers
    set -- $(df -Pk /data | awk 'NR == 2 {print $2, $4}')
    [ $(($2 - need)) -ge $(($1 / 10)) ] ||
        die "not enough space on /data: ${need} kB are needed and a tenth must stay free, $2 kB are"
}

# --- boot hooks: one line each, beside other people's

# The first part is for a power cut between the two renames of an update.
hook_line() { echo "[ -e $suite_home ] || mv $suite_home.old $suite_home; $suite_home/install.sh boot $1 & # $suite"; }

# keep_original FILE: as it was before this suite touched it, once.
keep_original() {
    [ ! -e "$conf/before/$(basename "$1")" ] || return 0
    make_dir "$conf/before" && do_it cp -p "$1" "$conf/before/"
}

# add_hook FILE STAGE
add_hook() {
    file=$1
    line=$(hook_line "$2")
    # The support page of the GUI disables hooks by renaming them; then the line waits there.
    if [ ! -e "$file" ] && [ -e "$file.disabled" ]; then
        file=$file.disabled
        warn "note: $file: boot hooks are disabled on this device, so nothing starts after a reboot until they are enabled"
    fi
    if [ ! -e "$file" ]; then
        printf '#!/bin/sh\n%s\n' "$line" | write_file "$file" 755
        return
    fi
    [ -x "$file" ] || [ "$file" != "${file%.disabled}" ] ||
        warn "note: $file is not executable, so the device does not run it and nothing starts after a reboot"
    grep -qxF "$line" "$file" && return
    keep_original "$file" || return 1
    # Before an exit that ends the script, else at the end.
    text=$(awk -v line="$line" '
        {text[NR] = $0; if ($0 !~ /^[ \t]*(#.*)?$/) last = NR}
        END {
            for (i = 1; i <= NR; i++) {
                if (i == last && text[i] ~ /^[ \t]*exit([ \t]+[0-9]+)?[ \t]*;?[ \t]*$/) {print line; done = 1}
                print text[i]
            }
            if (!done) print line
        }' "$file") || return 1
    printf '%s\n' "$text" | write_file "$file" "$(stat -c %a "$file")"
}

# remove_hook FILE: takes exactly our line out and our marks off; a file that only held the line goes too.
remove_hook() {
    for file in "$1" "$1.disabled"; do
        [ -e "$file" ] || continue
        rest=$(grep -vF "$suite_home/install.sh boot " "$file" | sed "s|^# switched off by $suite: ||")
        [ "$rest" != "$(cat "$file")" ] || continue
        backup=$conf/before/$(basename "$file")
        if [ -e "$backup" ] && [ "$rest" = "$(cat "$backup")" ]; then
            do_it cp -p "$backup" "$file"
        elif [ "$rest" = '#!/bin/sh' ] && [ ! -e "$backup" ]; then
            do_it rm -f "$file"
        else
            printf '%s\n' "$rest" | write_file "$file" "$(stat -c %a "$file")"
        fi
    done
}

# --- services: copies in RAM, so that supervise writes no flash

# Those with a service of their own; batteries have one a port, and one that serves all their ports.
drivers() {
    for directory in "$home"/services/dbus-*; do
        case ${directory##*/} in
        dbus-serialbattery | "$battery_host") ;;
        *) [ ! -d "$directory" ] || echo "${directory##*/}" ;;
        esac
    done
}

is_enabled() { grep -qxF "$1" "$conf/enabled" 2>/dev/null; }

# What is only a matter of speed must not fail: svscan may not run yet, and looks by itself every few seconds.
rescan() {
    if command -v svrescan >/dev/null 2>&1; then
        svrescan || :
    fi
}

is_ours() { [ "$(readlink "/service/$1")" = "$run_services/$suite.$1" ]; }

# refresh_scripts FROM TO [TTY]: a new version's scripts for a service that exists; its supervise stays.
refresh_scripts() {
    for script in run log/run; do
        [ "$dry_run" = yes ] || sed "s/TTY/${3:-TTY}/" "$1/$script" >"$2/$script.new" || return 1
        do_it chmod 755 "$2/$script.new" && do_it mv "$2/$script.new" "$2/$script" || return 1
    done
}

start_service() {
    if [ -e "/service/$1" ] && ! is_ours "$1"; then
        warn "note: /service/$1 belongs to something else; left alone"
        return 2
    fi
    copy=$run_services/$suite.$1
    do_it mkdir -p $run_services || return 1
    if [ -d "$copy" ]; then
        refresh_scripts "$home/services/$1" "$copy" || return 1
    else
        do_it cp -R "$home/services/$1" "$copy" || return 1
    fi
    [ -L "/service/$1" ] || do_it ln -s "$copy" "/service/$1" || return 1
    [ "$dry_run" = yes ] || rescan
}

stop_service() {
    is_ours "$1" || return 0
    do_it rm -f "/service/$1"
    end_service "$run_services/$suite.$1"
}

# end_service DIRECTORY: the program, its logger, what supervises them, and the copy.
end_service() {
    if [ -p "$1/supervise/ok" ]; then
        do_it svc -dx "$1" "$1/log"
        wait_down "$1"
        wait_down "$1/log"
    fi
    do_it rm -rf "$1"
}

# wait_while COMMAND...: as long as it succeeds, but not for ever.
wait_while() {
    [ "$dry_run" = no ] || return 0
    tries=0
    while "$@" 2>/dev/null && [ $tries -lt 50 ]; do
        sleep 0.1 2>/dev/null || sleep 1
        tries=$((tries + 1))
    done
}

wait_down() { wait_while svok "$1"; }

# restart_service: the program of an updated package, without pkill.
restart_service() { [ ! -p "/service/$1/supervise/ok" ] || do_it svc -t "/service/$1"; }

serial_starter() { svstat /service/serial-starter | sed -n 's/.*(pid \([0-9]*\)).*/\1/p'; }

is_serial_starter() { [ "$(serial_starter)" = "$1" ]; }

# serial-starter reads its configuration once. It may be just about to start something: a lock that nobody is going to
# release would keep that port from everyone.
restart_serial_starter() {
    [ -p /service/serial-starter/supervise/ok ] || return 0
    starter=$(serial_starter)
    do_it svc -t /service/serial-starter
    [ -z "$starter" ] || wait_while is_serial_starter "$starter"
    for lock in /var/lock/serial-starter/*; do
        [ "$(readlink "$lock")" = "$starter" ] || continue
        svstat /service/*."${lock##*/}" 2>/dev/null | grep -q ': up ' || do_it rm -f "$lock"
    done
}

# stop_serial_services [TTY...]: those, or all that serial-starter started for us.
stop_serial_services() {
    for service in /service/"$template".*; do
        [ -e "$service" ] || continue
        tty=${service##*.}
        case " ${*:-$tty} " in
        *" $tty "*) ;;
        *) continue ;;
        esac
        real=$(readlink -f "$service")
        do_it rm -f "$service" "/var/lock/serial-starter/$tty"
        end_service "$real"
    done
}

# Lets udev look at the ports again with the rules of now.
trigger_ports() {
    [ "$dry_run" = no ] || return 0
    udevadm control --reload-rules 2>/dev/null
    udevadm trigger --action=add --subsystem-match=tty 2>/dev/null
    udevadm settle --timeout=10 2>/dev/null
    return 0
}

# --- settings

# settings_call OBJECT METHOD [ARGUMENT...]
settings_call() { dbus-send --system --print-reply --dest=com.victronenergy.settings "$@"; }

# settings_below GROUP: the paths of what is kept in it, relative to it. A text that looks like one does no harm: no
# setting has that path.
settings_below() {
    settings_call "$1" com.victronenergy.BusItem.GetValue 2>/dev/null | sed -n 's|^ *string "\([A-Za-z0-9_/]*\)"$|\1|p'
}

# remove_settings GROUP PATTERN: those in it whose paths match.
remove_settings() {
    found=$(settings_below "$1" | grep -E "$2" | tr '\n' ',')
    if [ -n "$found" ] && [ "$dry_run" = yes ]; then
        say "would remove from $1: $found"
    elif [ -n "$found" ]; then
        settings_call "$1" com.victronenergy.Settings.RemoveSettings "array:string:${found%,}" >/dev/null
    fi
}

# purge_settings: the drivers' own, and those of the devices that they brought, by the names that they give.
purge_settings() {
    settings_call /Settings com.victronenergy.BusItem.GetValue >/dev/null 2>&1 || return 1
    for group in TristarMPPT BatteryDriver GxModbus SmartSolar GivEnergy; do
        remove_settings /Settings/$group .
    done
    remove_settings /Settings/Devices '^(tsmppt|serialbattery|gx|gxmirror|givenergy)_[^/]*/|^ble_[0-9a-f]{12}/'
}

# --- taking everything away again

# remove_suite: back to what was there before. Settings and logs stay.
remove_suite() {
    for driver in $(drivers); do
        stop_service "$driver"
    done
    stop_serial_services
    stop_service $battery_host
    if [ -d "/run/$suite/templates" ]; then
        do_it umount "$templates"
        do_it rm -rf "/run/$suite"
    fi
    if [ -e "$serial_conf" ] || [ -e "$udev_rules" ]; then
        do_it rm -f "$serial_conf" "$udev_rules"
        trigger_ports
        restart_serial_starter
    fi
    remove_hook /data/rcS.local
    remove_hook /data/rc.local
    switch_on_older
    do_it rm -rf "$conf/before" "$conf/enabled" "$conf/ports" "$conf/replaced" "$home" "$home.new" "$home.old"
    noted=$(cat "$conf/created" 2>/dev/null)
    do_it rm -f "$conf/created"
    # shellcheck disable=SC2086  # names without blanks
    remove_created $noted
    do_it rmdir $run_services 2>/dev/null
    return 0
}

# Drivers that --replace switched off run again as before.
switch_on_older() {
    [ -e "$conf/replaced" ] || return 0
    while read -r kind name target; do
        case $kind in
        link) [ -e "/service/$name" ] || do_it ln -s "$target" "/service/$name" ;;
        script) [ ! -x "$name/enable.sh" ] || do_it "$name/enable.sh" ;;
        esac
    done <"$conf/replaced"
}
