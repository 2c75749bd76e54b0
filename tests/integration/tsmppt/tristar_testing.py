"""A controller on a simulated network, its driver, and the settings that bring them together."""

import os
import re
import time

import dbus
from venus_testing import VenusTestCase, wait_until

SERVICE = "com.victronenergy.solarcharger.tsmppt"
ROOT = "/Settings/TristarMPPT/"


class TristarTestCase(VenusTestCase):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.directory, "state")

    def start_simulator(self, *options, port=0, scene="E"):
        simulator = self.start("tristar-simulator", "--port", port, "--scene", scene, *options, stdin=True)
        wait_until(lambda: "\n" in simulator.poll_output(), "the simulator's port")
        simulator.port = int(simulator.output.splitlines()[0])
        return simulator

    def start_driver(self, *options):
        return self.start("dbus-tsmppt", "--state-dir", self.state, *options)

    def restart_driver(self):
        """What supervise does after a kill -9."""
        self.driver.kill()
        self.wait_no_name(SERVICE)
        self.driver = self.start_driver()

    def configure(self, port, address="127.0.0.1", interval=100, hour=11, **more):
        """Names the controller at a given hour of the day: what a reading means depends on it."""
        wait_until(lambda: self.setting(ROOT + "Interval") is not None, "the driver's settings")
        self.today_is(hour)
        for name, value in more.items():
            self.set_setting(ROOT + name, dbus.Int32(value))
        self.set_setting(ROOT + "Interval", dbus.Int32(interval))
        self.set_setting(ROOT + "PortNumber", dbus.Int32(port))
        self.set_setting(ROOT + "IPAddress", address)

    def begin(self, scene="E", options=(), **settings):
        self.simulator = self.start_simulator(scene=scene)
        self.driver = self.start_driver(*options)
        self.configure(self.simulator.port, **settings)
        self.wait_name(SERVICE)

    def wait_readings(self, more):
        """Waits for so many more good readings; returns the seconds it took."""
        since, before = time.monotonic(), self.value(SERVICE, "/Custom/Stats/SuccessfulReads")
        self.wait_value(SERVICE, "/Custom/Stats/SuccessfulReads", lambda n: n is not None and n >= before + more)
        return time.monotonic() - since

    def ask_simulator(self, command, answer):
        """The numbers of the simulator's latest answer to a command."""
        self.simulator.command(command)
        return [int(n) for n in re.findall(answer + r"((?: \d+)+)", self.simulator.output)[-1].split()]

    def word(self, address):
        return self.ask_simulator(f"get {address}", "word")[1]

    def today_is(self, hour, minute=0):
        """Moves the driver's time zone so that its clock shows this time of the same UTC day or the next."""
        now = time.gmtime()
        offset = (now.tm_hour * 60 + now.tm_min) - (hour * 60 + minute)
        sign = "" if offset >= 0 else "-"
        self.set_setting("/Settings/System/TimeZone", f"TST{sign}{abs(offset) // 60}:{abs(offset) % 60:02d}")
