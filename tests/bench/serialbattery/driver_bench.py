#!/usr/bin/python3
"""What the whole driver costs: JBD batteries of 16 cells at one poll a second, each on a line at true byte times, with a
current that changes all the time. One battery, then fourteen in one process (their bank included), then as on a GX: a
process for each port that hands it over, and one that serves them all.

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
    def drive_as_on_a_gx(self, ports):
        start = lambda *options: self.start("dbus-serialbattery", "--state-dir", self.tty("state"), *options)
        return [start("--host")] + [start("--join", self.tty(port)) for port in ports]

    def measure(self, batteries, handed_over):
        ports = [f"ttyB{i}" for i in range(batteries)]
        simulators = [self.simulate("jbd", port) for port in ports]
        for simulator in simulators:
            self.tell(simulator, command="fault", block_ms=16)  # as USB adapters collect by default
        drivers = self.drive_as_on_a_gx(ports) if handed_over else [self.drive(*ports)]
        names = [ROOT + port for port in ports] + ([BANK] if batteries > 1 else [])
        wait_until(lambda: all(self.has_name(name) for name in names), "the batteries", 120)
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

        let_live(2 if SHORT else 10)  # start-up is over, and members came back without limits when their bank began
        traffic = Traffic(self, {str(self.bus.get_name_owner(name)) for name in names})
        spent = lambda: (sum(map(cpu_seconds, drivers)), sum(map(wakes, drivers)), traffic.count, time.monotonic())
        before = spent()
        let_live(SECONDS)
        cpu, woken, messages, passed = (now - then for now, then in zip(spent(), before, strict=True))
        assert all(driver.running for driver in drivers) and messages > 0
        return cpu / passed * 1000, woken / passed, messages / passed, *map(sum, zip(*map(memory_kib, drivers)))

    def runTest(self):
        print("\ndbus-serialbattery, JBD of 16 cells, one poll a second")
        print("  {:13} {:>15} {:>12} {:>14} {:>12} {:>12} {:>12}".format(
            "", "CPU per second", "wake-ups", "bus messages", "resident", "its share", "its own"))
        scenes = ((1, "battery"), (14, "batteries"), (14, "as on a GX"))
        for batteries, what in scenes[:2] if SHORT else scenes:
            cpu, woken, messages, resident, share, own = self.measure(batteries, what == "as on a GX")
            print(f"  {batteries:2} {what:10} {cpu:12.3f} ms {woken:10.1f}/s "
                  f"{messages:12.1f}/s {resident:8} KiB {share:8} KiB {own:8} KiB", flush=True)
            for program in self.programs[2:]:
                program.terminate()


if __name__ == "__main__":
    import unittest
    result = unittest.TextTestRunner(verbosity=0, stream=sys.stderr).run(Bench())
    sys.exit(0 if result.wasSuccessful() else 1)
