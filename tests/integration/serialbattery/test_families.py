"""Every family the simulator knows: found by itself, its values on the bus, an alarm, its switches with read-back."""

import os
import subprocess

import dbus
from battery_case import ROOT, BatteryTestCase
from venus_testing import TESTS, BIN, main, wait_until

SERVICE = ROOT + "ttyBMS0"


def simulator_families():
    for place in (BIN, TESTS):
        program = os.path.join(place, "bms-simulator")
        if os.path.exists(program):
            return subprocess.check_output([program, "--list"], text=True).split()
    raise AssertionError("no bms-simulator")


class Family(BatteryTestCase):
    def follow(self, family):
        simulator = self.simulate(family)
        driver = self.drive("ttyBMS0")
        self.wait_name(SERVICE)
        self.values(simulator)
        self.alarm(simulator)
        self.switches(simulator)
        self.assertTrue(driver.running)

    def values(self, simulator):
        truth = self.state(simulator)
        items = self.items(SERVICE)
        cells = [v / 1000 for v in truth["cells_mV"]]
        self.wait_value(SERVICE, "/Dc/0/Voltage", truth["voltage"], near=0.06 * truth["voltage"] ** 0.5)
        self.wait_value(SERVICE, "/Dc/0/Current", truth["current"], near=0.2)
        self.wait_value(SERVICE, "/Soc", truth["soc"], near=1.5)
        self.assertEqual(items["/System/NrOfCellsPerBattery"], len(cells))
        if "/Voltages/Cell1" in items:
            for i, volts in enumerate(cells, 1):
                self.wait_value(SERVICE, f"/Voltages/Cell{i}", volts, near=0.06)
        for path in ("/Info/MaxChargeVoltage", "/Info/MaxChargeCurrent", "/Info/MaxDischargeCurrent",
                     "/Info/BatteryLowVoltage", "/ProductName", "/Mgmt/Connection", "/InstalledCapacity"):
            self.assertIsNotNone(items[path], path)
        self.assertEqual(items["/Connected"], 1)
        self.assertEqual(items["/State"], 9)
        self.assertIsInstance(items["/Dc/0/Voltage"], dbus.Double)
        self.assertIsInstance(items["/State"], dbus.Int32)

    def alarm(self, simulator):
        """Some alarm that this family can report reaches the bus."""
        for name in ("HighCellVoltage", "LowCellVoltage", "HighVoltage", "HighChargeTemperature"):
            self.tell(simulator, command="alarm", name=name, level=2)
        raised = lambda: [p for p, v in self.items(SERVICE).items() if p.startswith("/Alarms/") and v == 2]
        wait_until(raised, "an alarm")
        for name in ("HighCellVoltage", "LowCellVoltage", "HighVoltage", "HighChargeTemperature"):
            self.tell(simulator, command="alarm", name=name, level=0)
        wait_until(lambda: not raised(), "the alarms to fall")

    def switches(self, simulator):
        items = self.items(SERVICE)
        for path, fact in (("/Settings/ForceChargingOff", "charge_allowed"),
                           ("/Settings/ForceDischargingOff", "discharge_allowed"),
                           ("/Settings/TurnBalancingOff", "balancer_on")):
            if items.get(path) is None:
                continue
            before = self.state(simulator)[fact]
            self.assertEqual(items[path], 0 if before else 1, path)
            self.assertEqual(self.set_value(SERVICE, path, dbus.Int32(1)), 0)
            self.wait_value(SERVICE, path, 1)
            self.assertFalse(self.state(simulator)[fact], path)
            self.assertEqual(self.set_value(SERVICE, path, dbus.Int32(0)), 0)
            self.wait_value(SERVICE, path, 0)
            self.assertTrue(self.state(simulator)[fact], path)


def add(name):
    setattr(Family, "test_" + name, lambda self: self.follow(name))


for family in simulator_families():
    add(family)

if __name__ == "__main__":
    main()
