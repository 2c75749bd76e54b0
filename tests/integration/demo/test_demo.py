"""install/demo as a person starts it: it ends by itself, refuses a second start, and leaves nothing behind."""

import ast
import fcntl
import glob
import importlib.util
import os
import pty
import re
import struct
import subprocess
import sys
import tempfile
import termios
import unittest

from venus_testing import Program, wait_until

ROOT = os.path.join(os.path.dirname(__file__), "..", "..", "..")
DEMO = os.path.join(ROOT, "install", "demo")


ENTER_SCREEN, LEAVE_SCREEN = "\x1b[?1049h", "\x1b[?1049l"


class OnTerminal:
    """The demo on a terminal of its own, where Ctrl-C goes to all of its programs, as it does for a person."""

    def __init__(self, test):
        self.terminal, inside = pty.openpty()
        fcntl.ioctl(inside, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 140, 0, 0))
        self.process = subprocess.Popen(
            [DEMO], env=dict(test.env, TERM="xterm", LC_ALL="C.UTF-8"), stdin=inside, stdout=inside, stderr=inside,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(inside)
        os.set_blocking(self.terminal, False)
        self.output = ""
        test.addCleanup(os.close, self.terminal)
        test.addCleanup(lambda: self.running and (self.process.kill(), self.process.wait()))

    def read(self):
        """Everything that it has shown so far."""
        try:
            while chunk := os.read(self.terminal, 65536):
                self.output += chunk.decode("utf-8", "replace")
        except OSError:  # nothing more at the moment, or at all
            pass
        return self.output

    def press(self, keys):
        os.write(self.terminal, keys.encode())

    @property
    def running(self):
        return self.process.poll() is None


class Demo(unittest.TestCase):
    def setUp(self):
        # Lock and working directory of the demo go here, so that one a person runs is not in the way.
        self.directory = tempfile.TemporaryDirectory(prefix="venus-demo-test-")
        self.addCleanup(self.directory.cleanup)
        self.env = dict(os.environ, TMPDIR=self.directory.name, XDG_RUNTIME_DIR=self.directory.name,
                        CCACHE_TEMPDIR=tempfile.gettempdir())  # should something be left to compile

    def start(self, *arguments):
        program = Program([DEMO, *arguments], env=self.env)
        self.addCleanup(program.process.stdout.close)
        self.addCleanup(lambda: program.running and program.kill())
        return program

    def assert_nothing_left(self):
        self.assertEqual(os.listdir(self.directory.name), [])
        left = subprocess.run(["pgrep", "-af", self.directory.name], capture_output=True, text=True).stdout
        self.assertEqual(left, "")

    def wait_exit(self, program):
        wait_until(lambda: program.poll_output() is not None and not program.running, "the demo to end", 240)
        program.poll_output()
        return program.process.returncode

    def test_ends_by_itself_with_live_values(self):
        demo = self.start("--for", "3s")
        self.assertEqual(self.wait_exit(demo), 0, demo.output)
        self.assertIn("every driver publishes live values", demo.output)
        for service in glob.glob(os.path.join(os.path.dirname(DEMO), "..", "services", "dbus-tsmppt")):
            self.assertIn("com.victronenergy.solarcharger.tsmppt", demo.output, service)
        self.assert_nothing_left()

    def test_on_a_terminal(self):
        """The live view with what to try on top of it, a second start beside it, and the end by Ctrl-C."""
        demo = OnTerminal(self)
        wait_until(lambda: ENTER_SCREEN in demo.read() or not demo.running, demo.read, 240)
        self.assertTrue(demo.running, demo.read())
        wait_until(lambda: "/Dc/0/Voltage" in demo.read().partition(ENTER_SCREEN)[2], demo.read)
        view = demo.read().partition(ENTER_SCREEN)[2]
        [env] = re.findall(r"Try in another terminal:  \. (\S+/env)", view)[:1]
        for command in ("velib list", "svstat $demo/service/*", "SetValue %2000"):
            self.assertIn(command, view)
        tried = subprocess.run(["bash", "-c", f". {env} && velib list && svstat $demo/service/dbus-tsmppt"], text=True,
                               capture_output=True, check=True).stdout
        self.assertIn("com.victronenergy.solarcharger.tsmppt", tried)
        self.assertRegex(tried, r"dbus-tsmppt: up \(pid \d+\)")

        second = self.start("--for", "1s")
        self.assertEqual(self.wait_exit(second), 1)
        self.assertIn("running already", second.output)

        demo.press("\x03")
        wait_until(lambda: not demo.running, demo.read, 60)
        self.assertIn(LEAVE_SCREEN, demo.read())
        self.assert_nothing_left()

    def test_refuses_what_it_does_not_understand(self):
        wrong = self.start("--for", "soon")
        self.assertEqual(self.wait_exit(wrong), 1)
        self.assertIn("'soon'", wrong.output)

    def test_what_it_needs_of_python_is_installed_by_setup(self):
        """Generating the registers and the stand-in for BlueZ are Python, and a fresh machine has none."""
        with open(os.path.join(ROOT, "install", "setup"), encoding="utf-8") as setup:
            installed = set(re.search(r"^build=\((.*?)\)", setup.read(), re.M | re.S).group(1).split())
        self.assertIn("python3", installed)
        sources = [os.path.join(ROOT, "drivers", "gxmodbus", "generate_registers.py"),
                   *glob.glob(os.path.join(ROOT, "tests", "simulators", "bluez", "**"), recursive=True)]
        modules = {name for source in sources for name in imported_modules(source)}
        self.assertLessEqual({"dbus", "gi", "csv"}, modules)
        for name in sorted(modules - set(sys.stdlib_module_names)):
            package = subprocess.run(["dpkg", "-S", importlib.util.find_spec(name).origin], capture_output=True, text=True,
                                     check=True).stdout.split(":")[0]
            self.assertIn(package, installed, name)


def imported_modules(path):
    """The modules that a Python program takes from elsewhere; none for what is no Python program."""
    try:
        with open(path, encoding="utf-8") as source:
            tree = ast.parse(source.read())
    except (IsADirectoryError, SyntaxError, UnicodeDecodeError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and not node.module.startswith("fakebluez"):
            yield node.module.split(".")[0]


if __name__ == "__main__":
    unittest.main(verbosity=2)
