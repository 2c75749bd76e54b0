# shellcheck shell=bash
# A stand-in for BlueZ with a SmartSolar and a SmartShunt around it; their keys are entered as a user would.
demo_simulator bluez-simulator --demo --speed 300
demo_service dbus-smartsolar
demo_setting /Settings/Devices/ble_c7c806271311/Key 5c0102030405060708090a0b0c0d0e0f
demo_setting /Settings/Devices/ble_d49da0417702/Key aff4d0995b7d1e176c0c33ecb9e70dcd
demo_expect com.victronenergy.solarcharger.ble_c7c806271311 /Dc/0/Voltage
demo_expect com.victronenergy.battery.ble_d49da0417702 /Soc
