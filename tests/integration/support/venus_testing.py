"""What the integration tests share: a private message bus, processes under test, waiting for conditions.

Every wait is for a condition with a deadline; nothing sleeps for a fixed time and hopes.
The tests run where the build directory is given by VENUS_BUILD_DIR (ctest sets it).
"""

import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import unittest

import dbus
import dbus.bus
import dbus.mainloop.glib
from gi.repository import GLib

dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)

BUILD = os.environ.get("VENUS_BUILD_DIR", "build/release")
BIN = os.path.join(BUILD, "bin")
TESTS = os.path.join(BUILD, "tests")
BUS_ITEM = "com.victronenergy.BusItem"
SETTINGS = "com.victronenergy.settings"

# Generous: the machine may be busy with other tests and sanitizers. A passing test never waits so long.
DEADLINE = float(os.environ.get("VENUS_TEST_DEADLINE", "30"))

BUS_CONFIG = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
  <limit name="max_match_rules_per_connection">1024</limit>
  <limit name="max_replies_per_connection">50000</limit>
</busconfig>
"""


# Between two looks at a condition. Most conditions ask the program under test, which has its own work to do.
LOOK_AGAIN_MS = 20


def run_loop_for(milliseconds):
    """Runs the GLib loop for so long, however many signals arrive meanwhile."""
    context = GLib.MainContext.default()
    over = []
    GLib.timeout_add(milliseconds, lambda: over.append(True) or False)
    while not over:
        context.iteration(True)


def wait_until(condition, what, deadline=None):
    """Calls condition() until it returns something true, and returns that. Runs the GLib loop meanwhile."""
    context = GLib.MainContext.default()
    limit = time.monotonic() + (deadline or DEADLINE)
    while True:
        while context.pending():
            context.iteration(False)
        result = condition()
        if result:
            return result
        if time.monotonic() > limit:
            raise AssertionError("waited in vain: " + (what() if callable(what) else what))
        run_loop_for(LOOK_AGAIN_MS)


def accepts(path):
    """Whether somebody listens at a Unix socket: it exists some time before that."""
    with socket.socket(socket.AF_UNIX) as trial:
        return trial.connect_ex(path) == 0


class Program:
    """A process under test with its output collected line by line."""

    def __init__(self, arguments, env=None, stdin=False):
        self.arguments = [str(a) for a in arguments]
        self.output = ""
        self._partial = b""
        self.process = subprocess.Popen(
            self.arguments, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            stdin=subprocess.PIPE if stdin else subprocess.DEVNULL)
        os.set_blocking(self.process.stdout.fileno(), False)

    def poll_output(self):
        while True:
            try:
                chunk = self.process.stdout.read()
            except BlockingIOError:
                chunk = None
            if not chunk:
                return self.output
            self.output += chunk.decode("utf-8", "replace")

    def wait_line(self, text):
        """Waits until the output contains text; returns the first line that does."""
        def find():
            for line in self.poll_output().splitlines():
                if text in line:
                    return line or " "
            if self.process.poll() is not None and text not in self.poll_output():
                raise AssertionError(f"{self.arguments} ended with {self.process.returncode} before saying "
                                     f"{text!r}; it said:\n{self.output}")
            return None
        return wait_until(find, lambda: f"{self.arguments[0]} to say {text!r}; it said:\n{self.output}")

    def tell(self, line):
        """Writes a line to the program's standard input."""
        self.process.stdin.write((line + "\n").encode())
        self.process.stdin.flush()

    def command(self, line):
        """For programs that answer "done LINE" to each command on standard input."""
        seen = self.poll_output().count("done " + line + "\n")
        self.tell(line)
        wait_until(lambda: self.poll_output().count("done " + line + "\n") > seen, f"answer to {line!r}")

    @property
    def running(self):
        return self.process.poll() is None

    def wait_exit(self):
        wait_until(lambda: self.process.poll() is not None, f"{self.arguments[0]} to exit")
        self.poll_output()
        return self.process.returncode

    def terminate(self):
        if self.running:
            self.process.send_signal(signal.SIGTERM)
        return self.wait_exit()

    def kill(self):
        if self.running:
            self.process.kill()
        return self.wait_exit()

    def cpu_seconds(self):
        with open(f"/proc/{self.process.pid}/stat") as stat:
            fields = stat.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_kb(self):
        with open(f"/proc/{self.process.pid}/status") as status:
            for line in status:
                if line.startswith("VmRSS"):
                    return int(line.split()[1])
        return 0


def is_absence(error):
    """Whether a call failed because there was nobody, or nothing, to answer it."""
    return error.get_dbus_name().rsplit(".", 1)[-1] in ("UnknownObject", "ServiceUnknown", "NameHasNoOwner", "NoReply",
                                                        "Disconnected")


