"""dbus-serialbattery monitor and replay, as a user calls them, and what they and the driver record."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

import dbus
from battery_case import ROOT, BatteryTestCase
from command_case import NO_BUS, PROGRAM, CommandCase
from venus_testing import SETTINGS, main, wait_until


class Monitor(CommandCase):
    def test_lines(self):
        simulator = self.simulate("jbd")
        self.tell(simulator, command="set", current=20, soc=50)
        config = self.tty("config.ini")
        with open(config, "w") as out:
            out.write("[default]\nMAX_BATTERY_CHARGE_CURRENT = 33\nMAX_BATTERY_DISCHARGE_CURRENT = 44\n")
        code, out, err = self.call("monitor", self.tty("ttyBMS0"), "--config", config, "--polls", "3", "--interval", "0.1")
        self.assertEqual((code, err), (0, ""))
        lines = out.splitlines()
        self.assertEqual(len(lines), 3)
        for line in lines:
            self.assertRegex(line, r"\(jbd\) at 9600 baud: \d+\.\d\d V, 20\.0\d A, 50\.\d %, cells \d\.\d{3} to "
                                   r"\d\.\d{3} V, charge \d+\.\d\d V 33\.0 A, discharge 44\.0 A, alarms none$")

    def test_what_happens_meanwhile(self):
        simulator = self.simulate("jbd")
        monitor = self.start("dbus-serialbattery", "monitor", self.tty("ttyBMS0"), "--interval", "0.1")
        monitor.wait_line("alarms none")
        self.tell(simulator, command="alarm", name="HighCellVoltage", level=2)
        monitor.wait_line("alarms HighCellVoltage")
        self.tell(simulator, command="fault", silence=True)
        monitor.wait_line("SILENT")
        self.tell(simulator, command="fault", silence=False)
        monitor.wait_line("SILENT")
        seen = len(monitor.poll_output())
        wait_until(lambda: "baud: 5" in monitor.poll_output()[seen:], "the battery to be back")
        simulator.kill()
        self.assertEqual(monitor.wait_exit(), 1)
        self.assertIn("the port is gone", monitor.output)

    def test_screen(self):
        self.simulate("jbd")
        master, slave = pty.openpty()
        self.addCleanup(os.close, master)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 80, 0, 0))
        before = termios.tcgetattr(slave)
        monitor = subprocess.Popen([PROGRAM, "monitor", self.tty("ttyBMS0"), "--interval", "0.1"], stdin=slave,
                                   stdout=slave, stderr=slave, start_new_session=True,
                                   preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
                                   env={**os.environ, **NO_BUS, "TERM": "xterm"})
        self.addCleanup(monitor.kill)
        os.set_blocking(master, False)
        seen = bytearray()

        def screen():
            try:
                seen.extend(os.read(master, 65536))
            except BlockingIOError:
                pass
            return seen.decode("utf-8", "replace")

        wait_until(lambda: "polls         2, 0 without an answer" in screen(), "the second screen")
        for text in ("(jbd) at 9600 baud", "cells          1 ", "charging on, discharging on", "alarms        none",
                     "mV apart", "q: quit"):
            self.assertIn(text, screen())
        os.write(master, b"q")
        wait_until(lambda: (screen(), monitor.poll() is not None)[1], "the end")
        self.assertEqual(monitor.returncode, 0)
        self.assertIn("\x1b[?1049l", screen())
        self.assertEqual(termios.tcgetattr(slave)[3], before[3])
        os.close(slave)

    def test_recording(self):
        self.simulate("jbd")
        path = self.tty("monitor.rec")
        first = self.call("monitor", self.tty("ttyBMS0"), "--polls", "4", "--interval", "0.1", "--record", path)
        self.assertEqual((first[0], first[2]), (0, ""))
        self.assertEqual(self.call("monitor", "--replay", path), first)


class Recordings(CommandCase):
    with_settings = True

    def record(self):
        """Some polls of a battery by the driver on the bus, in a file."""
        simulator = self.simulate("jbd")
        self.tell(simulator, command="set", current=12.5, soc=44)
        path = self.tty("user.rec")
        port = self.tty("ttyBMS0")
        driver = self.start("dbus-serialbattery", "--state-dir", self.tty("state"), "--record", path, port)
        self.wait_name(ROOT + "ttyBMS0")
        wait_until(lambda: self.count(path, " received dd") > 10, "some polls")
        self.assertEqual(driver.terminate(), 0)
        self.wait_no_name(ROOT + "ttyBMS0")
        simulator.kill()
        return path, port

    def count(self, path, what):
        with open(path) as lines:
            return lines.read().count(what)

    def test_record_and_replay(self):
        path, port = self.record()
        with open(path) as lines:
            head, opened, line, *_ = lines
        self.assertEqual(head, "serial recording 1\n")
        self.assertRegex(opened, rf"^\d+\.\d{{6}} 1 open {port}$")
        self.assertRegex(line, r"^\d+\.\d{6} 1 line 9600 none$")

        # The battery is gone, its recording says the same without a bus ...
        code, out, err = self.call("read", "--replay", path, "--json")
        self.assertEqual((code, err), (0, ""))
        said = json.loads(out)
        self.assertEqual((said["port"], said["family"]), (port, "jbd"))
        self.assertAlmostEqual(said["current_A"], 12.5, delta=0.05)
        # ... and on the bus, until it ends.
        driver = self.start("dbus-serialbattery", "replay", path)
        self.wait_name(ROOT + "ttyBMS0")
        self.wait_value(ROOT + "ttyBMS0", "/Dc/0/Current", 12.5, near=0.05)
        self.wait_value(ROOT + "ttyBMS0", "/Soc", 44, near=1)
        self.assertEqual(driver.wait_exit(), 0)
        self.assertIn("the recording has ended", driver.output)
        self.wait_no_name(ROOT + "ttyBMS0")

    def test_record_of_a_command(self):
        self.simulate("daly")
        path = self.tty("probe.rec")
        first = self.call("read", self.tty("ttyBMS0"), "--record", path, "--json")
        self.assertEqual((first[0], first[2]), (0, ""))
        self.assertEqual(self.call("read", "--replay", path, "--json"), first)
        again = self.call("probe", "--replay", path, "--json")
        self.assertEqual(json.loads(again[1])["batteries"][0]["family"], "daly")

    def test_no_recording(self):
        path = self.tty("wrong.rec")
        for content, what in (("", "line 1: this is no recording"),
                              ("serial recording 1\n", "no port was ever opened"),
                              ("serial recording 1\n0.000000 1 open a\n0.100000 1 sent 0g\n", "line 3: no bytes")):
            with open(path, "w") as out:
                out.write(content)
            for arguments in (("read", "--replay", path), ("replay", path)):
                code, out, err = self.call(*arguments)
                self.assertEqual((code, out), (1, ""))
                self.assertIn(what, err)
        code, _, err = self.call("read", "--replay", self.tty("none.rec"))
        self.assertEqual(code, 1)
        self.assertIn("none.rec: cannot be read", err)
        code, _, err = self.call("probe", self.tty("x"), "--record", self.directory)
        self.assertEqual(code, 1)
        self.assertIn(self.directory, err)


class Capture(BatteryTestCase):
    """Recording by a setting, while the driver runs."""

    SWITCH = "/Settings/BatteryDriver/Capture"

    def recording(self, name="ttyBMS0.rec"):
        try:
            with open(os.path.join(self.tty("state"), "recordings", name)) as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def test_by_a_setting(self):
        self.simulate("jbd", "ttyBMS0")
        driver = self.drive("ttyBMS0")
        service = ROOT + "ttyBMS0"
        self.wait_name(service)
        self.assertEqual(self.recording(), "")
        self.set_setting(self.SWITCH, dbus.Int32(1))
        wait_until(lambda: self.recording().count(" sent dda50300") > 3, "some polls in the recording")
        path = os.path.join(self.tty("state"), "recordings", "ttyBMS0.rec")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o600)
        # A port that was open before is in it as it is set.
        self.assertIn(" line 9600 none\n", self.recording())
        self.set_setting(self.SWITCH, dbus.Int32(0))
        driver.wait_line("nothing is recorded any more")
        done = self.recording()
        read = subprocess.run([PROGRAM, "read", "--replay", path, "--json"], env={**os.environ, **NO_BUS},
                              capture_output=True, text=True)
        self.assertEqual((read.returncode, json.loads(read.stdout)["family"]), (0, "jbd"), read.stderr)
        # The next one puts it aside, and ends by itself.
        self.set_setting("/Settings/BatteryDriver/CaptureMinutes", dbus.Double(0.05))
        self.set_setting(self.SWITCH, dbus.Int32(1))
        self.wait_value(SETTINGS, self.SWITCH, 0)
        self.assertEqual(self.recording("ttyBMS0.rec.1"), done)
        self.assertIn(" received ", self.recording())
        self.assertTrue(driver.running)

    def test_by_the_file(self):
        """The search for the battery is in it; what the file says is over after the time as well."""
        self.simulate("jbd", "ttyBMS0")
        driver = self.drive("ttyBMS0", config="[default]\nBMS_CAPTURE_RAW_DATA = True\n"
                                              "BMS_CAPTURE_RAW_DATA_MINUTES = 0.1\n")
        self.wait_name(ROOT + "ttyBMS0")
        self.assertIn(" line 115200 none\n", self.recording())
        driver.wait_line("recorded for long enough")
        self.assertEqual(self.recording("ttyBMS0.rec.1"), "")


if __name__ == "__main__":
    main()
