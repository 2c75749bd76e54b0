"""The commands of dbus-serialbattery that need no bus, each as a user calls it."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import termios

from battery_case import ROOT, BatteryTestCase
from venus_testing import BIN, DEADLINE, main, wait_until

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data", "serialbattery")
PROGRAM = os.path.join(BIN, "dbus-serialbattery")
# Nobody is there: a command that looked for a bus would fail.
NO_BUS = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent"}


def vectors(name):
    with open(os.path.join(DATA, name)) as lines:
        return [json.loads(line) for line in lines]


def difference(expected, actual, where=""):
    """Where actual lacks or contradicts expected; None when it agrees. Further members are allowed."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key not in actual:
                return f"{where}/{key} is missing"
            if found := difference(value, actual[key], f"{where}/{key}"):
                return found
        return None
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        found = (difference(e, a, f"{where}/{i}") for i, (e, a) in enumerate(zip(expected, actual)))
        return next((f for f in found if f), None)
    number = (int, float)
    if isinstance(expected, number) and isinstance(actual, number) and bool not in (type(expected), type(actual)):
        return None if abs(expected - actual) <= 0.001 else f"{where} is {actual}, not {expected}"
    return None if expected == actual else f"{where} is {actual}, not {expected}"


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


class Decode(CommandCase):
    def follow(self, name):
        wanted = vectors(name)
        questions = [{k: v for k, v in one.items() if k != "expect"} for one in wanted]
        _, answers, _ = self.answers("decode", questions)
        known = 0
        for one, answer in zip(wanted, answers):
            with self.subTest(one["protocol"] + ": " + one["what"]):
                if answer.get("error") != "protocol":  # no such family yet
                    self.assertIsNone(difference(one["expect"], answer))
                    known += 1
        return known, len(wanted)

    def test_first_collection(self):
        self.assertEqual(*self.follow("bms-1.jsonl"))

    def test_second_collection(self):
        self.assertGreater(self.follow("bms-2.jsonl")[0], 0)

    def test_bad_frames_are_an_answer(self):
        code, answers, err = self.answers("decode", [{"protocol": "jbd", "hex": "dd0300"}])
        self.assertEqual((code, answers[0]["valid"], err), (0, False, ""))

    def test_unusable_lines(self):
        code, out, err = self.call("decode", text='no json\n\n{"protocol":"unheard","hex":"00"}\n'
                                                  '{"protocol":"jbd","hex":"0g"}\n')
        self.assertEqual(code, 1)
        self.assertEqual([json.loads(line)["valid"] for line in out.splitlines()], [False] * 3)
        self.assertEqual(err.splitlines(), ["line 1: not an object with protocol and hex",
                                            "line 3: unknown protocol", "line 4: not hexadecimal"])


class Control(CommandCase):
    NOT_ASKED = ("expect", "source", "real", "changed_settings", "tolerance", "quirk", "reference_differs")
    NEAR = {"cvl": 0.0051, "cvl_exact": 1e-4, "ccl": 0.001, "dcl": 0.001, "soc": 0.006, "voltage": 0.0051,
            "current": 0.0051, "power": 0.0051, "time_to_go": 1, "remaining_ah": 0.01, "consumed_ah": 0.01}

    def question(self, one):
        question = {k: v for k, v in one.items() if k not in self.NOT_ASKED}
        if "checks" in one:
            question["checks"] = [{"t": check["t"]} for check in one["checks"]]
        return question

    def compare(self, one, expected, got):
        for field, value in expected.items():
            near = one.get("tolerance", {}).get(field, self.NEAR.get(field))
            if isinstance(value, (int, float)) and isinstance(got[field], (int, float)):
                near = max(0.001, abs(value) * 1e-4) if near is None else near
                self.assertLessEqual(abs(value - got[field]), near + 1e-12, field)
            else:
                self.assertEqual(got[field], value, field)

    def test_every_case(self):
        wanted = vectors("battery-control.jsonl")
        code, answers, err = self.answers("control", [self.question(one) for one in wanted])
        self.assertEqual((code, err), (0, ""))
        for one, got in zip(wanted, answers):
            with self.subTest(one["id"]):
                if one["protocol"] == "battery-config":
                    self.assertEqual(got["complaints_about"], one["expect"]["complaints_about"])
                    self.compare(one, one["expect"]["effective"], got["effective"])
                    continue
                self.compare(one, one["expect"], got)
                self.assertEqual([c["t"] for c in got["checks"]], [c["t"] for c in one["checks"]])
                for check, shown in zip(one["checks"], got["checks"]):
                    self.compare(one, check["expect"], shown)

    def test_unusable_lines(self):
        code, out, err = self.call("control", text='{"protocol":"jk"}\nnothing\n')
        self.assertEqual(code, 1)
        self.assertEqual([json.loads(line)["error"] for line in out.splitlines()], ["unknown protocol", "not JSON"])
        self.assertEqual(err.splitlines(), ["line 1: unknown protocol", "line 2: not JSON"])


