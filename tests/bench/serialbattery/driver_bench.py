#!/usr/bin/python3
"""What the whole driver costs: JBD batteries of 16 cells at one poll a second, each on a line at true byte times, with a
current that changes all the time. One battery, then fourteen in one process (their bank included).

usage: driver_bench.py [--short]      the build is the folder above the one it is called in, or VENUS_BUILD_DIR
"""

import os
import sys

HERE = os.path.dirname(os.path.realpath(__file__))
for folder in ("support", "serialbattery"):
    sys.path.insert(0, os.path.join(HERE, "../../integration", folder))
os.environ.setdefault("VENUS_BUILD_DIR", os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))

import time  # noqa: E402

from battery_case import BANK, ROOT, BatteryTestCase  # noqa: E402
from venus_testing import wait_until  # noqa: E402

SHORT = "--short" in sys.argv
SECONDS = 4 if SHORT else 60


def cpu_seconds(program):
    """To the nanosecond: a driver needs less than a tick of the clock in many seconds."""
    with open(f"/proc/{program.process.pid}/schedstat") as stat:
        return int(stat.read().split()[0]) * 1e-9


def wakes(program):
    with open(f"/proc/{program.process.pid}/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("voluntary_ctxt_switches"))


def memory_kib(program):
    """Resident; its share of that, a page used by n processes counting an n-th; and what it has for itself alone because
    it wrote to it."""
    with open(f"/proc/{program.process.pid}/smaps_rollup") as rollup:
        sizes = dict(line.split()[:2] for line in list(rollup)[1:])
    return tuple(int(sizes[field + ":"]) for field in ("Rss", "Pss", "Anonymous"))


class Traffic:
    """Counts what the driver sends on the bus."""

    def __init__(self, case, senders):
        self.count = 0
        self.senders = senders
        connection = case.connect()
        connection.add_message_filter(self.take)
        connection.add_match_string("eavesdrop=true")

    def take(self, _connection, message):
        if message.get_sender() in self.senders:
            self.count += 1


class Bench(BatteryTestCase):
    def measure(self, batteries):
        ports = [f"ttyB{i}" for i in range(batteries)]
        simulators = [self.simulate("jbd", port) for port in ports]
        for simulator in simulators:
            self.tell(simulator, command="fault", block_ms=16)  # as USB adapters collect by default
        driver = self.drive(*ports)
        names = [ROOT + port for port in ports] + ([BANK] if batteries > 1 else [])
        wait_until(lambda: all(self.has_name(name) for name in names), "the batteries", 120)
        traffic = Traffic(self, {str(self.bus.get_name_owner(name)) for name in names})
        step = 0

        def let_live(seconds):
            nonlocal step
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                step += 1
                for i, simulator in enumerate(simulators):
                    self.tell(simulator, command="set", current=5 + (step * 7 + i) % 50 / 10)
                tick = time.monotonic() + 1
                wait_until(lambda: time.monotonic() >= min(tick, end), "a second")

        let_live(2 if SHORT else 10)  # start-up is over
        cpu, woken, messages, begin = cpu_seconds(driver), wakes(driver), traffic.count, time.monotonic()
        let_live(SECONDS)
        passed = time.monotonic() - begin
        row = ((cpu_seconds(driver) - cpu) / passed * 1000, (wakes(driver) - woken) / passed,
               (traffic.count - messages) / passed, *memory_kib(driver))
        assert driver.running and row[2] > 0
        return row

    def runTest(self):
        print("\ndbus-serialbattery, JBD of 16 cells, one poll a second")
        print("  {:12} {:>16} {:>12} {:>14} {:>12} {:>12} {:>12}".format(
            "", "CPU per second", "wake-ups", "bus messages", "resident", "its share", "its own"))
        for batteries in (1, 14):
            cpu, woken, messages, resident, share, own = self.measure(batteries)
            print(f"  {batteries:2} {'battery' if batteries == 1 else 'batteries':9} {cpu:13.3f} ms {woken:10.1f}/s "
                  f"{messages:12.1f}/s {resident:8} KiB {share:8} KiB {own:8} KiB", flush=True)
            for program in self.programs[2:]:
                program.terminate()


if __name__ == "__main__":
    import unittest
    result = unittest.TextTestRunner(verbosity=0, stream=sys.stderr).run(Bench())
    sys.exit(0 if result.wasSuccessful() else 1)
