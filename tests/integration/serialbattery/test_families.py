"""Every family the simulator knows: found by itself, its values on the bus, its alarms, its switches with read-back,
a switch the board does not obey, writes that are refused.

All families are followed at the same time, each on a port and with a driver of its own: what takes long is waiting for
polls and for the ten seconds an alarm is held. What a family can do stands in one line of the table below. The minute
after which silence is an alarm is waited for beside them.
"""

import os
import subprocess
import time

import dbus
from battery_case import ROOT, BatteryTestCase
from venus_testing import BIN, DEADLINE, TESTS, main, wait_until

FET = ("/Settings/ForceChargingOff", "/Settings/ForceDischargingOff")
BALANCER = ("/Settings/TurnBalancingOff",)
FACTS = {"/Settings/ForceChargingOff": "charge_allowed",
         "/Settings/ForceDischargingOff": "discharge_allowed",
         "/Settings/TurnBalancingOff": "balancer_on"}

# What is raised in the board: most families have a flag of its own for each.
CELLS = ("HighCellVoltage", "LowCellVoltage")
PACK = ("HighVoltage", "LowVoltage")
HOT = ("HighChargeTemperature",)
BOARD = ("InternalFailure",)
RAISED = CELLS + PACK + HOT + BOARD


def alarms(*groups):
    return {name: 2 for group in groups for name in group}


# family: the alarms that must reach the bus with their levels, and the switches it must offer.
EXPECTED = {
    "ant_new": (alarms(CELLS), FET),
    "ant_old": (alarms(CELLS), FET),
    "daly": (alarms(CELLS, PACK, HOT), FET),
    "daly_d2": ({"InternalFailure": 1}, FET + BALANCER),  # which fault it is is not known
    "daly_p81": ({"InternalFailure": 1}, ()),
    "daren": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "ecs": (alarms(PACK), ()),  # one state of each side at a time
    "eg4_lifepower": (alarms(PACK, HOT), ()),
    "eg4_ll": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "felicity": (alarms(CELLS), ()),
    "gobel_modbus": ({"InternalFailure": 1}, ()),  # which fault it is is not known
    "heltec_yy": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "hlpdata": ({"HighVoltage": 2}, ()),  # one beep at a time
    "jbd": (alarms(CELLS, PACK, HOT, BOARD), FET + BALANCER),
    "jbd_up16s": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "jk_pb": (alarms(CELLS, PACK, HOT, BOARD), FET + BALANCER),
    "jk_ttl": (alarms(CELLS, PACK, BOARD), FET + BALANCER),
    "ks48100": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "lifepower4": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "pace": (alarms(CELLS, PACK, HOT, BOARD), FET),
    "pace_modbus": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "pylontech": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "renogy": (alarms(CELLS, PACK, HOT), ()),
    "revov": (alarms(PACK, HOT), ()),
    "seplos2": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "seplos3": (alarms(CELLS, PACK, HOT, BOARD), ()),
    "sinowealth": (alarms(PACK, HOT), ()),
}

# Boards that are asked less often than once a second, unless the user wants it.
INTERVALS = {"ks48100": 4}  # s

# Switches whose state the board tells only after they were used.
UNKNOWN_AT_FIRST = {("jbd", "/Settings/TurnBalancingOff")}

LONG = 120  # s; the machine may be busy with other tests
PACE = 0.2  # s; between two looks at the same family


def simulator_families():
    for place in (BIN, TESTS):
        program = os.path.join(place, "bms-simulator")
        if os.path.exists(program):
            return subprocess.check_output([program, "--list"], text=True).split()
    raise AssertionError("no bms-simulator")


