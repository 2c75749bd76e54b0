# shellcheck shell=bash
# A TriStar MPPT that lives through a day in two minutes.
demo_simulator tristar-simulator --day 120
demo_service dbus-tsmppt
demo_setting /Settings/TristarMPPT/Interval %500
demo_setting /Settings/TristarMPPT/PortNumber "%$port"
demo_setting /Settings/TristarMPPT/IPAddress 127.0.0.1
demo_expect com.victronenergy.solarcharger.tsmppt /Dc/0/Voltage
demo_expect com.victronenergy.solarcharger.tsmppt /Yield/Power
demo_expect com.victronenergy.solarcharger.tsmppt /State
