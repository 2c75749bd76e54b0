"""dbus-serialbattery probe and read, as a user calls them."""

import json

from command_case import CommandCase
from venus_testing import main


class Ports(CommandCase):
    def test_probe(self):
        for family, baud, title in (("jbd", 9600, "JBD"), ("jk_ttl", 115200, "JK"), ("ant_new", 19200, "ANT")):
            with self.subTest(family):
                self.simulate(family, family)
                port = self.tty(family)
                code, out, err = self.call("probe", port)
                self.assertEqual((code, err), (0, ""))
                self.assertRegex(out, rf"^{port}: {title}.* \({family}\).* at {baud} baud, found in \d+ ms, ")
                code, out, err = self.call("probe", port, "--json")
                found = json.loads(out)
                self.assertEqual((code, err, found["port"], found["otherwise"]), (0, "", port, None))
                self.assertEqual([(b["family"], b["baud"]) for b in found["batteries"]], [(family, baud)])
                self.assertGreater(found["took_ms"], 0)
                self.assertGreater(found["questions"], 0)

    def test_read(self):
        simulator = self.simulate("jbd")
        self.tell(simulator, command="set", current=-7.5, soc=61)
        self.tell(simulator, command="alarm", name="HighCellVoltage", level=2)
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json")
        self.assertEqual((code, err), (0, ""))
        said = json.loads(out)
        truth = self.state(simulator)
        self.assertEqual((said["family"], said["baud"], said["parity"]), ("jbd", 9600, "none"))
        self.assertAlmostEqual(said["voltage_V"], truth["voltage"], delta=0.2)
        self.assertAlmostEqual(said["current_A"], -7.5, delta=0.05)
        self.assertAlmostEqual(said["soc_pct"], 61, delta=1)
        self.assertEqual(said["cell_count"], len(truth["cells_mV"]))
        for cell, mv in zip(said["cells"], truth["cells_mV"], strict=True):
            self.assertAlmostEqual(cell["voltage_V"], mv / 1000, delta=0.06)
        self.assertEqual(said["alarms"]["HighCellVoltage"], 2)
        self.assertEqual(said["alarms"]["LowVoltage"], 0)
        self.assertIsNone(said["heater_current_A"])
        self.assertEqual((said["charge_fet"], said["discharge_fet"]), (True, True))

        code, out, err = self.call("read", self.tty("ttyBMS0"))
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^  current +-7\.50\d A$")
        self.assertRegex(out, r"(?m)^  cell 1 +3\.\d{3} V")
        self.assertRegex(out, r"(?m)^  alarms +HighCellVoltage$")
        self.assertNotIn("heater", out)

    def test_configuration_file(self):
        """What the driver's file says of how to read a battery counts here too, for all ports or for one."""
        self.simulate("jbd")
        port = self.tty("ttyBMS0")
        config = self.tty("config.ini")
        for section, place in (("default", "cell"), ("port:ttyBMS0", "cell"), ("port:ttyBMS1", "mosfet")):
            with open(config, "w") as out:
                out.write(f"[{section}]\nJBD_FIRST_SENSOR_IS_MOSFET = False\n")
            code, out, err = self.call("read", port, "--json", "--config", config)
            self.assertEqual((code, err), (0, ""))
            self.assertEqual(json.loads(out)["temperatures"][0]["place"], place, section)
        code, out, err = self.call("probe", port, "--config", self.tty("none.ini"))
        self.assertEqual(code, 0)
        self.assertIn("none.ini", out + err)

    def test_several_on_one_bus(self):
        simulator = self.simulate("jk_pb", "ttyBMS0", "--units", "1,2,5")
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json", "--address", "0x01,5")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(sorted(json.loads(line)["address"] for line in out.splitlines()), [1, 5])
        code, out, err = self.call("probe", self.tty("ttyBMS0"), "--type", "jk_pb", "--all", "--json")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(sorted(b["address"] for b in json.loads(out)["batteries"]), [1, 2, 5])
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json", "--address", "2,3")
        self.assertEqual(code, 1)
        self.assertEqual([json.loads(line)["address"] for line in out.splitlines()], [2])
        self.assertIn("nothing at address 0x03", err)
        # An answer that is lost is asked for again.
        self.tell(simulator, command="fault", lose=1000)
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json", "--address", "1,2,5")
        self.assertEqual(sorted(json.loads(line)["address"] for line in out.splitlines()), [1, 2, 5], err)

    def test_bus_of_another_master(self):
        """A Seplos V3 stack asks itself: nothing is sent, what its master reads is shown."""
        simulator = self.simulate("seplos3", "ttyMaster")
        self.tell(simulator, command="set", current=-12.5)
        master = self.other_master("ttyMaster", "ttyBMS0")

        def call(*arguments):
            """Again when the machine was too busy for the master to be heard."""
            while True:
                master.was_late()
                result = self.call(*arguments)
                if not master.was_late():
                    return result

        code, out, err = call("probe", self.tty("ttyBMS0"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("another master asks Seplos V3 batteries here, at 19200", out)
        code, out, err = call("read", self.tty("ttyBMS0"), "--json")
        self.assertEqual((code, err), (0, ""))
        battery = json.loads(out)
        self.assertEqual((battery["family"], battery["address"], battery["current_A"]), ("seplos3", 0, -12.5))
        code, out, err = call("monitor", self.tty("ttyBMS0"), "--polls", "3")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(out.splitlines()), 3)
        for line in out.splitlines():
            self.assertRegex(line, r"-12\.5\d A.* alarms none$")
        self.assertEqual(master.disturbed, b"")

    def test_nobody_there(self):
        simulator = self.simulate("jbd")
        self.tell(simulator, command="fault", silence=True)
        port = self.tty("ttyBMS0")
        code, out, err = self.call("probe", port)
        self.assertEqual((code, err), (1, ""))
        self.assertIn("no battery answered", out)
        code, out, err = self.call("read", port)
        self.assertEqual((code, out, err), (1, "", f"{port}: no battery answered\n"))

    def test_port_in_use(self):
        self.simulate("jbd")
        port = self.tty("ttyBMS0")
        driver = self.start("dbus-serialbattery", "--state-dir", self.directory, port)
        driver.wait_line("found in")
        for command in ("probe", "read"):
            self.assertEqual(self.call(command, port), (1, "", f"{port}: another process uses the port\n"))

    def test_no_port(self):
        for port, what in ((self.tty("none"), "there is no such port"), ("/dev/null", "it is no serial port")):
            for command in ("probe", "read", "monitor"):
                self.assertEqual(self.call(command, port), (1, "", f"{port}: {what}\n"))


if __name__ == "__main__":
    main()