class ImportConfig(CommandCase):
    def config(self, name):
        return os.path.join(DATA, "config", name)

    def test_good_file(self):
        code, out, err = self.call("import-config", self.config("v2-two-racks.ini"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("MAX_BATTERY_CHARGE_CURRENT = 100.0", out)
        self.assertIn("[default]\n", out)
        # What it prints as our file means the same again.
        path = os.path.join(self.directory, "ours.ini")
        with open(path, "w") as ours:
            ours.write(out[out.index("[default]"):])
        code, again, err = self.call("import-config", path)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(again[again.index("[default]"):], out[out.index("[default]"):])

    def test_file_with_mistakes(self):
        code, out, err = self.call("import-config", self.config("comma.ini"))
        self.assertEqual(code, 1)
        self.assertIn("a decimal point is needed", out)
        self.assertNotIn("MAX_CELL_VOLTAGE = 0", out)
        self.assertIn("comma.ini", err)

    def test_no_file(self):
        for path in (os.path.join(self.directory, "none.ini"), self.directory):
            code, out, err = self.call("import-config", path)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(path + ": cannot be read", err)


class Ports(CommandCase):
    def test_probe(self):
        for family, baud, title in (("jbd", 9600, "JBD"), ("jk_ttl", 115200, "JK"), ("ant_new", 19200, "ANT")):
            with self.subTest(family):
                self.simulate(family, family)
                port = self.tty(family)
                code, out, err = self.call("probe", port)
                self.assertEqual((code, err), (0, ""))
                self.assertRegex(out, rf"^{port}: {title}.* \({family}\).* at {baud} baud, found in \d+ ms, ")
                code, out, err = self.call("probe", port, "--json")
                found = json.loads(out)
                self.assertEqual((code, err, found["port"], found["otherwise"]), (0, "", port, None))
                self.assertEqual([(b["family"], b["baud"]) for b in found["batteries"]], [(family, baud)])
                self.assertGreater(found["took_ms"], 0)
                self.assertGreater(found["questions"], 0)

    def test_read(self):
        simulator = self.simulate("jbd")
        self.tell(simulator, command="set", current=-7.5, soc=61)
        self.tell(simulator, command="alarm", name="HighCellVoltage", level=2)
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json")
        self.assertEqual((code, err), (0, ""))
        said = json.loads(out)
        truth = self.state(simulator)
        self.assertEqual((said["family"], said["baud"], said["parity"]), ("jbd", 9600, "none"))
        self.assertAlmostEqual(said["voltage_V"], truth["voltage"], delta=0.2)
        self.assertAlmostEqual(said["current_A"], -7.5, delta=0.05)
        self.assertAlmostEqual(said["soc_pct"], 61, delta=1)
        self.assertEqual(said["cell_count"], len(truth["cells_mV"]))
        for cell, mv in zip(said["cells"], truth["cells_mV"], strict=True):
            self.assertAlmostEqual(cell["voltage_V"], mv / 1000, delta=0.06)
        self.assertEqual(said["alarms"]["HighCellVoltage"], 2)
        self.assertEqual(said["alarms"]["LowVoltage"], 0)
        self.assertIsNone(said["heater_current_A"])
        self.assertEqual((said["charge_fet"], said["discharge_fet"]), (True, True))

        code, out, err = self.call("read", self.tty("ttyBMS0"))
        self.assertEqual((code, err), (0, ""))
        self.assertRegex(out, r"(?m)^  current +-7\.50\d A$")
        self.assertRegex(out, r"(?m)^  cell 1 +3\.\d{3} V")
        self.assertRegex(out, r"(?m)^  alarms +HighCellVoltage$")
        self.assertNotIn("heater", out)

    def test_several_on_one_bus(self):
        self.simulate("jk_pb", "ttyBMS0", "--units", "1,2,5")
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json", "--address", "0x01,5")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(sorted(json.loads(line)["address"] for line in out.splitlines()), [1, 5])
        code, out, err = self.call("probe", self.tty("ttyBMS0"), "--type", "jk_pb", "--all", "--json")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(sorted(b["address"] for b in json.loads(out)["batteries"]), [1, 2, 5])
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json", "--address", "2,3")
        self.assertEqual(code, 1)
        self.assertEqual([json.loads(line)["address"] for line in out.splitlines()], [2])
        self.assertIn("nothing at address 0x03", err)

    def test_bus_of_another_master(self):
        """A Seplos V3 stack asks itself: nothing is sent, what its master reads is shown."""
        simulator = self.simulate("seplos3", "ttyMaster")
        self.tell(simulator, command="set", current=-12.5)
        master = self.other_master("ttyMaster", "ttyBMS0")
        code, out, err = self.call("probe", self.tty("ttyBMS0"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("another master asks Seplos V3 batteries here, at 19200", out)
        code, out, err = self.call("read", self.tty("ttyBMS0"), "--json")
        self.assertEqual((code, err), (0, ""))
        battery = json.loads(out)
        self.assertEqual((battery["family"], battery["address"], battery["current_A"]), ("seplos3", 0, -12.5))
        code, out, err = self.call("monitor", self.tty("ttyBMS0"), "--polls", "3")
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(len(out.splitlines()), 3)
        for line in out.splitlines():
            self.assertRegex(line, r"-12\.5\d A.* alarms none$")
        self.assertEqual(master.disturbed, b"")

    def test_nobody_there(self):
        simulator = self.simulate("jbd")
        self.tell(simulator, command="fault", silence=True)
        port = self.tty("ttyBMS0")
        code, out, err = self.call("probe", port)
        self.assertEqual((code, err), (1, ""))
        self.assertIn("no battery answered", out)
        code, out, err = self.call("read", port)
        self.assertEqual((code, out, err), (1, "", f"{port}: no battery answered\n"))

    def test_port_in_use(self):
        self.simulate("jbd")
        port = self.tty("ttyBMS0")
        driver = self.start("dbus-serialbattery", "--state-dir", self.directory, port)
        driver.wait_line("found in")
        for command in ("probe", "read"):
            self.assertEqual(self.call(command, port), (1, "", f"{port}: another process uses the port\n"))

    def test_no_port(self):
        for port, what in ((self.tty("none"), "there is no such port"), ("/dev/null", "it is no serial port")):
            for command in ("probe", "read", "monitor"):
                self.assertEqual(self.call(command, port), (1, "", f"{port}: {what}\n"))


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
        wait_until(lambda: self.count(path, " sent ") > 20, "some polls")
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
        self.assertGreater(self.count(path, " received dd"), 10)

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


class CommandLine(CommandCase):
    def test_wrong_command_lines(self):
        for arguments in ((), ("import-config",), ("decode", "--unheard"), ("read",), ("probe", "x", "--type", "none"),
                          ("read", "x", "--address", "256")):
            code, out, err = self.call(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertNotEqual(err, "")

    def test_help(self):
        code, out, _ = self.call("--help")
        self.assertEqual(code, 0)
        for command in ("decode", "control", "import-config", "probe", "read", "monitor", "replay"):
            self.assertIn(command, out)


if __name__ == "__main__":
    main()
