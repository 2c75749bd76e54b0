"""Calling dbus-serialbattery on the command line."""

import json
import os
import subprocess

from battery_case import BatteryTestCase
from venus_testing import BIN, DEADLINE

PROGRAM = os.path.join(BIN, "dbus-serialbattery")
# Nobody is there: a command that looked for a bus would fail.
NO_BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}


class CommandCase(BatteryTestCase):
    with_settings = False

    def call(self, *arguments, text=""):
        """Runs the program to its end: exit code, standard output, standard error."""
        done = subprocess.run([PROGRAM, *arguments], input=text, capture_output=True, text=True, timeout=DEADLINE,
                              env={**os.environ, **NO_BUS})
        return done.returncode, done.stdout, done.stderr

    def answers(self, command, lines):
        code, out, err = self.call(command, text="".join(json.dumps(line) + "\n" for line in lines))
        answers = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len(answers), len(lines), err)
        return code, answers, err
