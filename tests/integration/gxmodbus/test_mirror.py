"""A simulated GX mirrored on a private bus: names, values, modes, writes, losses."""

import json
import os
import subprocess
import unittest

import dbus
import dbus.service

from gx_case import SERIAL, STATUS, GxCase, neutral, real
from venus_testing import BIN, wait_until

VECTORS = os.path.join(os.path.dirname(__file__), "../../data/gxmodbus/gx-modbus.jsonl")
ALL = ("225:battery,227:vebus,224:solarcharger,0:solarcharger,30:grid,20:pvinverter,25:tank,26:tank,24:temperature,"
       "27:temperature,40:evcharger,1:gps,1:digitalinput")


class Mirror(GxCase):
    def test_house(self):
        self.start_both(ALL)
        charger = real("solarcharger", 224)
        for name in (charger, real("solarcharger", 0), real("tank", 25), real("temperature", 24), real("evcharger", 40),
                     real("digitalinput", 1), neutral("battery", 225), neutral("vebus", 227), neutral("grid", 30),
                     neutral("pvinverter", 20), neutral("gps", 1), neutral("system", 100), neutral("generator", 100)):
            self.wait_name(name)
        self.assertEqual([name for name in self.names() if "settings" in name or "hub4" in name or "platform" in name],
                         ["com.victronenergy.settings"])
        items = self.items(charger)
        self.assertEqual(items["/ProductName"], "Solar charger via Barn")
        self.assertEqual(items["/CustomName"], "South roof")
        self.assertEqual(items["/Serial"], f"{SERIAL}-solarcharger-224")
        self.assertEqual(items["/Mgmt/Connection"], f"Modbus TCP 127.0.0.1:{self.gx.port} unit 224")
        self.assertEqual(items["/Connected"], 1)
        self.assertIsNone(items["/FirmwareVersion"])
        self.assertEqual(items["/ProductId"], 0)
        self.assertEqual(items["/Yield/Power"], 1105.0)
        self.assertEqual(items["/NrOfTrackers"], 1)
        self.assertNotIn("/Dc/0/Current", items)  # displayed, not counted
        self.assertNotIn("/Pv/0/V", items)
        self.assertEqual(self.text(charger, "/Pv/V"), "98.72V")
        self.assertGreaterEqual(items["/DeviceInstance"], 600)
        self.assertNotEqual(items["/DeviceInstance"], self.value(real("solarcharger", 0), "/DeviceInstance"))

        battery = neutral("battery", 225)
        self.assertEqual(self.value(battery, "/RemoteClass"), "com.victronenergy.battery")
        self.assertEqual(self.value(battery, "/RemoteUnit"), 225)
        self.assertEqual(self.value(battery, "/Soc"), 83.0)
        self.assertEqual(self.text(battery, "/Dc/0/Temperature"), "-3.5°C")
        self.wait_value(battery, "/ConnectionInformation", "CAN 500k")
        self.assertEqual(self.value(neutral("grid", 30), "/Serial"), "BP98305081235")
        self.assertEqual(self.value(neutral("system", 100), "/FirmwareVersion"), "v3.80")
        self.assertEqual(self.value(real("digitalinput", 1), "/ProductName"), "Door via Barn")
        self.assertEqual(self.text(real("tank", 25), "/ProductId"), "0xA162")

        self.gx.put("battery", 512, "/Dc/0/Current", 12.3)
        self.wait_value(battery, "/Dc/0/Current", 12.3)
        self.assertEqual(self.value(STATUS, "/Remote/Serial"), SERIAL)
        self.assertEqual(self.value(STATUS, "/Remote/Generation"), "v101")
        self.assertEqual(self.gx.counters()["exceptions"], 0)

    def test_scan_finds_and_remembers(self):
        self.start_both("")
        self.wait_status("scanning")
        for name in (real("solarcharger", 224), neutral("battery", 225), neutral("grid", 30), real("tank", 26)):
            self.wait_name(name)
        wait_until(lambda: self.value(STATUS, "/Status/Text") == "running", "the end of the scan", 120)
        found = self.names("com.victronenergy.")
        self.assertNotIn(real("solarcharger", 100), found)  # the same as unit 0
        self.assertEqual(self.driver.terminate(), 0)
        stored = os.listdir(os.path.join(self.directory, "state"))
        self.assertEqual([name for name in stored if name.endswith(".json")], [SERIAL + ".json"])
        # Now every block is read once and nothing is looked for, however long it takes.
        for name, value in {"Interval": 60000, "SlowInterval": 60000, "WatchInterval": 0}.items():
            self.set_setting(f"/Settings/GxModbus/0/{name}", value)
        self.gx.counters(clear=True)
        self.driver = self.bridge()
        for name in found:
            if "gx_" in name:
                self.wait_name(name)
        self.wait_status("running")
        counters = self.gx.counters()
        self.assertEqual(counters["exceptions"], 0)
        self.assertLessEqual(counters["requests"], 2 + len(counters["reads"]))  # identification asks two of them itself

    def test_presence_is_learned(self):
        self.start_both("225:battery", Mode__battery="real")
        battery = real("battery", 225)
        self.wait_name(battery)
        self.assertNotIn("/TimeToGo", self.items(battery))
        self.gx.put("battery", 512, "/TimeToGo", 38400.0)
        self.wait_value(battery, "/TimeToGo", 38400.0)
        self.gx.put("battery", 512, "/TimeToGo", None)
        self.wait_value(battery, "/TimeToGo", 0.0)
        self.gx.set("battery", 512, **{"/Dc/0/Voltage": None, "/Dc/0/Current": None, "/Dc/0/Power": None, "/Soc": None})
        self.wait_value(battery, "/Soc", None)
        self.assertIsNone(self.value(battery, "/Dc/0/Voltage"))
        self.assertEqual(self.value(battery, "/Connected"), 1)

    def test_modes_change_live(self):
        self.start_both("225:battery,24:temperature")
        self.wait_name(neutral("battery", 225))
        self.set_setting("/Settings/GxModbus/0/Mode/battery", "real")
        self.wait_name(real("battery", 225))
        self.wait_no_name(neutral("battery", 225))
        self.set_setting("/Settings/GxModbus/0/DeviceModes", "225:battery=off")
        self.wait_no_name(real("battery", 225))
        self.assertTrue(self.has_name(real("temperature", 24)))
        self.set_setting("/Settings/GxModbus/0/DeviceModes", "")
        self.wait_name(real("battery", 225))

    def test_instance_within_reach_is_refused(self):
        self.start_both("24:temperature")
        self.wait_name(real("temperature", 24))
        setting = f"/Settings/Devices/gx_{SERIAL}_temperature_u24/ClassAndVrmInstance"
        self.set_setting(setting, "temperature:24")
        wait_until(lambda: self.setting(setting) == "temperature:600", "the instance to be put back")
        self.wait_name(real("temperature", 24))
        self.wait_value(real("temperature", 24), "/DeviceInstance", 600)
        self.set_setting(setting, "temperature:700")
        wait_until(lambda: self.has_name(real("temperature", 24))
                   and self.value(real("temperature", 24), "/DeviceInstance") == 700, "instance 700")

    def claim_its_serial(self):
        """The bus gets a system service that says this is the GX that is simulated."""
        class System(dbus.service.Object):
            @dbus.service.method("com.victronenergy.BusItem", out_signature="a{sa{sv}}")
            def GetItems(self):
                return {"/Serial": {"Value": SERIAL, "Text": SERIAL}, "/DeviceInstance": {"Value": 0, "Text": "0"}}

        connection = self.connect()
        System(connection, "/")
        connection.request_name("com.victronenergy.system")

    def test_own_gx_is_not_mirrored(self):
        self.claim_its_serial()
        self.start_both(ALL)
        self.wait_status("refused: own GX")
        self.assertEqual([name for name in self.names() if "gx_" in name], [])
        self.assertIn("this GX itself", self.value(STATUS, "/LastError/Message"))

    def test_own_gx_that_is_known_late_leaves(self):
        self.start_both("24:temperature")
        self.wait_name(real("temperature", 24))
        self.wait_name(neutral("system", 100))
        self.claim_its_serial()
        self.wait_status("refused: own GX")
        wait_until(lambda: not [name for name in self.names() if "gx_" in name], "its mirrors to leave")

    def test_two_hosts_with_one_serial(self):
        self.gx = self.simulate()
        self.preset(0, Host="127.0.0.1", Port=self.gx.port, Units="24:temperature")
        self.preset(1, Host="localhost", Port=self.gx.port, Units="24:temperature")
        self.driver = self.bridge()
        self.wait_name(real("temperature", 24))
        wait_until(lambda: "refused: own GX" in [self.value(f"com.victronenergy.gxbridge.gx{n}", "/Status/Text")
                                                  for n in (0, 1)], "one host to be refused")

    def test_a_dead_host_disturbs_nobody(self):
        self.gx = self.simulate()
        other = self.simulate("--serial", "d0ff50aa0001")
        other.misbehave(mute=True)
        self.preset(0, Host="127.0.0.1", Port=other.port)
        self.preset(1, Host="127.0.0.1", Port=self.gx.port, Units="24:temperature", SlowInterval=1000)
        self.driver = self.bridge()
        self.wait_value(real("temperature", 24), "/Temperature", -18.75)
        self.gx.put("temperature", 24, "/Temperature", -17.0)
        self.wait_value(real("temperature", 24), "/Temperature", -17.0)
        other.misbehave(mute=False)


