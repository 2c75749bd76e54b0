"""Several batteries: on one bus, on several ports, and all of them as one bank."""

import time

import dbus
from battery_case import AT_ONCE, BANK, LONG, ROOT, BatteryTestCase
from venus_testing import SETTINGS, main, wait_until



def service(port, address):
    return f"{ROOT}{port}__0x{address:02X}"


class OneBus(BatteryTestCase):
    def test_sixteen_are_found_and_refreshed(self):
        """JK PB units at 115200 baud: the first is found, the others by looking through the addresses."""
        units = range(16)
        simulator = self.simulate("jk_pb", "ttyBMS0", "--units", ",".join(map(str, units)))
        self.drive("ttyBMS0")
        # The one that was found first has the port's own name when no addresses were given.
        present = lambda: [str(n) for n in self.bus.list_names() if str(n).startswith(ROOT + "ttyBMS0")]
        names = wait_until(lambda: present() if len(present()) == len(units) else None,
                           lambda: f"sixteen batteries; there are {present()}", LONG)
        self.assertEqual(len({self.value(name, "/DeviceInstance") for name in names}), len(units))
        for amperes in (2.0, -4.0):
            self.tell(simulator, command="set", current=amperes)
            for name in names:
                self.wait_value(name, "/Dc/0/Current", amperes, near=0.05)
        self.wait_value(BANK, "/Dc/0/Current", -4.0 * len(units), near=0.5)
        self.wait_value(BANK, "/System/NrOfModulesOnline", len(units))
        # Each at least every two seconds, all with one question at true byte times; a busy machine may need another try.
        answers = lambda: [unit["answers"] for unit in self.tell(simulator, command="state")["units"]]

        def slowest():
            """Seconds between answers of the one that answered least in six."""
            begin, before = time.monotonic(), answers()
            wait_until(lambda: time.monotonic() - begin >= 6, "six seconds")
            counts = [now - then for now, then in zip(answers(), before)]
            # Where time is short it is short for all.
            self.assertLessEqual(max(counts) - min(counts), 2, counts)
            return (time.monotonic() - begin) / max(min(counts), 0.5)
        wait_until(lambda: slowest() <= 2.0, "sixteen refreshed every two seconds", LONG)

    def test_only_listens_where_another_master_asks(self):
        simulator = self.simulate("seplos3", "ttyMaster")
        master = self.other_master("ttyMaster", "ttyBMS0")
        driver = self.drive("ttyBMS0")

        def present():
            nonlocal driver
            if not driver.running:  # the master was late; serial-starter comes round again
                driver = self.drive("ttyBMS0")
            return [str(n) for n in self.bus.list_names() if str(n).startswith(ROOT + "ttyBMS0")]
        name, = wait_until(present, "the battery that is overheard", LONG)
        for amperes in (7.0, -12.5):
            self.tell(simulator, command="set", current=amperes)
            self.wait_value(name, "/Dc/0/Current", amperes, near=0.05)
        self.tell(simulator, command="alarm", name="HighCellVoltage", level=2)
        self.wait_value(name, "/Alarms/HighCellVoltage", 2)
        self.assertEqual(master.disturbed, b"")

    def test_given_addresses_on_a_slow_bus(self):
        """Polls without a pause leave no time over to look for the other one: it is looked for all the same."""
        simulator = self.simulate("daly", "ttyBMS0", "--units", "64,65")
        self.drive("ttyBMS0", config="[port:ttyBMS0]\nBATTERY_ADDRESSES = 0x40, 0x41\n"
                                    "[default]\nPOLL_INTERVAL = 0.1\n")
        first, second = service("ttyBMS0", 0x40), service("ttyBMS0", 0x41)
        wait_until(lambda: self.has_name(first) and self.has_name(second),
                   lambda: f"both batteries; on the bus: {self.bus.list_names()}", LONG)
        self.tell(simulator, command="set", unit=64, current=3)
        self.tell(simulator, command="set", unit=65, current=-6)
        self.wait_value(first, "/Dc/0/Current", 3, near=0.11)
        self.wait_value(second, "/Dc/0/Current", -6, near=0.11)
        # A switch reaches the one that it was meant for.
        self.assertEqual(self.set_value(second, "/Settings/ForceChargingOff", dbus.Int32(1)), 0)
        self.wait_value(second, "/Settings/ForceChargingOff", 1)
        units = self.tell(simulator, command="state")["units"]
        self.assertEqual([unit["charge_allowed"] for unit in units], [True, False])


