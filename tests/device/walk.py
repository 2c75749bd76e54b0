"""The life of an installation on a device: the lines of docs/install.md, word for word, from the first to the last.

usage: walk.py ROOT ARCHIVE [Newer]
    ROOT: an unpacked Debian of the archive's architecture with busybox, dbus and daemontools
    Newer: only what a newer C library could break
"""

import os
import shutil
import sys

for place in ("support", "givenergy"):
    sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../integration", place))
import footprint  # noqa: E402
import machine  # noqa: E402
from device_case import HOME, DeviceCase, pack, typed_lines, write_checksums  # noqa: E402
from givenergy_testing import Simulator  # noqa: E402
from venus_testing import main, wait_until  # noqa: E402

ALWAYS_ON = ("dbus-tsmppt", "dbus-gxmodbus", "dbus-smartsolar", "dbus-givenergy")
BATTERY = "com.victronenergy.battery.ttyUSB0"
CHARGER = "com.victronenergy.solarcharger.tsmppt"
BANK = "com.victronenergy.battery.serialbattery_bank"
BATTERY_SERVICE = "venus-serialbattery.ttyUSB0"
BATTERY_HOST = "dbus-serialbattery-host"
PASSWORD = "7531-a-secret"
IDENTITY = ("/Mgmt/ProcessName", "/Mgmt/ProcessVersion", "/Mgmt/Connection", "/DeviceInstance", "/ProductId", "/ProductName",
            "/Connected")
MAY_BE_UNKNOWN = ("/FirmwareVersion", "/HardwareVersion", "/CustomName", "/Serial")


class Walker(DeviceCase):
    archive = None

    def typed(self, heading):
        """Types what docs/install.md says below a heading."""
        return self.machine.run("\n".join(typed_lines("install.md", heading)))

    def put(self, archive):
        self.typed("Updating")
        self.machine.copy_in(archive, "/tmp/" + os.path.basename(archive))

    def step(self, what):
        print(f"--- {what}", flush=True)

    def pids(self):
        return {name: self.wait_up(name) for name in ALWAYS_ON}

    def assert_seen(self, service):
        """What GUI, VRM, systemcalc, Modbus TCP server and MQTT ask for is there as soon as the name is."""
        self.wait_name(service)
        items = self.items(service)
        self.assertEqual([path for path in IDENTITY if items.get(path) is None], [], service)
        self.assertEqual([path for path in MAY_BE_UNKNOWN if path not in items], [], service)

    def bring_charger(self):
        charger = self.start("tristar-simulator")
        port = wait_until(lambda: [word for word in charger.poll_output().split() if word.isdigit()],
                          "the simulated charger's port")[0]
        self.set_setting("/Settings/TristarMPPT/PortNumber", int(port))
        self.set_setting("/Settings/TristarMPPT/IPAddress", "127.0.0.1")
        self.assert_seen(CHARGER)
        self.wait_value(CHARGER, "/Dc/0/Voltage", lambda volts: volts is not None)