class Writing(GxCase):
    def allow(self, level):
        self.set_setting("/Settings/GxModbus/0/Write", level)
        self.driver.wait_line(f"Write is {level}")

    def test_off_until_allowed(self):
        self.start_both("227:vebus,225:battery")
        vebus = neutral("vebus", 227)
        self.wait_value(vebus, "/Mode", 3)
        self.assertNotEqual(self.set_value(vebus, "/Mode", 4), 0)
        self.allow(1)
        self.assertEqual(self.set_value(vebus, "/Mode", 4), 0)
        self.wait_value(vebus, "/Mode", 4)
        self.assertEqual(self.gx.get("vebus", 276, "/Mode"), 4)
        self.assertEqual([write["path"] for write in self.gx.writes()], ["/Mode"])
        self.assertNotEqual(self.set_value(vebus, "/Hub4/L1/AcPowerSetpoint", -100.0), 0)  # needs level 2
        self.allow(2)
        self.assertEqual(self.set_value(vebus, "/Hub4/L1/AcPowerSetpoint", -100.0), 0)
        self.wait_value(vebus, "/Hub4/L1/AcPowerSetpoint", -100.0)
        write = self.gx.writes()[-1]
        self.assertEqual((write["address"], write["function"], write["value"]), (96, 16, -100))

    def test_range_and_truth(self):
        self.start_both("227:vebus,225:battery", Write=2)
        vebus = neutral("vebus", 227)
        self.wait_value(vebus, "/Ac/ActiveIn/CurrentLimit", 16.0)
        for value in (4000.0, float("nan"), "much"):
            self.assertNotEqual(self.set_value(vebus, "/Ac/ActiveIn/CurrentLimit", value), 0)
        self.assertNotEqual(self.set_value(vebus, "/State", 1), 0)
        self.assertEqual(self.gx.writes(), [])
        self.gx.misbehave(ignore_writes=True)
        self.assertEqual(self.set_value(vebus, "/Ac/ActiveIn/CurrentLimit", 25.0), 0)
        self.gx.wait_writes(1)
        self.wait_value(STATUS, "/LastError/Message", lambda text: text and "another value" in text)
        self.assertEqual(self.value(vebus, "/Ac/ActiveIn/CurrentLimit"), 16.0)
        self.gx.misbehave(ignore_writes=False, read_only=True)
        self.assertEqual(self.set_value(vebus, "/Ac/ActiveIn/CurrentLimit", 25.0), 0)
        self.wait_value(STATUS, "/LastError/Message", lambda text: text and "allows no writes" in text)
        self.assertEqual(len(self.gx.writes()), 1)  # written once, and no more

    def test_names(self):
        self.start_both("225:battery", Write=1, Mode__battery="real")
        battery = real("battery", 225)
        self.wait_name(battery)
        self.wait_value(battery, "/ConnectionInformation", "CAN 500k")
        self.assertEqual(self.set_value(battery, "/CustomName", "Süd"), 0)
        wait_until(lambda: self.gx.get("battery", 512, "/CustomName") == "Süd", "the name at the remote")
        self.wait_value(battery, "/CustomName", "Süd")
        self.assertNotEqual(self.set_value(battery, "/CustomName", "longer than sixteen"), 0)
        self.gx.put("battery", 512, "/CustomName", "Renamed there")
        self.wait_value(battery, "/CustomName", "Renamed there")