class Bank(BatteryTestCase):
    def is_without_limits(self, name):
        """A battery that changes between the two leaves the bus for a moment."""
        items = self.items_if_there(name)
        return items is not None and "/Info/MaxChargeCurrent" not in items

    def test_members_come_and_go(self):
        first = self.simulate("jbd", "ttyA")
        self.drive("ttyA", "ttyB", "ttyC", config=AT_ONCE)
        a, b = ROOT + "ttyA", ROOT + "ttyB"
        self.wait_name(a)
        self.wait_name(BANK)
        self.assertEqual(self.value(BANK, "/DeviceInstance"), 1)
        alone = float(self.wait_value(BANK, "/Info/MaxChargeCurrent", lambda v: v))
        # The bank controls: members show themselves without limits.
        wait_until(lambda: self.is_without_limits(a), "the member without limits")
        # A second make joins on a port that was empty before.
        second = self.simulate("jk_ttl", "ttyB")
        wait_until(lambda: self.has_name(b), "the second battery", LONG)
        self.wait_value(BANK, "/System/NrOfModulesOnline", 2)
        self.tell(first, command="set", current=10, soc=40)
        self.tell(second, command="set", current=6, soc=80)
        self.wait_value(BANK, "/Dc/0/Current", 16, near=0.2)
        self.wait_value(BANK, "/Soc", lambda v: v is not None and 45 < v < 75)
        # Equal shares of equal packs.
        both = float(self.wait_value(BANK, "/Info/MaxChargeCurrent", lambda v: v and v >= 1.9 * alone))
        self.assertEqual(self.value(BANK, "/System/NrOfBatteries"), 2)
        # One is lost: never more current than before, a warning, and the sum of who is there.
        self.tell(second, command="fault", silence=True)
        self.wait_value(BANK, "/System/NrOfModulesOffline", 1)
        self.wait_value(BANK, "/Alarms/BmsCable", 1)
        self.wait_value(BANK, "/Dc/0/Current", 10, near=0.2)
        self.assertLessEqual(float(self.value(BANK, "/Info/MaxChargeCurrent")), both)
        self.tell(second, command="fault", silence=False)
        self.wait_value(BANK, "/System/NrOfModulesOnline", 2)
        self.wait_value(BANK, "/Dc/0/Current", 16, near=0.2)
        self.wait_value(BANK, "/Alarms/BmsCable", 0)
        # Whoever wants no bank has the members' own limits, and can change his mind.
        self.set_setting("/Settings/BatteryDriver/Bank", dbus.Int32(0))
        self.wait_no_name(BANK)
        for name in (a, b):
            self.wait_value(name, "/Info/MaxChargeCurrent", lambda v: v)
        self.set_setting("/Settings/BatteryDriver/Bank", dbus.Int32(1))
        self.wait_name(BANK)
        wait_until(lambda: self.is_without_limits(a), "the member without limits")

    def test_batteries_that_only_show_make_a_bank_that_only_shows(self):
        self.simulate("jbd", "ttyA")
        self.drive("ttyA", "ttyB", config="[default]\nMONITOR_ONLY = True\nMAX_CELL_VOLTAGE = 3,4\n")
        self.wait_name(BANK)
        self.wait_value(BANK, "/Dc/0/Voltage", lambda v: v)
        self.assertNotIn("/Info/MaxChargeVoltage", self.items(BANK))
        self.assertNotIn("/Info/MaxChargeVoltage", self.items(ROOT + "ttyA"))
        # What is wrong with a member's settings shows where the user looks; there is no history to clear.
        self.assertIn("MAX_CELL_VOLTAGE", str(self.value(BANK, "/Info/ConfigError")))
        self.assertEqual(self.value(BANK, "/ErrorCode"), 119)
        self.assertEqual(self.value(BANK, "/History/CanBeCleared"), 0)

    def test_without_members_the_bank_leaves_the_bus(self):
        """Its last limits must not be obeyed for ever: only a BMS that is gone stops a system's solar chargers."""
        first, second = self.simulate("jbd", "ttyA"), self.simulate("jbd", "ttyB")
        self.drive("ttyA", "ttyB", config=AT_ONCE + "BLOCK_ON_DISCONNECT_TIMEOUT_MINUTES = 0\n")
        self.wait_name(BANK)
        self.wait_value(BANK, "/System/NrOfModulesOnline", 2)
        self.tell(first, command="fault", silence=True)
        self.wait_value(BANK, "/System/NrOfModulesOnline", 1)
        self.assertTrue(self.has_name(BANK))
        root = self.wait_setting_root(ROOT + "ttyB")
        self.tell(second, command="fault", silence=True)
        self.wait_no_name(BANK)
        # What the batteries have seen is kept although the driver goes on.
        self.wait_value(SETTINGS, root + "HistoryValues", lambda v: v and "minimum_voltage" in v)
        self.tell(second, command="fault", silence=False)
        wait_until(lambda: self.has_name(BANK), "the bank to be back", LONG)
        self.wait_value(BANK, "/Info/MaxChargeCurrent", lambda v: v)
        self.wait_value(BANK, "/Alarms/BmsCable", 1)

    def test_a_string_breaks_with_its_first_member(self):
        first, second = self.simulate("jbd", "ttyA"), self.simulate("jbd", "ttyB")
        self.drive("ttyA", "ttyB", config=AT_ONCE + "BANK_IN_SERIES = True\n")
        self.wait_name(BANK)
        self.wait_value(BANK, "/System/BatteriesSeries", 2)
        self.assertEqual(self.value(BANK, "/System/BatteriesParallel"), 1)
        for simulator in (first, second):
            self.tell(simulator, command="set", current=-6)
        self.wait_value(BANK, "/Dc/0/Current", -6, near=0.05)
        volts = [float(self.value(ROOT + port, "/Dc/0/Voltage")) for port in ("ttyA", "ttyB")]
        self.wait_value(BANK, "/Dc/0/Voltage", sum(volts), near=0.5)
        cells = int(self.value(ROOT + "ttyA", "/System/NrOfCellsPerBattery"))
        self.wait_value(BANK, "/Info/MaxChargeVoltage", 2 * 3.45 * cells, near=0.021)
        self.wait_value(BANK, "/Info/MaxDischargeCurrent", 60)
        self.tell(second, command="fault", silence=True)
        self.wait_value(BANK, "/Info/MaxDischargeCurrent", 0)
        self.assertEqual(self.value(BANK, "/Io/AllowToCharge"), 0)

    def test_one_battery_is_no_bank(self):
        self.simulate("jbd", "ttyA")
        self.drive("ttyA")
        self.wait_name(ROOT + "ttyA")
        self.wait_value(ROOT + "ttyA", "/Info/MaxChargeCurrent", lambda v: v)
        self.assertFalse(self.has_name(BANK))


