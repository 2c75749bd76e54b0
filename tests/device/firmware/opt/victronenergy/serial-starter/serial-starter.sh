#!/bin/sh
# A stand-in for the device's serial-starter that keeps its contract: configuration read once, a lock per port that who
# was started removes, one candidate is started for good, several are tried in turn.
links=/dev/serial-starter
locks=/var/lock/serial-starter
state=/run/serial-starter
templates=/opt/victronenergy/service-templates
mkdir -p $links $locks $state

read_config() {
    while read -r keyword name value; do
        case $keyword in
        service) echo "$value" >"$state/service.$name" ;;
        alias) echo "$value" >"$state/alias.$name" ;;
        include)
            for file in "$name"/*.conf; do
                [ ! -e "$file" ] || read_config <"$file"
            done
            ;;
        esac
    done
}

# expand NAME[:NAME...]: the services behind aliases, in order.
expand() {
    for name in $(echo "$1" | tr : ' '); do
        if [ -e "$state/alias.$name" ]; then
            expand "$(cat "$state/alias.$name")"
        else
            echo "$name"
        fi
    done
}

property() { udevadm info --query=property --name="/dev/$1" | sed -n "s/^$2=//p"; }

# start TTY SERVICE COMMAND
start() {
    template=$(cat "$state/service.$2" 2>/dev/null)
    if [ -z "$template" ] || [ ! -d "$templates/$template" ]; then
        echo "no service $2 for $1"
        rm -f "$locks/$1"
        return
    fi
    service=/service/$template.$1
    if [ ! -d "$service" ]; then
        copy=/var/volatile/services/$template.$1
        rm -rf "$copy"
        cp -a "$templates/$template" "$copy"
        sed -i "s/TTY/$1/" "$copy/run" "$copy/log/run"
        ln -s "$copy" "$service"
    fi
    # Not for ever: whoever the service belongs to may be taking it away just now.
    tries=0
    until { svok "$service" && svok "$service/log"; } || [ $tries -ge 30 ]; do
        sleep 0.2
        tries=$((tries + 1))
    done
    echo "starting $template on $1 ($3)"
    svc -u "$service/log"
    svc "$3" "$service"
}

rm -f "$state"/service.* "$state"/alias.*
read_config </etc/venus/serial-starter.conf
for service in /service/*; do
    [ -e "$service" ] || rm -f "$service"
done
while :; do
    for link in $links/*; do
        tty=${link##*/}
        [ -e "$link" ] && ln -s $$ "$locks/$tty" 2>/dev/null || continue
        wanted=$(property "$tty" VE_SERVICE)
        candidates=$(expand "${wanted:-default}")
        # shellcheck disable=SC2086  # a list of words
        set -- $candidates
        if [ "$1" = ignore ]; then
            rm -f "$link" "$locks/$tty"
        elif [ $# = 1 ]; then
            rm -f "$link"
            start "$tty" "$1" -u
        else
            turn=$(($(cat "$state/$tty.turn" 2>/dev/null || echo 0) % $#))
            echo $((turn + 1)) >"$state/$tty.turn"
            shift $turn
            start "$tty" "$1" -o
        fi
    done
    : >$state/looked
    sleep 1
done
