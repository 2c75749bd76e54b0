"""The driver beside python3-dbusmock's BlueZ, which somebody else wrote: adapter, device, discovery, advertisements."""

import unittest

import dbus

from bluez_case import SOLAR, SOLAR_KEY, BluezCase, main, service, wait_until

try:
    import dbusmock
except ImportError:
    dbusmock = None

# Product 0xA056 with SOLAR_KEY: 13.88 V, 1.4 A, 19 W.
FRAME = bytes.fromhex("100056a00100035c5040720a9615669e70f593ffa414409b")
DEVICE = "/org/bluez/hci0/dev_" + SOLAR.upper().replace(":", "_")


@unittest.skipUnless(dbusmock, "python3-dbusmock is not installed")
class Dbusmock(BluezCase):
    def advertise(self):
        """The template cannot change a dictionary property; the signal itself it can send."""
        data = dbus.Dictionary({dbus.UInt16(0x02E1): dbus.Array(FRAME, signature="y", variant_level=1)},
                               signature="qv", variant_level=1)
        arguments = dbus.Array(["org.bluez.Device1", dbus.Dictionary({"ManufacturerData": data}, signature="sv"),
                                dbus.Array([], signature="s")], signature="v")
        mock = dbus.Interface(self.bus.get_object("org.bluez", DEVICE), "org.freedesktop.DBus.Mock")
        mock.EmitSignal("org.freedesktop.DBus.Properties", "PropertiesChanged", "sa{sv}as", arguments)

    def test_discovery_and_advertisements(self):
        self.start("/usr/bin/python3", "-m", "dbusmock", "--session", "--template", "bluez5")
        self.wait_name("org.bluez")
        mock = dbus.Interface(self.bus.get_object("org.bluez", "/org/bluez"), "org.bluez.Mock")
        mock.AddAdapter("hci0", "gx")
        mock.AddDevice("hci0", SOLAR.upper(), "Roof")
        self.start_driver()
        self.driver.wait_line("by discovery")
        self.advertise()
        self.enter_key(SOLAR, SOLAR_KEY)
        self.advertise()
        name = service("solarcharger", SOLAR)
        self.wait_value(name, "/Dc/0/Voltage", 13.88, near=0.001)
        self.assertEqual(self.value(name, "/ProductName"), "SmartSolar Charger MPPT 100/30")
        adapter = dbus.Interface(self.bus.get_object("org.bluez", "/org/bluez/hci0"), "org.freedesktop.DBus.Properties")
        wait_until(lambda: adapter.Get("org.bluez.Adapter1", "Discovering"), "the template to say that it discovers")


if __name__ == "__main__":
    main()
