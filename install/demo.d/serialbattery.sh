# shellcheck shell=bash
# Two batteries of different makes on serial ports, and both as one bank. Without serial-starter there is nobody to fill
# in the service template, so one process gets both ports.
demo_simulator bms-simulator jbd --link "$work/data/ttyJBD"
demo_simulator bms-simulator jk_ttl --link "$work/data/ttyJK"
demo_ports_service() {
    local directory=$scan/.dbus-serialbattery
    mkdir -p "$directory/log"
    sed "s/TTY/demo/" services/dbus-serialbattery/log/run >"$directory/log/run"
    printf '#!/bin/sh\nexec 2>&1\nexec "%s" --state-dir "%s" "%s" "%s"\n' "$bin/dbus-serialbattery" \
        "$work/data/dbus-serialbattery" "$work/data/ttyJBD" "$work/data/ttyJK" >"$directory/run"
    chmod +x "$directory/run" "$directory/log/run"
    mv "$directory" "$scan/dbus-serialbattery"
}
demo_ports_service
demo_expect com.victronenergy.battery.ttyJBD /Dc/0/Voltage
demo_expect com.victronenergy.battery.ttyJK /Soc
demo_expect com.victronenergy.battery.serialbattery_bank /Info/MaxChargeCurrent
