"""Every row of the register list: set in the simulated GX, seen on the bus with value, type and text; every writable one
written through the bus and seen in the simulator. The list itself is the table of expectations."""

import csv
import json
import os
from fractions import Fraction

import dbus

from gx_case import SERIAL, GxCase, neutral, real, side_by_side
from venus_testing import wait_until

LIST = os.path.join(os.path.dirname(__file__), "../../../drivers/gxmodbus/gx-registers.csv")
# Never written: a write there makes the remote restore the inverters' settings.
NEVER_WRITTEN = "platform"
# The server works these out.
COMPUTED = {777, 830, 834, 3214, 5202}
# Single on every GX, so never under their real class.
SINGLE = ("system", "settings", "hub4", "platform")
MANDATORY = {"/Mgmt/ProcessName", "/Mgmt/ProcessVersion", "/Mgmt/Connection", "/DeviceInstance", "/ProductId", "/ProductName",
             "/FirmwareVersion", "/HardwareVersion", "/Connected", "/Serial", "/CustomName"}
INSTANCE = {"system": 0, "settings": 0, "hub4": 0, "platform": 0, "generator": 0}


def rows():
    with open(LIST, newline="") as file:
        for row in csv.DictReader(file):
            row["type"] = row["service"].removeprefix("com.victronenergy.")
            row["address"], row["count"] = int(row["address"]), int(row["count"])
            if row["path"] != "RESERVED":
                row["step"] = 1 / abs(Fraction(row["scale"]))
            yield row


WHOLE_LIST = list(rows())
ROWS = [row for row in WHOLE_LIST if row["path"] != "RESERVED"]
PREFERRED = [row for row in ROWS if not row["variant"].startswith("alternate")]
BY_PATH = {(row["type"], row["path"]): row for row in PREFERRED}
ALTERNATES = [row for row in ROWS if row["variant"].startswith("alternate")]
# One path has two alternates.
FIRST = list({(row["type"], row["path"]): row for row in reversed(ALTERNATES)}.values())
SECOND = [row for row in ALTERNATES if row not in FIRST]


def types_of(rows):
    return sorted({row["type"] for row in rows})


def is_text(row):
    return row["modbus_type"].startswith("string")


def unit_text(row):
    unit = row["unit"].removesuffix(" DC").removesuffix(" AC")
    return {"degC": "°C", "kW": "W", "config_idx": "", "timestamp": ""}.get(unit, unit)


def bus_type(row):
    """What the path must be on the bus: a double unless it is a text or a whole number without a fraction's scale."""
    if is_text(row):
        return dbus.String
    if row["dbus_type"] == "d" or row["scale"] not in ("1", "-1", "0.1"):
        return dbus.Double
    return (dbus.Int32, dbus.Int64)


def sample(row, number):
    """A value of the row's own, unlike its neighbours' and inside its range, for the n-th of several visits."""
    if is_text(row):
        return f"{row['address']}-{number}"
    if row["path"].endswith("NumberOfPhases"):
        return 3
    keys = {part.split("=")[0].strip() for part in row["enum"].split(";") if "=" in part}
    if row["writable"] == "yes" and keys and keys <= {"0", "1"}:
        return 1
    raw = 100 + (row["address"] * 7 + number * 13) % 400
    if row["unit"] == "%" and row["writable"] == "yes":
        raw = min(raw, int(40 / row["step"]) + number) if row["step"] < 1 else raw % 40 + 1 + number
    value = raw * row["step"]
    if Fraction(row["scale"]) < 0:
        value = -value
    return int(value) if row["dbus_type"] in "iuyq" and value.denominator == 1 else float(value)


