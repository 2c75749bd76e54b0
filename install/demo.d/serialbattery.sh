# shellcheck shell=bash
# Two batteries of different makes on serial ports, as serial-starter would start a driver for each: from the template, one
# service a port. Both hand their port to the process that serves all, which shows them as one bank too.
demo_simulator bms-simulator jbd --link "$work/data/ttyJBD"
demo_simulator bms-simulator jk_ttl --link "$work/data/ttyJK"
demo_port_service() {
    local directory=$scan/.venus-serialbattery.$1
    mkdir -p "$directory/log"
    for script in run log/run; do
        sed "s/TTY/$1/" "services/dbus-serialbattery/$script" >"$directory/$script"
        chmod +x "$directory/$script"
    done
    mv "$directory" "$scan/venus-serialbattery.$1"
}
demo_service dbus-serialbattery-host
demo_port_service ttyJBD
demo_port_service ttyJK
demo_expect com.victronenergy.battery.ttyJBD /Dc/0/Voltage
demo_expect com.victronenergy.battery.ttyJK /Soc
demo_expect com.victronenergy.battery.serialbattery_bank /Info/MaxChargeCurrent