class Follower:
    """One family on its way: a generator that yields conditions it waits for, with what it waits for."""

    def __init__(self, case, family, port=None):
        self.case = case
        self.family = family
        self.port = "tty_" + (port or family)
        self.service = ROOT + self.port
        self.simulator = case.simulate(family, self.port)
        self.driver = case.drive(self.port)
        self.steps = self.follow()
        self.waits_for = "its turn"
        self.condition = lambda: True
        self.look_again = 0

    def advance(self):
        """Goes on as far as it can; whether it has come to its end."""
        if time.monotonic() < self.look_again:
            return False
        self.look_again = time.monotonic() + PACE
        while self.condition():
            try:
                self.condition, self.waits_for = next(self.steps)
            except StopIteration:
                return True
        return False

    def value(self, path):
        return self.case.value(self.service, path)

    def state(self):
        return self.case.state(self.simulator)

    def near(self, path, expected, tolerance):
        def holds():
            value = self.value(path)
            self.waits_for = f"{path} to be {expected}, it is {value}"
            return value is not None and abs(float(value) - expected) <= tolerance
        return holds, path

    def on_bus(self):
        # A busy machine may answer later than any battery would: serial-starter comes round again, and so do we.
        if not self.driver.running:
            self.case.assertEqual(self.driver.wait_exit(), 129, self.driver.output)
            self.driver = self.case.drive(self.port)
        return self.case.has_name(self.service)

    def follow(self):
        yield self.on_bus, "its name on the bus"
        yield from self.values()
        yield from self.alarms()
        yield from self.switches()
        self.refusals()
        yield lambda: not self.raised(), "the alarms to fall"
        self.case.assertTrue(self.driver.running)

    def values(self):
        case = self.case
        truth = self.state()
        cells = [v / 1000 for v in truth["cells_mV"]]
        yield self.near("/Dc/0/Voltage", truth["voltage"], 0.06 * truth["voltage"] ** 0.5)
        yield self.near("/Dc/0/Current", truth["current"], 0.2)
        yield self.near("/Soc", truth["soc"], 1.5)
        yield self.near("/System/NrOfCellsPerBattery", len(cells), 0)
        items = case.items(self.service)
        if "/Voltages/Cell1" in items:
            for i, volts in enumerate(cells, 1):
                yield self.near(f"/Voltages/Cell{i}", volts, 0.06)
        for path in ("/Info/MaxChargeVoltage", "/Info/MaxChargeCurrent", "/Info/MaxDischargeCurrent",
                     "/Info/BatteryLowVoltage", "/ProductName", "/Mgmt/Connection", "/InstalledCapacity"):
            case.assertIsNotNone(items[path], path)
        case.assertEqual(items["/Connected"], 1)
        case.assertEqual(items["/State"], 9)
        case.assertIsInstance(items["/Dc/0/Voltage"], dbus.Double)
        case.assertIsInstance(items["/State"], dbus.Int32)
        # The other direction of current, and another state of charge.
        case.tell(self.simulator, command="set", current=-12.5, soc=40)
        yield self.near("/Dc/0/Current", -12.5, 0.2)
        yield self.near("/Soc", 40, 1.5)
        yield from self.interval()

    def interval(self):
        """Two changes, the second made when the first was seen, take two polls, however late a busy machine looks."""
        if self.family in INTERVALS:
            case = self.case
            begin = time.monotonic()
            case.tell(self.simulator, command="set", current=6)
            yield self.near("/Dc/0/Current", 6, 0.2)
            case.assertLess(time.monotonic() - begin, DEADLINE, "looking for others takes its turn")
            case.tell(self.simulator, command="set", current=-12.5)
            yield self.near("/Dc/0/Current", -12.5, 0.2)
            case.assertGreater(time.monotonic() - begin, INTERVALS[self.family] - 1.5)

    def raised(self):
        return {p.removeprefix("/Alarms/"): int(v) for p, v in self.case.items(self.service).items()
                if p.startswith("/Alarms/") and v}

    def alarms(self):
        case = self.case
        expected = EXPECTED[self.family][0]
        for name in RAISED:
            case.tell(self.simulator, command="alarm", name=name, level=2)

        def all_there():
            shown = self.raised()
            self.waits_for = f"the alarms {expected}, there are {shown}"
            return expected.items() <= shown.items()
        yield all_there, "alarms"
        for name in RAISED:
            case.tell(self.simulator, command="alarm", name=name, level=0)

    def switches(self):
        case = self.case
        items = case.items(self.service)
        offered = {path for path in FACTS if path in items}
        case.assertEqual(offered, set(EXPECTED[self.family][1]))
        for path in sorted(offered):
            fact = FACTS[path]
            first = None if (self.family, path) in UNKNOWN_AT_FIRST else 0
            yield lambda: self.value(path) == first, f"{path} to be {first}"
            for off in (1, 0):
                case.assertEqual(case.set_value(self.service, path, dbus.Int32(off)), 0)
                yield lambda: self.value(path) == off, f"{path} to read back {off}"
                case.assertEqual(self.state()[fact], not off, path)
        for path in sorted(offered)[:1]:
            # The board says yes and does not do it: what is shown is what it does, and the log tells.
            case.tell(self.simulator, command="fault", ignore=True)
            case.assertEqual(case.set_value(self.service, path, dbus.Int32(1)), 0)
            yield lambda: "did not carry out" in self.driver.poll_output(), f"a complaint about {path}"
            case.tell(self.simulator, command="fault", ignore=False)
            case.assertEqual(self.value(path), 0)
            case.assertTrue(self.state()[FACTS[path]])

    def refusals(self):
        case = self.case
        items = case.items(self.service)
        case.assertEqual(case.set_value(self.service, "/Soc", dbus.Double(12.0)), 1)
        for path in FACTS:
            if path in items:
                case.assertEqual(case.set_value(self.service, path, dbus.Int32(2)), 2)
        case.assertEqual(case.set_value(self.service, "/Settings/ResetSocTo", dbus.Int32(101)), 2)
        case.assertEqual(case.items(self.service)["/Settings/ResetSocTo"], items["/Settings/ResetSocTo"])