class OneSerialNumber(BatteryTestCase):
    """Some makers ship all batteries with the same: each keeps its own settings all the same."""

    def test_two_processes(self):
        for port in ("ttyA", "ttyB"):
            self.simulate("jk_ttl", port)
        first = self.drive("ttyA")
        self.wait_name(ROOT + "ttyA")
        second = self.drive("ttyB")
        second.wait_line("waiting whether it stays there")
        self.assertFalse(self.has_name(ROOT + "ttyB"))
        self.wait_name(ROOT + "ttyB")
        serial = self.value(ROOT + "ttyA", "/Serial")
        self.assertEqual(self.value(ROOT + "ttyB", "/Serial"), serial)
        roots = {"ttyA": f"/Settings/Devices/serialbattery_{serial}/", "ttyB": "/Settings/Devices/serialbattery_TTYB/"}

        def check():
            for port, root in roots.items():
                instance = self.value(ROOT + port, "/DeviceInstance")
                self.assertEqual(self.setting(root + "ClassAndVrmInstance"), f"battery:{instance}")
                self.wait_value(ROOT + port, "/CustomName", "at " + port)
                self.assertEqual(self.setting(root + "CustomName"), "at " + port)
        for port in roots:
            self.assertEqual(self.set_value(ROOT + port, "/CustomName", "at " + port), 0)
        check()
        self.assertNotEqual(self.value(ROOT + "ttyA", "/DeviceInstance"), self.value(ROOT + "ttyB", "/DeviceInstance"))
        # From then on it does not matter who starts first.
        for driver in (first, second):
            self.assertEqual(driver.terminate(), 0)
        for port in ("ttyB", "ttyA"):
            self.drive(port)
            self.wait_name(ROOT + port)
        check()


if __name__ == "__main__":
    main()
