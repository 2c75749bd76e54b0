"""install.sh and uninstall.sh on a device made of this machine's own programs: what they do, and what they leave alone."""

import os
import platform
import shutil
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../device"))
import machine  # noqa: E402
from device_case import CONF, HOME, REPOSITORY, DeviceCase, typed_lines, write_checksums  # noqa: E402
from venus_testing import BIN, SETTINGS, main, wait_until  # noqa: E402

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "armhf"}
DRIVER = "dbus-tsmppt"  # the real one
BROKEN = "dbus-gxmodbus"  # one that ends at once
PROGRAM = os.path.realpath(os.path.join(BIN, DRIVER))
RC_LOCAL = "#!/bin/bash\n\nbash /data/apps/other/enable.sh > /dev/null &\n\nexit 0\n"
OLDER = "/data/dbus-tristar"


class Installation(DeviceCase):
    shown = (os.path.dirname(os.path.dirname(PROGRAM)),)

    def package(self, version="0.1.0", architecture=None):
        """Unpacked on the device, with this build's own executables, which run there."""
        tree = os.path.join(self.machine.root, "tmp/venus-drivers")
        shutil.rmtree(tree, ignore_errors=True)
        shutil.copytree(os.path.join(REPOSITORY, "install/device"), tree)
        shutil.copytree(os.path.join(REPOSITORY, "services"), os.path.join(tree, "services"))
        for name in os.listdir(os.path.join(tree, "services")):
            if name not in (DRIVER, BROKEN, "dbus-serialbattery", "dbus-serialbattery-host", "backoff"):
                shutil.rmtree(os.path.join(tree, "services", name))
        os.mkdir(os.path.join(tree, "bin"))
        os.symlink(PROGRAM, os.path.join(tree, "bin", DRIVER))
        with open(os.path.join(tree, "bin", BROKEN), "w") as out:
            out.write("#!/bin/sh\necho no\nexit 1\n")
        os.chmod(os.path.join(tree, "bin", BROKEN), 0o755)
        with open(os.path.join(tree, "VERSION"), "w") as out:
            out.write(f"version {version}\narchitecture {architecture or ARCHITECTURES[platform.machine()]}\n")
        write_checksums(tree)
        return tree

    def install(self, *options, check=True):
        return self.machine.run(" ".join(["venus-drivers/install.sh", *options]), check=check)

    def installed(self):
        return self.machine.snapshot("/data", without=("/data/log", "/data/var"))

    def test_install_again_and_uninstall(self):
        self.machine.write("/data/rc.local", RC_LOCAL, 0o755)
        self.machine.write("/data/etc/early", "#!/bin/sh\n:\n", 0o755)
        self.machine.run("ln -s etc/early /data/rcS.local")
        self.package()
        before = self.kept()

        self.assertIn("--dry-run   say what would be done", self.install("--help"))
        said = self.install("--dry-run")
        self.assertIn("would write: /data/rc.local", said)
        self.assertIn("Nothing was changed.", said)
        self.assert_same(self.kept(), before)
        self.assertIn("is not installed", self.machine.run("venus-drivers/install.sh status", check=False)[0])

        said = self.install()
        self.assertIn("installed venus-drivers 0.1.0", said)
        self.assertEqual(len(said.split("What to do next:")[1].strip().splitlines()), 5)
        self.assertEqual(self.machine.read("/data/rc.local"), RC_LOCAL.replace(
            "\nexit 0", f"\n[ -e {HOME} ] || mv {HOME}.old {HOME}; {HOME}/install.sh boot late & # venus-drivers\nexit 0"))
        self.assertIn("install.sh boot early", self.machine.read("/data/etc/early"))
        wait_until(lambda: self.setting("/Settings/TristarMPPT/IPAddress") is not None, lambda: self.log_of(DRIVER))
        pid = self.wait_up(DRIVER)
        self.assertRegex(self.machine.read(f"/proc/{pid}/limits"), r"Max data size +100000000 ")
        for name in (DRIVER, BROKEN):
            self.assertIn(f"exec multilog t s25000 n4 \"${{VENUS_LOG:-/var/log}}/{name}\"",
                          self.machine.read(f"/run/service/venus-drivers.{name}/log/run"))
        wait_until(lambda: "waiting 2 s" in self.log_of(BROKEN), lambda: "back-off: " + self.log_of(BROKEN))
        self.assertIn(f"{DRIVER}: on, up (pid {pid})", self.machine.run(HOME + "/install.sh status"))

        installed = self.installed()
        self.assertNotIn("would write", self.install("--dry-run"))
        self.install()
        self.assert_same(self.installed(), installed)
        self.assertEqual(self.wait_up(DRIVER), pid)
        self.package(version="0.2.0")
        self.assertIn(f"would run: mv {HOME}.new {HOME}", self.install("--dry-run"))
        self.assert_same(self.installed(), installed)

        self.machine.run(f"{HOME}/install.sh disable {DRIVER}")
        self.assertFalse(self.machine.exists("/service/" + DRIVER))
        self.machine.run(f"{HOME}/install.sh enable tsmppt")
        self.wait_up(DRIVER)

        self.assertIn("Nothing was changed.", self.machine.run(HOME + "/uninstall.sh --purge --dry-run"))
        self.assert_same(self.installed(), installed)
        self.wait_up(DRIVER)
        self.machine.run(HOME + "/uninstall.sh")
        self.assert_same(self.kept(), before)
        self.assertTrue(self.machine.exists("/data/log/" + DRIVER))
        self.assertIsNotNone(self.setting("/Settings/TristarMPPT/IPAddress"))
        self.assertNotIn("supervise dbus-", self.machine.run("ps ax"))

    def test_failure_half_way(self):
        self.package()
        before = self.kept()
        self.machine.write("/tmp/bin/cp", "#!/bin/sh\necho no space\nexit 1\n", 0o755)
        said, status = self.machine.run("PATH=/tmp/bin:$PATH venus-drivers/install.sh", check=False)
        self.assertEqual(status, 1, said)
        self.assertIn("nothing was changed", said)
        self.assert_same(self.kept(), before)
        self.machine.write("/run/service", "in the way of the services\n")
        said, status = self.install(check=False)
        self.assertEqual(status, 1, said)
        self.assertIn("taking it back", said)
        os.unlink(os.path.join(self.machine.root, "run/service"))
        self.assert_same(self.kept(), before)

        # The connection breaks just when the files are to be put in place.
        os.unlink(os.path.join(self.machine.root, "tmp/bin/cp"))
        self.machine.write("/tmp/bin/sync", "#!/bin/sh\nkill -HUP $PPID\nkill -INT $PPID\n", 0o755)
        self.machine.run("PATH=/tmp/bin:$PATH venus-drivers/install.sh")
        pid = self.wait_up(DRIVER)
        installed = self.installed()
        tree = self.package(version="0.2.0")
        os.unlink(os.path.join(tree, "services", DRIVER, "log/run"))
        write_checksums(tree)
        said, status = self.install(check=False)
        self.assertEqual(status, 1, said)
        self.assert_same(self.installed(), installed)
        self.wait_up(DRIVER, pid_before=pid)

    def test_refusals_change_nothing(self):
        def refused(why):
            before = self.kept()
            said, status = self.install(check=False)
            self.assertEqual(status, 1, said)
            self.assertIn(why, said)
            self.assert_same(self.kept(), before)

        self.package(architecture="m68k")
        refused("this package is for m68k")
        tree = self.package()
        with open(os.path.join(tree, "services", DRIVER, "run"), "a") as out:
            out.write("# damaged\n")
        refused("the package is damaged")
        self.package()
        self.machine.write("/data/large", "x" * (29 << 20))
        refused("not enough space on /data")
        os.unlink(os.path.join(self.machine.root, "data/large"))
        older_first = "v2.73 v2.80~33 v2.80 v2.94 v3.00~1 v3.00 v3.67-large-24 v3.80~40 v3.80"
        numbers = self.machine.run(f". venus-drivers/functions.sh; for v in {older_first}; do version_number $v; done").split()
        self.assertEqual(numbers, sorted(set(numbers), key=int))
        self.assertEqual(len(numbers), len(older_first.split()))
        self.power_cycle("v2.80~33")
        self.package()
        refused("v2.80 or newer is needed")

    def test_beside_an_older_driver(self):
        self.machine.write("/data/etc/sv/dbus-tristar/run", f"#!/bin/sh\nexec sleep 1000 # {OLDER}/driver.py\n", 0o755)
        self.machine.write(OLDER + "/driver.py", "")
        self.machine.write("/data/rc.local", f"#!/bin/sh\nln -s {OLDER}/service /service/dbus-tristar\n", 0o755)
        self.machine.run("ln -s /data/etc/sv/dbus-tristar /service/dbus-tristar")
        self.wait_up("dbus-tristar")
        self.package()
        before = self.kept()

        self.assertIn(f"{DRIVER} stays off: an older driver is in {OLDER}", self.install())
        self.assertNotIn("stays off", self.install("--keep"))
        said, status = self.machine.run(f"{HOME}/install.sh enable {DRIVER}", answer="n\n", check=False)
        self.assertIn(f"is installed in {OLDER}. Replace it by {DRIVER}?", said)
        self.assertNotEqual(status, 0)
        self.wait_up("dbus-tristar")
        self.assertFalse(self.machine.exists("/service/" + DRIVER))

        self.machine.run(f"{HOME}/install.sh --replace enable {DRIVER}")
        self.wait_up(DRIVER)
        self.assertFalse(self.machine.exists("/service/dbus-tristar"))
        self.assertIn("# switched off by venus-drivers: ln -s", self.machine.read("/data/rc.local"))

        wait_until(lambda: self.setting("/Settings/TristarMPPT/IPAddress") is not None, lambda: self.log_of(DRIVER))
        others = ("ttyUSB0_cgwacs/ClassAndVrmInstance", "ruuvi_c7c806271311/Enabled", "ble_mine/Key")
        ours = ("serialbattery_AB_12/Family", "gx_c0ffee_solarcharger_u3/ClassAndVrmInstance", "ble_c7c806271311/Key")
        settings = self.bus.get_object(SETTINGS, "/Settings", introspect=False)
        for name in ours + others:
            group, leaf = name.split("/")
            value = "solarcharger:7" if leaf == "ClassAndVrmInstance" else "tsmppt_7/Text"
            self.assertEqual(settings.AddSetting("Devices/" + group, leaf, value, "s", 0, 0,
                                                 dbus_interface="com.victronenergy.Settings"), 0)
        self.machine.run(HOME + "/uninstall.sh --purge")
        left = self.item(SETTINGS, "/Settings").GetValue()
        self.assertEqual(sorted(name for name in left if name.startswith("Devices/")),
                         sorted("Devices/" + name for name in others))
        self.assertFalse([name for name in left if name.startswith("TristarMPPT/")])
        self.assertFalse(self.machine.exists(CONF))
        self.assertFalse(self.machine.exists("/data/log/" + DRIVER))
        without = lambda found: {path: what for path, what in found.items() if "/supervise" not in path}
        self.assert_same(without(self.kept()), without(before))

    def test_beside_an_older_driver_of_batteries(self):
        own = ("gps-dbus", "vedirect-interface")  # what the device itself tries on the port meanwhile
        kept = lambda: {path: what for path, what in self.kept().items() if not any(name in path for name in own)}
        older = "/data/apps/dbus-serialbattery"
        for name in ("enable", "disable"):
            self.machine.write(f"{older}/{name}.sh", f"#!/bin/bash\n[[ {name} ]] && echo {name} >>/tmp/called\n", 0o755)
        self.machine.plug_in("ttyUSB0", "/dev/null", "A50285BI")
        self.package()
        before = kept()
        self.install()
        installed = kept()
        enable = "enable dbus-serialbattery ttyUSB0"
        for option in ("", "--keep"):
            said, status = self.machine.run(f"{HOME}/install.sh {option} {enable}", check=False)
            self.assertNotEqual(status, 0, said)
            self.assert_same(kept(), installed)

        self.machine.run(f"{HOME}/install.sh --replace {enable}")
        self.assertEqual(self.machine.read("/tmp/called"), "disable\n")
        wait_until(lambda: self.machine.exists("/service/venus-serialbattery.ttyUSB0"), "the port to be ours")
        self.machine.run(HOME + "/uninstall.sh")
        self.assertEqual(self.machine.read("/tmp/called"), "disable\nenable\n")
        self.assert_same(kept(), before)

    def test_which_ports_are_given(self):
        # Who looks at the ports is not needed here, and takes its time over so many.
        self.machine.run("cd /service && mv serial-starter .off && svc -dx .off .off/log")
        for tty, number in (("ttyUSB0", None), ("ttyUSB1", None), ("ttyUSB2", "0001"), ("ttyUSB3", "0001"), ("ttyUSB4", "FT9XYZ")):
            self.machine.plug_in(tty, "/dev/null", number)
        self.machine.plug_in("ttyUSB5", "/dev/null", "FT9XYZ", ID_USB_INTERFACE_NUM="01")
        self.machine.plug_in("ttyS5", "/dev/null", VE_PRODUCT="builtin-vedirect")
        self.package()
        self.install()

        def given():
            found = self.machine.run("cd /run/udev/data; grep -l '^VE_SERVICE=vserialbattery$' *", check=False)[0].split()
            return found, self.machine.run(f"{HOME}/install.sh status").split("adapters ")[1].split("\n")[0].split()

        self.machine.write("/data/conf/serial-starter.d", "service sbattery dbus-serialbattery\n")
        for port, why in (("ttyUSB0", "serial-starter.d is a file"), ("ttyS5", "own port for vedirect"),
                          ("ttyUSB6", "is not plugged in")):
            said, status = self.machine.run(f"{HOME}/install.sh enable dbus-serialbattery {port}", check=False)
            self.assertEqual(status, 1, said)
            self.assertIn(why, said)
            self.machine.run("rm -f /data/conf/serial-starter.d")
        self.assertEqual(given(), ([], ["none"]))
        said = self.machine.run(f"{HOME}/install.sh enable dbus-serialbattery ttyUSB0 ttyUSB2 ttyUSB4")
        self.assertEqual(said.count("leave it there"), 2, said)
        sockets = ["platform-usb-0:ttyUSB0:1.0", "platform-usb-0:ttyUSB2:1.0"]
        self.assertEqual(given(), (["ttyUSB0", "ttyUSB2", "ttyUSB4"], sockets + ["FT9XYZ"]))
        self.assertTrue(self.machine.exists("/service/dbus-serialbattery-host"))

        self.machine.run("rm /dev/ttyUSB4 /run/udev/adapters/ttyUSB4 /run/udev/data/ttyUSB4")
        self.machine.run(f"{HOME}/install.sh disable dbus-serialbattery FT9XYZ ttyUSB2")
        self.assertEqual(given(), (["ttyUSB0"], sockets[:1]))
        self.assertTrue(self.machine.exists("/service/dbus-serialbattery-host"))
        self.machine.run(f"{HOME}/install.sh disable dbus-serialbattery ttyUSB0")
        self.assertFalse(self.machine.exists("/service/dbus-serialbattery-host"))

    def test_disabled_hooks_and_a_power_cut(self):
        self.machine.write("/data/rc.local.disabled", "#!/bin/sh\n", 0o755)
        self.package()
        self.assertIn("boot hooks are disabled", self.install())
        self.assertFalse(self.machine.exists("/data/rc.local"))
        self.power_cycle()
        self.assertFalse(self.machine.exists("/service/" + DRIVER))
        self.machine.run("mv /data/rc.local.disabled /data/rc.local")
        # What the memory of the device lost, the same package brings back.
        self.machine.write(f"{HOME}/services/{DRIVER}/run", "")
        self.package()
        self.install()
        self.assertIn(DRIVER, self.machine.read(f"{HOME}/services/{DRIVER}/run"))
        # In the middle of an update: the old version is aside, the new one not yet in its place.
        self.machine.run(f"cp -R {HOME} {HOME}.new; mv {HOME} {HOME}.old")
        self.power_cycle()
        self.wait_up(DRIVER)


class Pages(unittest.TestCase):

    def test_readme_says_what_install_md_says(self):
        told = [line for heading in ("Making the package", "Copying it", "Installing")
                for line in typed_lines("install.md", heading)]
        told.append(typed_lines("install.md", "Settings")[0])
        self.assertEqual(typed_lines("../README.md", "Install it"), told)


def run_at_once(*cases):
    """Each test in a process of its own: they wait for svscan, which looks every five seconds, more than they compute."""
    names = [f"{case.__name__}.{name}" for case in cases
             for name in unittest.defaultTestLoader.getTestCaseNames(case)]
    running = [subprocess.Popen([sys.executable, "-B", sys.argv[0], name], stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True) for name in names]
    for test in running:
        print(test.communicate()[0], end="", flush=True)
    return int(any(test.returncode for test in running))


if __name__ == "__main__":
    if not machine.can_have_namespaces():
        print("this kernel or user can not make namespaces: nothing tested")
        sys.exit(77)
    machine.enter_namespaces()
    if len(sys.argv) == 1:
        sys.exit(run_at_once(Installation, Pages))
    main()