class RegisterCase(GxCase):
    """A simulated GX without devices of its own, and a bridge that shows some rows of the list."""

    def start_with(self, rows, **settings):
        self.rows = rows
        self.types = types_of(rows)
        self.gx = self.simulate("--plant", "empty")
        units = ",".join(f"{self.unit(type)}:{type}" for type in self.types)
        modes = {f"Mode__{type}": "neutral" if type in SINGLE else "real" for type in self.types}
        self.preset(Host="127.0.0.1", Port=self.gx.port, Units=units, Interval=500, SlowInterval=1000, RequestRate=200,
                    Write=2, **modes)
        self.number = 0
        self.set_all()

    def start_bridge(self):
        self.driver = self.bridge()
        for type in self.types:
            self.wait_name(self.name(type))

    def unit(self, type):
        return 100 if INSTANCE.get(type) == 0 else 7

    def name(self, type):
        return neutral(type, 100) if type in SINGLE else real(type, self.unit(type))

    def set_all(self):
        """Gives every path a value of its own."""
        self.number += 1
        for type in types_of(self.rows + [BY_PATH["system", "/Serial"]]):
            values = {row["path"]: sample(row, self.number) for row in self.rows
                      if row["type"] == type and row["address"] not in COMPUTED and row["path"] != "/Serial"}
            values["/Serial"] = SERIAL if type == "system" else f"S{type[:6]}"
            self.gx.tell("set", type=type, instance=INSTANCE.get(type, 7), values=values)

    def expected(self, row):
        if row["path"] == "/Serial":
            return SERIAL if row["type"] == "system" else f"S{row['type'][:6]}"
        return sample(row, self.number)

    def wait_all(self, type):
        """Waits until every path of a type shows what was set."""
        wanted = [row for row in self.rows if row["type"] == type and row["address"] not in COMPUTED]
        missing = []

        def complete():
            items = self.items(self.name(type))
            missing[:] = [(row["path"], self.expected(row), items.get(row["path"], "absent")) for row in wanted
                          if not self.matches(row, items.get(row["path"]))]
            return not missing
        wait_until(complete, lambda: f"{type}: path, set, seen: {missing[:8]}", 90)

    def matches(self, row, value):
        expected = self.expected(row)
        if value is None or is_text(row):
            return value == expected
        if row["path"] == "/Yield/System":
            return True
        return abs(float(value) - expected) < 1e-6

    def check_all(self):
        """Sees every row on the bus with value, type and text; returns how many."""
        checked = 0
        for type in self.types:
            with self.subTest(type):
                self.wait_all(type)
                for row in self.rows:
                    if row["type"] == type and row["address"] not in COMPUTED:
                        checked += 1
                        self.check_row(row)
        return checked

    def check_row(self, row):
        name, path = self.name(row["type"]), row["path"]
        unit = unit_text(BY_PATH[row["type"], path])
        value = self.value(name, path)
        with self.subTest(f"{row['type']}{path}"):
            self.assertIsInstance(value, bus_type(BY_PATH[row["type"], path]))
            text = self.text(name, path)
            if path in ("/ProductId", "/FirmwareVersion"):
                self.assertTrue(text)
            elif is_text(row):
                self.assertEqual(text, self.expected(row))
            elif unit or isinstance(value, dbus.Double):
                digits = max(len(str(Fraction(r["scale"]).numerator).lstrip("-")) - 1 for r in ROWS
                             if r["type"] == row["type"] and r["path"] == path)
                self.assertEqual(text, f"{float(value):.{digits}f}{unit}")
            else:
                self.assertEqual(text, str(int(value)))

    def write_all(self):
        """Writes every writable row through the bus, sees it in the simulator; returns how many."""
        written = 0
        for type in self.types:
            wanted = [row for row in self.rows if row["type"] == type and row["writable"] == "yes"]
            if type == NEVER_WRITTEN or not wanted:
                continue
            self.wait_all(type)
            self.gx.writes(clear=True)
            for row in wanted:
                value = self.other_value(row)
                with self.subTest(f"{type}{row['path']}"):
                    self.assertEqual(self.set_value(self.name(type), row["path"], value), 0)
                    written += 1
            self.check_arrival(type, wanted)
        return written

    def other_value(self, row):
        value = sample(row, self.number + 1)
        return 0 if value == sample(row, self.number) else value

    def check_arrival(self, type, wanted):
        wait_until(lambda: len(self.gx.writes()) >= len(wanted), f"{len(wanted)} writes to {type}", 60)
        writes = {write["path"]: write for write in self.gx.writes()}
        for row in wanted:
            with self.subTest(f"{type}{row['path']}"):
                self.assertEqual(writes[row["path"]]["address"], row["address"])
                arrived, value = writes[row["path"]]["value"], self.other_value(row)
                if is_text(row):
                    self.assertEqual(arrived, value)
                else:
                    self.assertAlmostEqual(arrived, value, places=5)
        self.assertEqual(len(self.gx.writes()), len(wanted))

    def check_never_written(self):
        platform, before = self.name("platform"), self.gx.writes()
        for row in self.rows:
            if row["type"] == NEVER_WRITTEN and row["writable"] == "yes":
                with self.subTest(row["path"]):
                    wait_until(lambda: self.value(platform, row["path"]) is not None, row["path"])
                    self.assertNotEqual(self.set_value(platform, row["path"], self.other_value(row)), 0)
        self.assertEqual(self.gx.writes(), before)


