"""A simulated battery on a pseudo-terminal, the driver on it, and what both tests ask them."""

import json
import os

from venus_testing import VenusTestCase, wait_until

ROOT = "com.victronenergy.battery."
BANK = ROOT + "serialbattery_bank"


class BatteryTestCase(VenusTestCase):
    def simulate(self, family, port="ttyBMS0", *options):
        simulator = self.start("bms-simulator", family, "--link", self.tty(port), *options, stdin=True)
        wait_until(lambda: "ready" in simulator.poll_output(), "the simulator's port")
        return simulator

    def tty(self, name):
        return os.path.join(self.directory, name)

    def tell(self, simulator, **command):
        """One command to a simulator; its answer."""
        before = simulator.poll_output().count("\n")
        simulator.process.stdin.write((json.dumps(command) + "\n").encode())
        simulator.process.stdin.flush()
        wait_until(lambda: simulator.poll_output().count("\n") > before, "the simulator's answer")
        answer = json.loads(simulator.output.splitlines()[before])
        self.assertTrue(answer["ok"], answer)
        return answer

    def state(self, simulator, unit=0):
        return self.tell(simulator, command="state")["units"][unit]

    def drive(self, *ports, config=None):
        options = []
        if config is not None:
            path = os.path.join(self.directory, "config.ini")
            with open(path, "w") as out:
                out.write(config)
            options = ["--config", path]
        return self.start("dbus-serialbattery", "--state-dir", self.tty("state"), *options,
                          *(self.tty(port) for port in ports))

    def wait_setting_root(self, service):
        serial = str(self.value(service, "/Serial"))
        key = "".join(c.upper() if c.isalnum() else "_" for c in serial)
        return f"/Settings/Devices/serialbattery_{key}/"
