"""Who is mirrored: another GX at the address, the same one at another address, one device behind two units."""

import os

import dbus

from gx_case import SERIAL, STATUS, GxCase, neutral, real, side_by_side
from venus_testing import SignalLog

OTHER = "d0ff50aa0001"


class Identity(GxCase):
    def swap(self, serial, temperature):
        """Another box takes the place, within a moment in which nothing is asked."""
        self.gx.put("system", 0, "/Serial", serial)
        self.gx.put("temperature", 24, "/Temperature", temperature)
        self.gx.tell("drop")

    def test_another_gx_at_the_address(self):
        self.start_both("24:temperature")
        first, second = real("temperature", 24), real("temperature", 24, OTHER)
        self.wait_value(first, "/Temperature", -18.75)
        instance = self.value(first, "/DeviceInstance")
        self.swap(OTHER, 5.5)
        self.wait_value(second, "/Temperature", 5.5)
        self.wait_no_name(first)
        self.wait_value(STATUS, "/Remote/Serial", OTHER)
        self.assertIn("another GX", self.value(STATUS, "/LastError/Message"))
        self.assertNotEqual(self.value(second, "/DeviceInstance"), instance)
        self.wait_value(neutral("system", 100, OTHER), "/Serial", OTHER)
        self.swap(SERIAL, 7.25)
        self.wait_value(first, "/Temperature", 7.25)
        self.wait_no_name(second)
        self.assertEqual(self.value(first, "/DeviceInstance"), instance)
        self.assertEqual(self.driver.terminate(), 0)
        stored = [name for name in os.listdir(os.path.join(self.directory, "state")) if name.endswith(".json")]
        self.assertEqual(sorted(stored), [SERIAL + ".json", OTHER + ".json"])

    def test_identity_survives_a_change_of_address(self):
        self.start_both("24:temperature,225:battery")
        names = real("temperature", 24), neutral("battery", 225)
        for name in names:
            self.wait_name(name)
        instances = [self.value(name, "/DeviceInstance") for name in names]
        moved = self.simulate()
        self.gx.close()
        self.set_setting("/Settings/GxModbus/0/Port", moved.port)
        for name, unit in zip(names, (24, 225)):
            self.wait_value(name, "/Mgmt/Connection", f"Modbus TCP 127.0.0.1:{moved.port} unit {unit}")
        self.assertEqual([self.value(name, "/DeviceInstance") for name in names], instances)
        moved.put("temperature", 24, "/Temperature", 1.5)
        self.wait_value(names[0], "/Temperature", 1.5)

    def test_the_system_has_the_serial_of_the_remote(self):
        self.gx = self.simulate()
        # The block that holds it can not be read yet when another one brings the system to the bus.
        self.gx.tell("exception", unit=100, first=840, last=846, code=4)
        self.preset(Host="127.0.0.1", Port=self.gx.port, Units="none", Interval=200, SlowInterval=1000)
        self.driver = self.bridge()
        name = neutral("system", 100)
        self.wait_name(name)
        self.assertEqual(self.value(name, "/Serial"), SERIAL)
        self.assertIsNone(self.value(name, "/Dc/Battery/Voltage"))
        self.gx.misbehave(reset=True)
        self.wait_value(name, "/Dc/Battery/Voltage", lambda volts: volts is not None)
        self.assertEqual(self.value(name, "/Serial"), SERIAL)
        # And when it can no longer be read.
        self.gx.tell("exception", unit=100, first=800, last=919, code=10)
        self.wait_value(name, "/Dc/Battery/Voltage", None)
        self.assertEqual(self.value(name, "/Serial"), SERIAL)

    def make_restless(self):
        """Two units of one device never read the same."""
        for type, path in (("solarcharger", "/Dc/0/Voltage"), ("generator", "/Runtime"), ("system", "/Dc/Battery/Power")):
            self.gx.put(type, 0, path, 20.0)
            self.gx.tell("restless", type=type, instance=0, path=path, step=1.0)

    def same_device(self, *pairs):
        for dropped, kept in pairs:
            self.driver.wait_line(f"{dropped} is the same device as {kept}")

    def test_one_device_on_two_units_is_mirrored_once(self):
        self.gx = self.simulate()
        self.make_restless()
        self.preset(Host="127.0.0.1", Port=self.gx.port, Interval=200, SlowInterval=1000,
                    Units="0:solarcharger,100:solarcharger,0:generator,0:system")
        self.driver = self.bridge()
        self.same_device(("100:solarcharger", "0:solarcharger"), ("0:generator", "100:generator"),
                         ("0:system", "100:system"))
        for name in (real("solarcharger", 0), neutral("generator", 100), neutral("system", 100)):
            self.wait_name(name)
        for name in (real("solarcharger", 100), neutral("generator", 0), neutral("system", 0)):
            self.assertFalse(self.has_name(name), name)
        # With a device of its own behind unit 100 they are two.
        self.gx.tell("add", type="solarcharger", instance=100, values={"/Dc/0/Voltage": 26.5, "/Yield/User": 10.0})
        self.gx.tell("drop")
        self.wait_value(real("solarcharger", 100), "/Dc/0/Voltage", 26.5)
        self.assertEqual(self.value(real("solarcharger", 0), "/Connected"), 1)

    def test_a_device_that_hid_behind_unit_100_leaves_and_comes_back(self):
        self.gx = self.simulate()
        self.make_restless()
        mine = {"/Dc/0/Voltage": 26.5, "/Yield/User": 10.0}
        self.gx.tell("add", type="solarcharger", instance=100, values=mine)
        self.preset(Host="127.0.0.1", Port=self.gx.port, Interval=200, SlowInterval=1000, Write=2,
                    Units="0:solarcharger,100:solarcharger")
        first, second = real("solarcharger", 0), real("solarcharger", 100)
        shown = SignalLog(self.bus, second)
        self.driver = self.bridge()
        self.wait_value(second, "/Dc/0/Voltage", 26.5)
        self.wait_value(first, "/Connected", 1)
        for _ in range(2):
            self.gx.tell("remove", type="solarcharger", instance=100)
            self.gx.writes(clear=True)
            # The other device answers at once under its unit, and must neither show nor be written there.
            self.set_value(second, "/Mode", 4)
            self.wait_value(second, "/Connected", 0)
            self.assertIsNone(self.value(second, "/Dc/0/Voltage"))
            self.assertEqual(self.gx.writes(), [])
            lives = self.value(first, "/Dc/0/Voltage")
            self.wait_value(first, "/Dc/0/Voltage", lambda volts: volts > lives)
            self.gx.tell("add", type="solarcharger", instance=100, values=mine)
            self.wait_value(second, "/Connected", 1)
            self.wait_value(second, "/Dc/0/Voltage", 26.5)
        volts = [items["/Dc/0/Voltage"]["Value"] for member, _, items in shown.signals
                 if member == "ItemsChanged" and "/Dc/0/Voltage" in items]
        self.assertGreaterEqual(len(volts), 4)
        self.assertEqual({float(value) for value in volts if not isinstance(value, dbus.Array)}, {26.5})

    def test_a_scan_finds_one_device_once(self):
        self.gx = self.simulate()
        self.make_restless()
        self.preset(Host="127.0.0.1", Port=self.gx.port, Units="0,100", Interval=200, ScanRate=20)
        self.driver = self.bridge()
        self.wait_name(STATUS)
        self.wait_status("scanning")
        self.wait_name(real("solarcharger", 0))
        self.wait_status("running")
        self.assertGreaterEqual(self.gx.counters()["reads"].get("100:771", 0), 1)
        self.assertFalse(self.has_name(real("solarcharger", 100)))
        self.assertFalse(self.has_name(neutral("generator", 0)))


if __name__ == "__main__":
    side_by_side(__file__)
