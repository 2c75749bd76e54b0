"""What the integration tests of dbus-gxmodbus share."""

import os
import subprocess
import sys
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(__file__), "..", "support"), os.path.dirname(__file__)]

import dbus

from gx_simulator import GxSimulator
from venus_testing import SETTINGS, VenusTestCase, wait_until

SERIAL = "c0619ab2f3d1"
STATUS = "com.victronenergy.gxbridge.gx0"


def real(type, unit, serial=SERIAL):
    """The name of a device mirrored under its own class."""
    return f"com.victronenergy.{type}.gx_{serial}_u{unit}"


def neutral(type, unit, serial=SERIAL):
    return f"com.victronenergy.gxmirror.gx_{serial}_{type}_u{unit}"


class GxCase(VenusTestCase):
    """A private bus, a simulated GX, and the bridge between them."""

    def simulate(self, *arguments):
        gx = GxSimulator("--still", *arguments)
        self.addCleanup(gx.close)
        return gx

    def preset(self, slot=0, **settings):
        """Stores settings of the bridge before it starts; a name with __ for a slash."""
        requests = dbus.Array(signature="a{sv}")
        for name, value in settings.items():
            requests.append({"path": f"/Settings/GxModbus/{slot}/{name.replace('__', '/')}", "default": value})
        interface = dbus.Interface(self.bus.get_object(SETTINGS, "/", introspect=False), "com.victronenergy.Settings")
        for answer in interface.AddSettings(requests):
            self.assertEqual(answer["error"], 0, answer)

    def bridge(self, *arguments):
        state = os.path.join(self.directory, "state")
        return self.start("dbus-gxmodbus", "--state", state, *arguments)

    def start_both(self, units, *arguments, **settings):
        """A simulated house and a bridge that looks at some units of it, quickly."""
        self.gx = self.simulate(*arguments)
        self.preset(Host="127.0.0.1", Port=self.gx.port, Units=units, Interval=200, SlowInterval=1000, ScanRate=200,
                    RequestRate=200, **settings)
        self.driver = self.bridge()
        self.wait_name(STATUS)

    def wait_status(self, text):
        return self.wait_value(STATUS, "/Status/Text", text)

    def names(self, prefix="com.victronenergy."):
        return sorted(str(name) for name in self.bus.list_names() if str(name).startswith(prefix))


def side_by_side(script):
    """Runs each test of a script in a process of its own, all at once: they mostly wait for time to pass."""
    if len(sys.argv) > 1:
        unittest.main(verbosity=2)
    names = [test.id().split(".", 1)[1] for suite in unittest.defaultTestLoader.loadTestsFromModule(
        sys.modules["__main__"]) for test in suite]
    running = {name: subprocess.Popen([sys.executable, script, name], stdout=subprocess.PIPE,
                                      stderr=subprocess.STDOUT, text=True) for name in names}
    failed = []
    for name, process in running.items():
        output = process.communicate()[0]
        print(name, "ok" if process.returncode == 0 else "FAILED\n" + output)
        failed += [name] if process.returncode else []
    sys.exit(1 if failed or not names else 0)