class Walk(Walker):

    firmware = "v2.80"  # the oldest that is supported

    def wait_battery(self, name=BATTERY):
        self.wait_value(name, "/Dc/0/Voltage", lambda volts: volts is not None and volts > 20)

    def bring_battery(self, tty, family, number):
        """A simulated battery at an adapter that is plugged in."""
        link = os.path.join(self.directory, tty)
        battery = self.start("bms-simulator", family, "--link", link, stdin=True)
        wait_until(lambda: "ready" in battery.poll_output(), f"the simulated battery for {tty}")
        self.machine.plug_in(tty, os.readlink(link), number)

    def newer_archive(self):
        """The same package as another version, with a change in a script that copies exist of."""
        folder = os.path.join(self.directory, "newer")
        os.makedirs(folder)
        shutil.unpack_archive(self.archive, folder)
        tree = os.path.join(folder, "venus-drivers")
        with open(os.path.join(tree, "VERSION")) as text:
            changed = text.read().replace("version ", "version 9.", 1)
        with open(os.path.join(tree, "VERSION"), "w") as out:
            out.write(changed)
        with open(os.path.join(tree, "services/dbus-serialbattery/run"), "a") as out:
            out.write("# newer\n")
        write_checksums(tree)
        path = os.path.join(folder, "venus-drivers-9.tar.gz")
        pack(tree, path)
        return path

    def measure(self):
        """Prints what the drivers cost at work."""
        executable = self.machine.root + HOME + "/bin/venus-drivers"
        print(footprint.table_head("start-up"))
        for command in (*ALWAYS_ON, "dbus-serialbattery --host", "dbus-serialbattery --join"):
            listed = wait_until(lambda: self.machine.run(f"ps | grep '{HOME}/bin/[d]{command[1:]}'", check=False)[0].split(),
                                f"{command} to run")
            process = f"/proc/{listed[0]}"
            emulated = "qemu" in os.readlink(self.machine.root + process + "/exe")
            resident, own = footprint.resident_kb(self.machine.read(process + "/smaps"), executable, emulated)
            driver = command.split()[0]
            milliseconds = footprint.start_up_ms(["chroot", self.machine.root, f"{HOME}/bin/{driver}"])
            print(footprint.table_row(command, resident, own, milliseconds), flush=True)

    def assert_password_kept(self):
        """The drivers leave it with the settings."""
        for folder, _, names in os.walk(self.machine.root + "/data"):
            for path in (os.path.join(folder, name) for name in names):
                if os.path.isfile(path):
                    with open(path, "rb") as content:
                        self.assertNotIn(PASSWORD.encode(), content.read(), path)

    def assert_own_places(self):
        """Nothing appeared but in the drivers' folders, the logs and what the device itself and a person make."""
        places = ("/data/var/lib/dbus-", "/data/var/lib/serial-starter", "/var/volatile/services", "/tmp/venus-drivers")
        found = {path: what for path, what in self.machine.snapshot("/data/var", "/var/volatile", "/tmp").items()
                 if path != "/data/var/lib" and not path.startswith(places)}
        self.assertEqual(found, {})
        written = self.machine.snapshot("/data/var/lib", "/data/log", without=("/data/var/lib/serial-starter",))
        self.assertTrue([path for path in written if path.startswith("/data/var/lib/dbus-tsmppt/")], written)
        self.assertEqual([path for path, what in written.items() if what[0] != "l" and what[8] == "w"], [], "for everyone")

    def test_life(self):
        self.machine.write("/data/rc.local", "#!/bin/sh\n# somebody's\nexit 0\n", 0o755)
        before = self.kept()

        self.step("fresh installation")
        self.put(self.archive)
        self.assertIn("What to do next", self.typed("Installing"))
        pids = self.pids()
        self.machine.run("\n".join(typed_lines("troubleshooting.md", "When something does not work")))
        said = self.typed("Looking at it")
        for name in ALWAYS_ON:
            self.assertIn(name + ": on, up", said)
        self.assertIn("*** starting dbus-tsmppt ***", said)

        self.step("off and on")
        self.typed("Switching drivers off and on")
        self.wait_up("dbus-givenergy", pids["dbus-givenergy"])

        self.step("svc")
        self.machine.run("svc -t /service/dbus-tsmppt")
        pid = self.wait_up("dbus-tsmppt", pids["dbus-tsmppt"])
        self.machine.run("svc -d /service/dbus-tsmppt")
        self.wait_down("dbus-tsmppt")
        self.typed("Stopping and starting")
        self.wait_up("dbus-tsmppt", pid)

        self.step("settings")
        wait_until(lambda: self.setting("/Settings/TristarMPPT/Interval") is not None, "the settings of dbus-tsmppt")
        self.typed("Settings")
        self.assertEqual(self.setting("/Settings/TristarMPPT/IPAddress"), "192.168.1.200")
        self.assertEqual(self.setting("/Settings/TristarMPPT/Interval"), 2000)
        self.bring_charger()

        inverter = Simulator()
        self.addCleanup(inverter.close)
        for name, value in (("Mqtt/Password", PASSWORD), ("Mqtt/User", "venus"), ("Mqtt/Port", 1), ("Mqtt/Host", "127.0.0.1"),
                            ("Adapters", inverter.address)):
            self.set_setting("/Settings/GivEnergy/" + name, value)
        wait_until(lambda: "MQTT: 127.0.0.1" in self.log_of("dbus-givenergy"), "a broker to be tried")

        self.step("a battery through serial-starter")
        self.bring_battery("ttyUSB0", "jbd", "A50285BI")
        self.machine.plug_in("ttyUSB1", "/dev/null", "FT9XYZ")
        wait_until(lambda: "no receiver on ttyUSB0" in self.log_of("gps-dbus.ttyUSB0"), "the port to be tried")
        self.typed("A battery on a serial port")
        self.assert_seen(BATTERY)
        self.wait_battery()
        wait_until(lambda: "no receiver on ttyUSB1" in self.log_of("gps-dbus.ttyUSB1"), "the other port to be left alone")
        self.assertFalse(self.machine.exists("/service/venus-serialbattery.ttyUSB1"))
        # One process serves the ports of all, so that their batteries can be a bank.
        self.wait_up(BATTERY_HOST)
        wait_until(lambda: "ttyUSB0: " in self.log_of(BATTERY_HOST), "the port to be handed over")

        self.step("a battery on another port, and both as one bank")
        self.bring_battery("ttyUSB2", "jk_ttl", "A50285BJ")
        self.machine.run(typed_lines("install.md", "A battery on a serial port")[0].replace("ttyUSB0", "ttyUSB2"))
        self.wait_battery(BANK)
        self.assert_seen(BANK)
        self.measure()

        self.step("the port given back, and taken again")
        tried = lambda: self.log_of("gps-dbus.ttyUSB0").count("no receiver")
        tries = tried()
        self.typed("Giving a port back")
        self.wait_no_name(BATTERY)
        wait_until(lambda: tried() > tries, "the device's own driver to get the port")
        self.typed("A battery on a serial port")
        self.wait_battery()

        self.step("what was written")
        self.assert_password_kept()
        self.assert_own_places()

        self.step("reboot")
        self.power_cycle()
        self.pids()
        self.wait_battery()
        self.wait_battery(BANK)
        self.wait_value(CHARGER, "/Dc/0/Voltage", lambda volts: volts is not None)

        self.step("firmware update")
        self.power_cycle("v3.80~40")
        pids = self.pids()
        self.wait_battery()
        self.wait_battery(BANK)

        self.step("update")
        battery_pid = self.wait_up(BATTERY_SERVICE)
        host_pid = self.wait_up(BATTERY_HOST)
        self.put(self.newer_archive())
        self.typed("Installing")
        for name in ALWAYS_ON:
            self.wait_up(name, pids[name])
        self.wait_up(BATTERY_SERVICE, battery_pid)
        self.wait_up(BATTERY_HOST, host_pid)
        self.assertIn("# newer", self.machine.read(f"/var/volatile/services/{BATTERY_SERVICE}/run"))
        self.assertIn("venus-drivers 9.", self.machine.run(HOME + "/install.sh status"))
        self.wait_battery()

        self.step("back to the older version")
        self.put(self.archive)
        self.typed("Installing")
        self.assertNotIn("venus-drivers 9.", self.machine.run(HOME + "/install.sh status"))
        self.assertNotIn("# newer", self.machine.read(f"/var/volatile/services/{BATTERY_SERVICE}/run"))
        self.pids()
        self.wait_battery()
        self.wait_battery(BANK)

        self.step("what was written since")
        self.assert_password_kept()
        self.assert_own_places()

        self.step("removal")
        self.machine.run("\n".join(typed_lines("install.md", "Removing")[:1]))
        for name in (BATTERY, BANK):
            self.wait_no_name(name)
        without_ports = lambda found: {path: what for path, what in found.items()
                                       if "gps-dbus" not in path and "vedirect-interface" not in path}
        self.assert_same(without_ports(self.kept()), before)
        self.assertTrue(self.machine.exists("/data/log/dbus-tsmppt"))

        self.step("removal with everything")
        self.put(self.archive)
        self.typed("Installing")
        self.pids()
        self.machine.run(typed_lines("install.md", "Removing")[1])
        self.assert_same(without_ports(self.kept()), before)
        left = [name for place in ("/data/log", "/data/var/lib")
                for name in os.listdir(self.machine.root + place) if name.startswith("dbus-")]
        self.assertEqual(left, [])


class Newer(Walker):

    def test_start(self):
        self.put(self.archive)
        self.typed("Installing")
        self.pids()
        version = self.machine.read(HOME + "/VERSION").split()[1]
        for driver in (*ALWAYS_ON, "dbus-serialbattery"):
            self.assertEqual(self.machine.run(f"{HOME}/bin/{driver} --version").split()[-1], version)
        self.bring_charger()


if __name__ == "__main__":
    machine.enter_namespaces()
    Walker.base, Walker.archive = map(os.path.abspath, sys.argv[1:3])
    sys.argv[1:] = sys.argv[3:] or ["Walk"]
    main()