class CommandLine(GxCase):
    with_settings = False

    def run_driver(self, *arguments):
        done = subprocess.run([os.path.join(BIN, "dbus-gxmodbus"), *map(str, arguments)], capture_output=True, text=True,
                              timeout=120, env=self.environment())
        return done.returncode, done.stdout + done.stderr

    def test_scan_read_write(self):
        self.gx = self.simulate()
        host = f"127.0.0.1:{self.gx.port}"
        code, output = self.run_driver("scan", host, "--json", "--units", "225,24:temperature", "--rate", 200)
        self.assertEqual(code, 0, output)
        scan = json.loads(output)
        self.assertEqual(scan["serial"], SERIAL)
        devices = {(d["unit"], d["type"]): {r["path"]: r for r in d["registers"]} for d in scan["devices"]}
        self.assertEqual(devices[225, "battery"]["/Soc"]["value"], 83)
        self.assertEqual(devices[24, "temperature"]["/Temperature"]["text"], "-18.75°C")
        code, output = self.run_driver("read", host, "225:battery/Soc")
        self.assertEqual(code, 0, output)
        self.assertIn("83.0%", output)
        code, output = self.run_driver("write", host, "227/Mode", 4)
        self.assertEqual(code, 0, output)
        self.assertEqual(self.gx.get("vebus", 276, "/Mode"), 4)
        self.gx.misbehave(ignore_writes=True)
        self.assertEqual(self.run_driver("write", host, "227/Mode", 3)[0], 1)
        self.assertEqual(self.run_driver("write", host, "227/Mode", 70000)[0], 2)
        self.assertEqual(self.run_driver("write", host, "227/State", 1)[0], 2)
        self.assertEqual(self.run_driver("read", host, "nonsense")[0], 2)
        self.gx.close()
        self.assertEqual(self.run_driver("scan", host)[0], 1)

    def test_decode(self):
        with open(VECTORS) as file:
            lines = [json.loads(line) for line in file]
        expected = [line.pop("expect") for line in lines]
        done = subprocess.run([os.path.join(BIN, "dbus-gxmodbus"), "decode"], env=self.environment(), text=True,
                              input="".join(json.dumps(line) + "\n" for line in lines), capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(answers), len(expected))
        for line, expect, answer in zip(lines, expected, answers):
            with self.subTest(line["what"]):
                self.assertEqual({key: answer.get(key) for key in expect}, expect)

    def test_a_server_that_crashes_is_not_probed(self):
        self.gx = self.simulate("--server-version", "1.0.90", "--firmware", "370:50")
        self.gx.tell("remove", type="generator", instance=0)
        host = f"127.0.0.1:{self.gx.port}"
        code, output = self.run_driver("scan", host)
        self.assertEqual(code, 1, output)
        self.assertIn("can crash", output)
        self.assertIn("/Dc/Battery/Voltage", output)
        self.assertEqual(self.run_driver("read", host, "225")[0], 2)
        self.assertEqual(self.run_driver("write", host, "227/Mode", 4)[0], 2)
        self.assertEqual(self.run_driver("scan", host, "--units", "225:battery")[0], 0)
        code, output = self.run_driver("read", host, "225:battery/Soc")
        self.assertEqual(code, 0, output)
        self.assertIn("83.0%", output)
        self.assertEqual(self.gx.counters()["crashes"], 0)
        self.assertEqual(self.run_driver("scan", host, "--full", "--rate", 200)[0], 1)
        self.assertEqual(self.gx.counters()["crashes"], 1)


if __name__ == "__main__":
    unittest.main(verbosity=2)
