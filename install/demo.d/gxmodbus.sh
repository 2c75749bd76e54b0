# shellcheck shell=bash
# Another GX with a house behind it that lives through a day in five minutes, mirrored on this bus.
demo_simulator gx-simulator --port 0 --day-seconds 300
demo_service dbus-gxmodbus
demo_setting /Settings/GxModbus/0/ScanRate %200
demo_setting /Settings/GxModbus/0/Port "%$port"
demo_setting /Settings/GxModbus/0/Host 127.0.0.1
demo_expect com.victronenergy.gxbridge.gx0 /Remote/Serial
demo_expect com.victronenergy.solarcharger.gx_c0619ab2f3d1_u224 /Yield/Power
demo_expect com.victronenergy.gxmirror.gx_c0619ab2f3d1_battery_u225 /Soc
demo_expect com.victronenergy.tank.gx_c0619ab2f3d1_u25 /Level
