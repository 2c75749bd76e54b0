"""An adapter that does one thing wrong, again and again."""

from givenergy_testing import GivEnergyTestCase
from venus_testing import SignalLog, main, wait_until


class Misbehaviour(GivEnergyTestCase):

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