class VenusTestCase(unittest.TestCase):
    """A test with its own message bus and its own directory; everything started is ended with it."""

    with_settings = True

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="venus-test-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)
        self.programs = []
        self.addCleanup(self._end_programs)
        self.start_bus()
        if self.with_settings:
            self.start_settings()

    def _end_programs(self):
        for program in reversed(self.programs):
            if program.running:
                program.process.kill()
                program.process.wait()
            if program.process.stdout:
                program.process.stdout.close()
            if program.process.stdin:
                try:
                    program.process.stdin.close()
                except OSError:
                    pass

    # processes

    def environment(self, **extra):
        env = dict(os.environ)
        env.pop("DBUS_SYSTEM_BUS_ADDRESS", None)
        env["DBUS_SESSION_BUS_ADDRESS"] = self.bus_address
        env.update(extra)
        return env

    def start(self, *arguments, stdin=False, **extra_env):
        """Starts a program on the test's bus; a bare name is looked up among the built executables."""
        arguments = list(arguments)
        if "/" not in arguments[0]:
            for place in (BIN, TESTS):
                candidate = os.path.join(place, arguments[0])
                if os.path.exists(candidate):
                    arguments[0] = candidate
                    break
        program = Program(arguments, env=self.environment(**extra_env), stdin=stdin)
        self.programs.append(program)
        return program

    def start_bus(self):
        """Starts (or, after kill_bus, starts again at the same address) the private bus daemon."""
        address = os.path.join(self.directory, "bus")
        config = os.path.join(self.directory, "bus.conf")
        self.bus_address = "unix:path=" + address
        with open(config, "w") as out:
            out.write(BUS_CONFIG.format(socket=address))
        if os.path.exists(address):
            os.unlink(address)
        self.bus_daemon = Program(["dbus-daemon", "--config-file=" + config, "--nofork", "--nopidfile"])
        self.programs.append(self.bus_daemon)
        wait_until(lambda: accepts(address), "the bus daemon's socket")
        self.bus = self.connect()

    def connect(self):
        connection = dbus.bus.BusConnection(self.bus_address)
        connection.set_exit_on_disconnect(False)
        self.addCleanup(connection.close)
        return connection

    def start_settings(self):
        """Starts the suite's settings service with a file in the test's directory."""
        self.settings = self.start("velib-settings", "--path", self.directory)
        self.wait_name(SETTINGS)
        return self.settings

    def keep_secret(self, secret, program, folder=None):
        """At the end of the test: a key or password was in nothing that the program left in its folder or said, nor the
        settings service, whose log is as open."""
        def was_kept():
            for sayer in (program, self.settings):
                self.assertNotIn(secret.lower(), sayer.poll_output().lower())
            for place, _, names in os.walk(folder or ""):
                for name in names:
                    with open(os.path.join(place, name), "rb") as content:
                        self.assertNotIn(secret.lower().encode(), content.read().lower(), name)
        self.addCleanup(was_kept)

    # the bus, asked by python3-dbus

    def has_name(self, name):
        return self.bus.name_has_owner(name)

    def wait_name(self, name):
        wait_until(lambda: self.has_name(name), f"{name} on the bus")

    def wait_no_name(self, name):
        wait_until(lambda: not self.has_name(name), f"{name} off the bus")

    def item(self, service, path):
        return dbus.Interface(self.bus.get_object(service, path, introspect=False), BUS_ITEM)

    def value(self, service, path):
        """The value, None when it is invalid or the item or service is not there."""
        try:
            value = self.item(service, path).GetValue()
        except dbus.DBusException as error:
            if is_absence(error):
                return None
            raise
        return None if isinstance(value, dbus.Array) and len(value) == 0 else value

    def text(self, service, path):
        return str(self.item(service, path).GetText())

    def set_value(self, service, path, value):
        return int(self.item(service, path).SetValue(value))

    def items(self, service):
        """All items as {path: value}, None for invalid."""
        reply = self.item(service, "/").GetItems()
        invalid = lambda v: isinstance(v, dbus.Array) and len(v) == 0
        return {str(path): None if invalid(entry["Value"]) else entry["Value"] for path, entry in reply.items()}

    def items_if_there(self, service):
        """The same of a service that may just leave: None when it is not there."""
        try:
            return self.items(service)
        except dbus.DBusException as error:
            if is_absence(error):
                return None
            raise

    def wait_value(self, service, path, expected, near=None):
        """Waits for an exact value, a predicate to hold, or a number within `near`."""
        last = [None]

        def matches():
            last[0] = self.value(service, path)
            if callable(expected):
                return expected(last[0])
            if near is not None:
                return last[0] is not None and abs(float(last[0]) - expected) <= near
            return last[0] == expected
        wait_until(lambda: matches() or None,
                   lambda: f"{service}{path} to be {expected!r}; it is {last[0]!r}")
        return last[0]

    def setting(self, path):
        return self.value(SETTINGS, path)

    def set_setting(self, path, value):
        self.assertEqual(self.set_value(SETTINGS, path, value), 0, f"{path} = {value!r}")


class SignalLog:
    """Records the BusItem signals of one service, in order: (member, path, body)."""

    def __init__(self, connection, service):
        self.signals = []
        connection.add_signal_receiver(
            self._take, dbus_interface=BUS_ITEM, bus_name=service,
            path_keyword="path", member_keyword="member")

    def _take(self, body, path=None, member=None):
        self.signals.append((str(member), str(path), body))

    def clear(self):
        self.signals.clear()


def main():
    unittest.main(verbosity=2)