class Silent(Follower):
    """A battery that answers no more: after a minute that is an alarm."""

    def __init__(self, case):
        super().__init__(case, "jbd", "silent")

    def follow(self):
        case = self.case
        yield self.on_bus, "its name on the bus"
        yield lambda: self.value("/Dc/0/Voltage") is not None, "a voltage"
        case.tell(self.simulator, command="fault", silence=True)
        begin = time.monotonic()
        yield lambda: self.value("/Dc/0/Voltage") is None, "no voltage"
        case.assertEqual(self.raised(), {})
        yield lambda: self.raised() == {"BmsCable": 1}, "the cable alarm"
        case.assertGreater(time.monotonic() - begin, 60)
        # Its cells were safe: it stays on the bus, and is back as soon as it answers.
        case.tell(self.simulator, command="fault", silence=False)
        yield lambda: self.value("/Dc/0/Voltage") is not None, "a voltage again"
        case.assertEqual(self.raised(), {"BmsCable": 1}, "held until a minute has passed without an error")
        case.assertTrue(self.driver.running)


class Families(BatteryTestCase):
    def test_all_families(self):
        self.follow([Follower(self, family) for family in simulator_families()])

    def test_silence(self):
        self.follow([Silent(self)])

    def follow(self, followers):
        failures = []

        def all_done():
            for follower in list(followers):
                try:
                    if follower.advance():
                        followers.remove(follower)
                except (AssertionError, dbus.DBusException) as failure:
                    failures.append(f"{follower.family}: {failure}\n{follower.driver.poll_output()}")
                    followers.remove(follower)
            return not followers
        try:
            wait_until(all_done, "all of them", deadline=LONG)
        except AssertionError:
            failures += [f"{f.family}: waited in vain for {f.waits_for}\n{f.driver.poll_output()}" for f in followers]
        self.assertEqual([], failures, "\n".join(failures))

    def test_table_names_families(self):
        self.assertEqual(set(EXPECTED), set(simulator_families()))


if __name__ == "__main__":
    main()
