"""What the drivers' executables can not do, start other programs, and where they keep what they remember."""

import glob
import os
import re
import subprocess
import unittest

BUILD = os.environ.get("VENUS_BUILD_DIR", "build/release")
DRIVERS = ("dbus-tsmppt", "dbus-serialbattery", "dbus-gxmodbus", "dbus-smartsolar", "dbus-givenergy")
STARTS_PROGRAMS = re.compile(r"_?_?(system|popen|wordexp|posix_spawnp?|v?fork|f?exec[lv]\w*|execveat|clone3?)$")


def starters(file):
    """The functions that a program or library would start programs with."""
    listed = subprocess.run(["nm", "--dynamic", "--undefined-only", "--format=posix", file], check=True,
                            capture_output=True, text=True).stdout
    names = [line.split()[0].split("@")[0] for line in listed.splitlines()]
    assert names, f"{file} uses no library"
    return [name for name in names if STARTS_PROGRAMS.match(name)]


class Programs(unittest.TestCase):

    def test_no_driver_starts_a_program(self):
        libraries = glob.glob(os.path.join(BUILD, "lib", "libvelib.so"))
        for file in [os.path.join(BUILD, "bin", driver) for driver in DRIVERS] + libraries:
            self.assertEqual(starters(file), [], file)

    def test_one_that_does_is_seen(self):
        self.assertIn("execvp", starters("/usr/bin/env"))

    def test_each_has_a_folder_of_its_own(self):
        for driver in DRIVERS:
            if driver != "dbus-smartsolar":  # remembers nothing
                said = subprocess.run([os.path.join(BUILD, "bin", driver), "--help"], check=True, capture_output=True,
                                      text=True, env={"HOME": "/home/somebody"}).stdout
                self.assertRegex(said, rf"=(/data/var/lib|/home/somebody/.local/state)/{driver}\b")


if __name__ == "__main__":
    unittest.main(verbosity=2)
