"""An adapter that drops, spoils, shifts, glues and splits: whatever is published must be true."""

from givenergy_testing import GivEnergyTestCase
from venus_testing import SignalLog, main, wait_until


class Chaos(GivEnergyTestCase):

    def test_no_wrong_value_is_published(self):
        simulator = self.start_simulator("--heartbeat", 1)
        simulator.tell("freeze", on=True)  # one truth for the whole test
        self.start_driver(simulator)
        self.wait_online()
        kinds = ("grid", "multi", "acsystem", "battery")
        self.wait_value(self.service("grid"), "/Ac/Energy/Forward", lambda v: v is not None)
        self.wait_value(self.service("battery"), "/Soc", lambda v: v is not None)
        wait_until(lambda: self.value(self.service("battery"), "/Voltages/Cell32"), "all cells")
        truth = {kind: self.items(self.service(kind)) for kind in kinds}
        logs = {kind: SignalLog(self.bus, self.service(kind)) for kind in kinds}
        simulator.misbehave(chaos=0.5)
        reads = simulator.counters()["reads"]
        wait_until(lambda: simulator.counters()["reads"] > reads + 150, "150 answers", 120)
        for kind in kinds:
            for _member, path, body in logs[kind].signals:
                changes = {path: body} if "Value" in body else body
                for item, entry in changes.items():
                    value = entry["Value"]
                    if item in ("/Connected", "/GivEnergy/Faults") or item.startswith("/Alarms/"):
                        continue
                    invalid = hasattr(value, "__len__") and not isinstance(value, str) and len(value) == 0
                    self.assertTrue(invalid or value == truth[kind][item],
                                    f"{kind}{item} was published as {value}, it is {truth[kind][item]}")
                    # An alarm raised by a spoilt bank would be a wrong value too.
                for item, entry in changes.items():
                    if item.startswith("/Alarms/"):
                        self.assertIn(entry["Value"], (0, []))
        simulator.behave()
        self.wait_online()
        for kind in kinds:
            for item, value in truth[kind].items():
                if not item.startswith("/Mgmt"):
                    self.wait_value(self.service(kind), item, value)

    def test_each_misbehaviour_by_itself(self):
        simulator = self.start_simulator()
        simulator.tell("freeze", on=True)
        self.start_driver(simulator)
        self.wait_online()
        self.wait_value(self.service("battery"), "/Soc", lambda v: v is not None)
        grid = self.value(self.service("grid"), "/Ac/Power")
        soc = self.value(self.service("battery"), "/Soc")
        for what in ("drop", "wrong_check", "zero", "memory", "shift", "zero_tail", "error"):
            with self.subTest(what):
                simulator.misbehave(**{what: 2})
                reads = simulator.counters()["reads"]
                wait_until(lambda: simulator.counters()["reads"] > reads + 12, "some answers")
                self.assertEqual(self.value(self.service("grid"), "/Ac/Power"), grid)
                self.assertEqual(self.value(self.service("battery"), "/Soc"), soc)
        for what in ("glue", "split", "foreign", "heartbeats", "extras"):
            with self.subTest(what):
                simulator.misbehave(**{what: True})
                reads = simulator.counters()["reads"]
                wait_until(lambda: simulator.counters()["reads"] > reads + 12, "some answers")
                self.assertEqual(self.value(self.service("grid"), "/Ac/Power"), grid)
                self.assertEqual(self.value(self.service("grid"), "/Connected"), 1)
                simulator.behave()

    def test_counters_never_run_backwards(self):
        simulator = self.start_simulator()
        self.start_driver(simulator)
        self.wait_online()
        grid = self.service("grid")
        self.wait_value(grid, "/Ac/Energy/Forward", 28657.3)
        log = SignalLog(self.bus, grid)
        simulator.tell("freeze", on=True)
        low = simulator.get_input(33)
        simulator.set_input(33, low - 500)  # it insists, and is still not followed downwards
        reads = simulator.counters()["reads"]
        wait_until(lambda: simulator.counters()["reads"] > reads + 20, "some answers")
        self.assertEqual(self.value(grid, "/Ac/Energy/Forward"), 28657.3)
        simulator.set_input(33, low + 5)
        self.wait_value(grid, "/Ac/Energy/Forward", 28657.8)
        values = [entry["/Ac/Energy/Forward"]["Value"] for _m, _p, entry in log.signals
                  if "/Ac/Energy/Forward" in entry]
        self.assertEqual(values, sorted(values))


if __name__ == "__main__":
    main()
