# shellcheck shell=bash
# A GivEnergy hybrid with two batteries that lives through a day in a quarter of an hour.
demo_simulator givenergy-simulator --port 0 --day-seconds 900 --hour 11
givenergy_port=$port
demo_service dbus-givenergy
demo_setting /Settings/GivEnergy/PollPeriod %2
demo_setting /Settings/GivEnergy/RequestGap %100
demo_setting /Settings/GivEnergy/AllowControl %1
demo_setting /Settings/GivEnergy/Adapters "127.0.0.1:$givenergy_port"
demo_expect com.victronenergy.grid.givenergy_SA2114G047 /Ac/Power
demo_expect com.victronenergy.battery.givenergy_SA2114G047 /Soc
