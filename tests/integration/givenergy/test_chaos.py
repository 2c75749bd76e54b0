"""Adapters that drop, spoil, shift, glue and split: whatever is published must be true."""

from givenergy_testing import ADAPTER, SERIAL, GivEnergyTestCase
from venus_testing import SignalLog, main, wait_until

KINDS = ("grid", "multi", "acsystem", "battery")


class Chaos(GivEnergyTestCase):

    def test_no_wrong_value_is_published(self):
        # Two adapters, because most of the time goes into waiting for answers that were dropped.
        simulators = [self.start_simulator("--heartbeat", 1, "--serial", serial, "--adapter", adapter)
                      for serial, adapter in ((SERIAL, ADAPTER), ("SA2114G048", "WF2125G317"))]
        for simulator in simulators:
            simulator.tell("freeze", on=True)  # one truth for the whole test
        self.start_driver(*simulators)
        services = [self.service(kind, serial) for serial in (SERIAL, "SA2114G048") for kind in KINDS]
        for grid, _multi, _acsystem, battery in (services[:4], services[4:]):
            self.wait_value(grid, "/Connected", 1)
            self.wait_value(grid, "/Ac/Energy/Forward", lambda v: v is not None)
            self.wait_value(battery, "/Soc", lambda v: v is not None)
            wait_until(lambda: self.value(battery, "/Voltages/Cell32"), "all cells")
        truth = {service: self.items(service) for service in services}
        logs = {service: SignalLog(self.bus, service) for service in services}
        enough = []
        for simulator, chaos in zip(simulators, (0.5, 0.6)):
            simulator.misbehave(chaos=chaos)  # other dice each
            enough.append(simulator.counters()["reads"] + 75)
        wait_until(lambda: all(s.counters()["reads"] > reads for s, reads in zip(simulators, enough)), "150 answers", 120)
        for service in services:
            for _member, path, body in logs[service].signals:
                self.check_all_true(service, {path: body} if "Value" in body else body, truth[service])
        for simulator in simulators:
            simulator.behave()
        for service in services:
            for item, value in truth[service].items():
                if not item.startswith("/Mgmt"):
                    self.wait_value(service, item, value)

    def check_all_true(self, service, changes, truth):
        for item, entry in changes.items():
            value = entry["Value"]
            invalid = hasattr(value, "__len__") and not isinstance(value, str) and len(value) == 0
            if item.startswith("/Alarms/"):
                # An alarm raised by a spoilt bank would be a wrong value too.
                self.assertTrue(invalid or value == 0, f"{service}{item} was raised: {value}")
            elif item not in ("/Connected", "/GivEnergy/Faults"):
                self.assertTrue(invalid or value == truth[item],
                                f"{service}{item} was published as {value}, it is {truth[item]}")


if __name__ == "__main__":
    main()
