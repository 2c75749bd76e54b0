"""install/demo as a person starts it: it ends by itself, refuses a second start, and leaves nothing behind."""

import ast
import glob
import importlib.util
import os
import re
import signal
import subprocess
import sys
import tempfile
import unittest

from venus_testing import Program, wait_until

ROOT = os.path.join(os.path.dirname(__file__), "..", "..", "..")
DEMO = os.path.join(ROOT, "install", "demo")


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

    def test_second_start_says_so_and_ctrl_c_ends_all(self):
        demo = self.start()
        wait_until(lambda: "Running." in demo.poll_output() or not demo.running, "the demo to run", 240)
        self.assertTrue(demo.running, demo.output)
        second = self.start("--for", "1s")
        self.assertEqual(self.wait_exit(second), 1)
        self.assertIn("running already", second.output)
        # As a terminal does: to the whole group, which here is only the script and what it waits for.
        demo.process.send_signal(signal.SIGINT)
        for child in subprocess.run(["pgrep", "-P", str(demo.process.pid), "velib"], capture_output=True,
                                    text=True).stdout.split():
            os.kill(int(child), signal.SIGINT)
        self.wait_exit(demo)
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