def writable(rows):
    return sum(row["writable"] == "yes" and row["type"] != NEVER_WRITTEN for row in rows)


class EveryRegister(RegisterCase):
    def setUp(self):
        super().setUp()
        self.start_with(PREFERRED)
        self.start_bridge()

    def test_every_row_is_seen(self):
        self.assertEqual(self.check_all(), len(PREFERRED) - len(COMPUTED))
        self.check_computed()
        self.check_fillers()
        # And once more with other values, to see that they are live; these types have blocks that are read rarely.
        self.set_all()
        for type in set(self.types) - {"vebus", "genset", "dcgenset", "settings"}:
            with self.subTest(type):
                self.wait_all(type)

    def check_computed(self):
        charger = self.name("solarcharger")
        power, volts = self.value(charger, "/Yield/Power"), self.value(charger, "/Pv/V")
        self.assertIsNotNone(power)
        if volts:
            self.assertAlmostEqual(self.value(charger, "/Pv/I"), power / volts, delta=0.06)
        self.assertGreater(self.value(self.name("system"), "/DateAndTime"), 1.6e9)
        self.assertEqual(self.value(self.name("system"), "/FirmwareVersion"), "v3.80")
        for type in ("genset", "dcgenset"):
            self.assertEqual(self.value(self.name(type), "/ErrorCode"), 65280)

    def check_fillers(self):
        """The rest of the list means nothing and shows nowhere."""
        self.assertEqual(len(PREFERRED) + len(ALTERNATES) + sum(row["path"] == "RESERVED" for row in WHOLE_LIST), 1003)
        for type in self.types:
            items = self.items(self.name(type))
            self.assertEqual([path for path, value in items.items() if "RESERVED" in path or value == 0xFFFF], [], type)
            self.assertEqual(MANDATORY - set(items), set(), type)
            self.assertEqual(items["/Connected"], 1)
            self.assertGreaterEqual(items["/DeviceInstance"], 600)

    def test_every_writable_row_is_written(self):
        self.assertEqual(self.write_all(), writable(PREFERRED))
        self.check_never_written()


class EveryAlternate(RegisterCase):
    """A GX whose server lacks the register that carries a path best, so that the other one has to do."""

    def start_without_preferred(self, alternates):
        self.start_with(alternates)
        for type, path in {(row["type"], row["path"]) for row in alternates}:
            for row in ROWS:
                if (row["type"], row["path"]) == (type, path) and row not in alternates:
                    last = row["address"] + row["count"] - 1
                    self.gx.tell("exception", first=row["address"], last=last, code=2)
        self.remember_plan()
        self.gx.counters(clear=True)
        self.start_bridge()

    def remember_plan(self):
        """Lets the bridge know what it would else find out, one refused question a second: which blocks work."""
        plan = "v101"
        for type in self.types:
            blocks = " ".join(f"{row['address']}+{row['count']}" for row in self.rows if row["type"] == type)
            plan += f";{type}=v101:{blocks}"
        absent = [f"100:{type}" for type in ("settings", "hub4", "generator", "platform") if type not in self.types]
        directory = os.path.join(self.directory, "state")
        os.makedirs(directory)
        with open(os.path.join(directory, SERIAL + ".json"), "w") as file:
            json.dump({"format": 1, "serial": SERIAL, "version": 0x380, "beta": 0, "generation": "v101", "name": "",
                       "plan": plan, "pairs": {}, "absent": absent, "scanned": True, "crashed": False}, file)

    def see_and_write(self, rows):
        self.start_without_preferred(rows)
        self.assertEqual(self.check_all(), len(rows))
        self.set_all()
        for type in self.types:
            self.wait_all(type)
        self.assertEqual(self.write_all(), writable(rows))
        if NEVER_WRITTEN in self.types:
            self.check_never_written()
        self.assertEqual(self.gx.counters()["exceptions"], 0)

    def test_first(self):
        self.assertEqual(len(FIRST) + len(SECOND), len(ALTERNATES))
        self.see_and_write(sorted(FIRST, key=lambda row: row["address"]))

    def test_second(self):
        self.see_and_write(SECOND)


if __name__ == "__main__":
    side_by_side(__file__)
