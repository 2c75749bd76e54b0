"""How the driver behaves on a port: the contract with serial-starter, disturbed lines, silence and its end, settings."""

import fcntl
import json
import os
import signal
import stat
import tempfile
import time
import tty

import dbus
from battery_case import NOT_OURS, ROOT, BatteryTestCase
from venus_testing import BIN, SETTINGS, SignalLog, main, wait_until

SERVICES = os.path.abspath(os.path.join(os.path.dirname(__file__), "../../../services"))
SOON = 60  # s; a passing test waits no longer than the driver takes, the machine may be busy


class SerialStarter(BatteryTestCase):
    """Starts the driver the way serial-starter does: the template filled in, and a lock that names who took it."""

    def setUp(self):
        super().setUp()
        self.locks = self.tty("locks")
        os.makedirs(self.locks)
        tools = self.tty("tools")
        os.makedirs(tools)
        # Of daemontools, which is not installed where this is tested.
        self.script(os.path.join(tools, "softlimit"),
                    'while [ "${1#-}" != "$1" ]; do shift 2; done\nexec "$@"\n')
        self.path = tools + ":" + os.environ["PATH"]

    def script(self, path, text):
        with open(path, "w") as out:
            out.write(text if text.startswith("#!") else "#!/bin/sh\n" + text)
        os.chmod(path, os.stat(path).st_mode | stat.S_IXUSR)

    def lock(self, port):
        return os.path.join(self.locks, port)

    def start_on(self, port):
        with open(os.path.join(SERVICES, "dbus-serialbattery/run")) as template:
            run = "".join(line.replace("TTY", port, 1) for line in template)
        directory = tempfile.mkdtemp(prefix="service-", dir=self.directory)
        self.script(os.path.join(directory, "run"), run)
        program = self.start("/bin/sh", "-c", f"cd {directory} && exec ./run", PATH=self.path,
                             VENUS_BIN=os.path.abspath(BIN), VENUS_SERVICES=SERVICES, VENUS_LOCKS=self.locks,
                             VENUS_DATA=self.tty("data"), VENUS_DEV=self.directory)
        os.symlink(str(program.process.pid), self.lock(port))
        return program

    def free_line(self, name):
        """A port without anybody behind it; returns the far end."""
        far, near = os.openpty()
        self.addCleanup(os.close, far)
        self.addCleanup(os.close, near)
        tty.setraw(near)
        os.set_blocking(far, False)
        os.symlink(os.ttyname(near), self.tty(name))
        return far

    def assert_released(self, program, port, code):
        wait_until(lambda: not program.running, f"{port} to be given up; it said {program.poll_output()}", SOON)
        self.assertEqual(program.wait_exit(), code, program.output)
        self.assertFalse(os.path.lexists(self.lock(port)), "the lock is still there")
        self.assertFalse(self.has_name(ROOT + port))

    def driver_pid(self, program):
        children = f"/proc/{program.process.pid}/task/{program.process.pid}/children"
        with open(children) as listed:
            return int(listed.read().split()[0])

    def test_stays_while_its_battery_is_there(self):
        self.simulate("jbd", "ttyUSB0")
        for stop in (lambda program: program.process.send_signal(signal.SIGTERM),
                     lambda program: os.kill(self.driver_pid(program), signal.SIGKILL)):
            program = self.start_on("ttyUSB0")
            self.wait_name(ROOT + "ttyUSB0")
            self.assertTrue(os.path.lexists(self.lock("ttyUSB0")))
            driver = self.driver_pid(program)
            stop(program)
            program.wait_exit()
            self.assertFalse(os.path.lexists(self.lock("ttyUSB0")))
            self.assertFalse(os.path.exists(f"/proc/{driver}"), "the driver outlives its wrapper")
            self.wait_no_name(ROOT + "ttyUSB0")

    def test_gives_up_what_is_not_its_own(self):
        begin = time.monotonic()
        self.free_line("ttySilent")
        talker = self.free_line("ttyDirect")
        busy = self.free_line("ttyBusy")
        holder = os.open(self.tty("ttyBusy"), os.O_RDWR | os.O_NOCTTY)
        self.addCleanup(os.close, holder)
        fcntl.flock(holder, fcntl.LOCK_EX)
        programs = {port: self.start_on(port) for port in ("ttyGone", "ttySilent", "ttyDirect", "ttyBusy")}
        block = b"\r\nPID\t0xA053\r\nFW\t159\r\nV\t12800\r\nI\t-40\r\nVPV\t10\r\nPPV\t0\r\nCS\t0\r\nChecksum\t\x8b"

        def chatter():
            try:
                os.write(talker, block)
            except BlockingIOError:
                pass  # nobody reads it yet
            return not programs["ttyDirect"].running
        wait_until(chatter, "the VE.Direct port to be given up", SOON)
        for port, program in programs.items():
            self.assert_released(program, port, NOT_OURS)
        self.assertLess(time.monotonic() - begin, SOON)
        self.assertIn("no battery answered", programs["ttySilent"].output)
        self.assertIn("VE.Direct", programs["ttyDirect"].output)
        with self.assertRaises(BlockingIOError, msg="bytes were sent to a port of somebody else"):
            os.read(busy, 100)

    def test_never_touches_an_excluded_port(self):
        far = self.free_line("ttyUSB9")
        program = self.drive("ttyUSB9", config="[default]\nEXCLUDED_DEVICES = /dev/ttyUSB9\n")
        self.assertEqual(program.wait_exit(), 0)
        with self.assertRaises(BlockingIOError):
            os.read(far, 100)

    def test_wrong_arguments_are_no_restart_loop_of_a_port(self):
        for arguments in ((), ("--no-such-option", "/dev/null")):
            program = self.start("dbus-serialbattery", *arguments)
            self.assertNotIn(program.wait_exit(), (0, NOT_OURS))


# What is wrong with a line, and whether it stays so while values must still arrive.
DISTURBANCES = {
    "noise": {"prefix": "00ff7fdd"},
    "lost_bytes": {"lose": 211},
    "flipped_bits": {"garble": 307},
    "wrong_checksum": {"damage": 2},
    "glued_frames": {"prefix": "ddaa00020000fffe77"},  # a late answer to something else in the same block
    "half_duplex_echo": {"echo": True},
    "foreign_replies": {"prefix": "0103020017f84a"},
    "slow_adapter": {"block_ms": 64},
}


class Lines(BatteryTestCase):
    def test_disturbed_lines_deliver_true_values(self):
        """All at once, each on a port of its own: found and read while the line is as it is."""
        lines = {}
        for name, fault in DISTURBANCES.items():
            port = "tty_" + name
            simulator = self.simulate("jbd", port)
            self.tell(simulator, command="fault", **fault)
            lines[name] = (simulator, ROOT + port, SignalLog(self.bus, ROOT + port), self.drive(port), port)

        def all_there():
            for name, (simulator, service, log, driver, port) in lines.items():
                if not driver.running:  # serial-starter comes round again
                    lines[name] = (simulator, service, log, self.drive(port), port)
            return all(self.has_name(service) for _, service, *_ in lines.values())
        wait_until(all_there, lambda: "all batteries; missing: " + ", ".join(
            n for n, line in lines.items() if not self.has_name(line[1])), SOON)
        for amperes in (-12.5, 7.25, -30.0):
            for simulator, *_ in lines.values():
                self.tell(simulator, command="set", current=amperes)
            for _, service, *_ in lines.values():
                self.wait_value(service, "/Dc/0/Current", amperes, near=0.02)
        for name, (_, service, log, *_) in lines.items():
            self.assertTrue(log.signals, name)
            for _, _, body in log.signals:
                for path, change in body.items():
                    self.assert_true_value(name, str(path), change["Value"])

    def assert_true_value(self, line, path, value):
        if isinstance(value, dbus.Array):
            return
        if path == "/Dc/0/Current":
            self.assertIn(round(float(value), 2), (5.0, -12.5, 7.25, -30.0), line)
        elif path == "/Dc/0/Voltage":
            self.assertTrue(52 < value < 54, f"{line}: {path} {value}")
        elif path.startswith("/Voltages/Cell"):
            self.assertTrue(3.2 < value < 3.4, f"{line}: {path} {value}")
        elif path == "/Soc":
            self.assertTrue(58 < value < 62, f"{line}: {path} {value}")
        elif path.startswith("/Alarms/"):
            self.assertEqual(value, 0, f"{line}: {path}")

    def test_silence_and_its_end(self):
        simulator = self.simulate("jbd", "ttyBMS0")
        driver = self.drive("ttyBMS0")
        service = ROOT + "ttyBMS0"
        self.wait_name(service)
        self.wait_value(service, "/Dc/0/Voltage", lambda v: v is not None)
        limits = self.value(service, "/Info/MaxChargeCurrent")
        self.assertGreater(limits, 0)
        self.tell(simulator, command="fault", silence=True)
        self.wait_value(service, "/ConnectionInformation", lambda v: str(v).startswith("Lost"))
        self.wait_value(service, "/Dc/0/Voltage", None)
        self.wait_value(service, "/System/NrOfModulesOffline", 1)
        # Its cells were in the safe window: the last limits stay, the rest is as it was.
        self.assertEqual(self.value(service, "/Info/MaxChargeCurrent"), limits)
        self.assertIsNotNone(self.value(service, "/Soc"))
        # Who wishes it has no current from then on, at once.
        self.assertEqual(self.set_value(service, "/Settings/Connection/Block", dbus.Int32(1)), 0)
        self.wait_value(service, "/Info/MaxChargeCurrent", 0)
        self.wait_value(service, "/Info/MaxDischargeCurrent", 0)
        self.tell(simulator, command="fault", silence=False)
        self.wait_value(service, "/Dc/0/Voltage", lambda v: v is not None)
        self.wait_value(service, "/System/NrOfModulesOffline", 0)
        self.wait_value(service, "/ConnectionInformation", lambda v: str(v).startswith("Connected"))
        self.wait_value(service, "/Dc/0/Current", 5.0, near=0.05)
        self.assertTrue(driver.running)

    def test_unplugged_and_back(self):
        simulator = self.simulate("jbd", "ttyBMS0")
        driver = self.drive("ttyBMS0")
        service = ROOT + "ttyBMS0"
        self.wait_name(service)
        owner = self.bus.get_name_owner(service)
        simulator.kill()
        os.unlink(self.tty("ttyBMS0"))
        self.wait_value(service, "/Dc/0/Voltage", None)
        again = self.simulate("jbd", "ttyBMS0")
        self.tell(again, command="set", current=-8)
        self.wait_value(service, "/Dc/0/Current", -8, near=0.05)
        self.assertEqual(self.bus.get_name_owner(service), owner, "it never left the bus")
        self.assertTrue(driver.running)


class Settings(BatteryTestCase):
    def test_are_live_checked_and_kept(self):
        self.simulate("jbd", "ttyBMS0")
        driver = self.drive("ttyBMS0")
        service = ROOT + "ttyBMS0"
        self.wait_name(service)
        cells = int(self.value(service, "/System/NrOfCellsPerBattery"))
        path = "/Settings/Limits/MaxCellVoltage"
        self.wait_value(service, "/Info/MaxChargeVoltage", 3.45 * cells, near=0.011)
        self.assertEqual(self.set_value(service, path, dbus.Double(3.40)), 0)
        self.wait_value(service, "/Info/MaxChargeVoltage", 3.40 * cells, near=0.011)
        # Out of range, and below what the float voltage needs.
        for wrong in (9.0, 2.0):
            self.assertEqual(self.set_value(service, path, dbus.Double(wrong)), 2)
        self.assertEqual(self.value(service, path), 3.40)
        self.check_log_level(driver, lambda: self.assertEqual(self.set_value(service, path, dbus.Double(2.0)), 2))
        stored = self.wait_setting_root(service) + "Limits/MaxCellVoltage"
        self.assertEqual(self.setting(stored), 3.40)
        # The other way round: from the settings service.
        self.set_setting(stored, dbus.Double(3.42))
        self.wait_value(service, path, 3.42)
        self.wait_value(service, "/Info/MaxChargeVoltage", 3.42 * cells, near=0.011)
        self.assertEqual(self.set_value(service, "/CustomName", "House"), 0)
        instance = self.value(service, "/DeviceInstance")
        self.assertEqual(driver.terminate(), 0)
        self.drive("ttyBMS0")
        self.wait_name(service)
        self.wait_value(service, path, 3.42)
        self.wait_value(service, "/CustomName", "House")
        self.assertEqual(self.value(service, "/DeviceInstance"), instance)
        self.assertEqual(self.set_value(service, "/Settings/RestoreDefaults", dbus.Int32(1)), 0)
        self.wait_value(service, path, 3.45)
        self.assertEqual(self.value(service, "/Settings/RestoreDefaults"), 0)

    def check_log_level(self, driver, be_refused):
        """A refusal is a warning in the log unless only errors are wanted there."""
        def told():
            before = driver.poll_output().count("FLOAT_CELL_VOLTAGE")
            be_refused()
            return driver.poll_output().count("FLOAT_CELL_VOLTAGE") > before
        self.assertTrue(told())
        self.set_setting("/Settings/BatteryDriver/LogLevel", "ERROR")
        wait_until(lambda: not told(), "silence in the log")
        self.set_setting("/Settings/BatteryDriver/LogLevel", "INFO")
        wait_until(told, "the refusal in the log")

    def test_texts_for_programs_and_people(self):
        simulator = self.simulate("jbd", "ttyBMS0")
        self.drive("ttyBMS0")
        service = ROOT + "ttyBMS0"
        self.wait_name(service)
        texts = ("/JsonData", "/Info/ChargeModeDebug", "/Info/ChargeModeDebugFloat", "/Info/ChargeModeDebugBulk")
        for path in texts:
            self.assertNotIn(path, self.items(service))
        signals = SignalLog(self.bus, service)
        for name in ("PublishJson", "PublishDebug"):
            self.set_setting("/Settings/BatteryDriver/" + name, dbus.Int32(1))
        for path in texts:
            self.wait_value(service, path, lambda text: text)
        self.tell(simulator, command="set", current=-7)
        said = lambda: json.loads(self.value(service, "/JsonData"))
        wait_until(lambda: abs(said()["Dc"]["0"]["Current"] + 7) < 0.06, "the current in the text")
        everything = said()
        self.assertEqual(everything["CustomName"], self.value(service, "/CustomName"))
        self.assertIsNone(everything["SocBms"])
        self.assertEqual(everything["ProductId"], self.value(service, "/ProductId"))
        self.assertIn("phase: ", self.value(service, "/Info/ChargeModeDebug"))
        self.assertTrue(any("/JsonData" in body for _, _, body in signals.signals), "who listens hears of it")
        for name in ("PublishJson", "PublishDebug"):
            self.set_setting("/Settings/BatteryDriver/" + name, dbus.Int32(0))
        for path in texts:
            wait_until(lambda: path not in self.items(service), path + " to be gone")

    def start_shunt(self, amperes, soc):
        shunt = self.start("velib-test-service", "--name", ROOT + "shunt", "--id", "shunt", stdin=True)
        shunt.wait_line("ready")
        shunt.command(f"batch /Dc/0/Current={amperes} /Soc={soc}")
        return shunt

    def test_a_shunt_counts_while_it_is_there(self):
        shunt = self.start_shunt(-7.5, 61.5)
        simulator = self.simulate("jbd", "ttyBMS0")
        self.drive("ttyBMS0", config=f"[default]\nEXTERNAL_SENSOR_DBUS_DEVICE = {ROOT}shunt\n"
                                     "EXTERNAL_SENSOR_DBUS_PATH_CURRENT = /Dc/0/Current\n")
        service = ROOT + "ttyBMS0"
        self.wait_name(service)
        self.wait_value(service, "/Dc/0/Current", -7.5)
        self.assertIsNone(self.value(service, "/SocBms"))
        self.assertEqual(self.set_value(service, "/Settings/Soc/ExternalSocPath", "/Soc"), 0)
        self.wait_value(service, "/Soc", 61.5)
        self.wait_value(service, "/SocBms", 60, near=1)
        shunt.command("set /Dc/0/Current real 3.5")
        self.wait_value(service, "/Dc/0/Current", 3.5)
        # Known by its instance it may come back under another name; without it the BMS's values count.
        instance = self.value(ROOT + "shunt", "/DeviceInstance")
        path = "/Settings/Soc/ExternalInstance"
        self.assertEqual(self.set_value(service, path, dbus.Double(instance + 1)), 0)
        self.wait_value(service, "/Dc/0/Current", 5.0, near=0.05)
        self.assertEqual(self.set_value(service, "/Settings/Soc/ExternalService", ROOT.rstrip(".")), 0)
        self.assertEqual(self.set_value(service, path, dbus.Double(instance)), 0)
        self.wait_value(service, "/Dc/0/Current", 3.5)
        shunt.command("leave")
        self.wait_value(service, "/Dc/0/Current", 5.0, near=0.05)
        self.wait_value(service, "/SocBms", None)
        # A battery is no shunt of its own.
        self.assertEqual(self.set_value(service, path, dbus.Double(self.value(service, "/DeviceInstance"))), 0)
        self.tell(simulator, command="set", current=4)
        self.wait_value(service, "/Dc/0/Current", 4.0, near=0.05)
        self.assertEqual(self.set_value(service, path, dbus.Double(instance)), 0)
        shunt.command("join")
        self.wait_value(service, "/Dc/0/Current", 3.5)

    def test_time_to_go_ends_where_the_ess_stops(self):
        root = "/Settings/CGwacs/"
        ess = {"Hub4Mode": 1, "BatteryLife/State": 10, "BatteryLife/MinimumSocLimit": 40}
        requests = dbus.Array([{"path": root + name, "default": value} for name, value in ess.items()], "a{sv}")
        service = self.bus.get_object(SETTINGS, "/", introspect=False)
        dbus.Interface(service, "com.victronenergy.Settings").AddSettings(requests)
        simulator = self.simulate("jbd", "ttyBMS0")
        self.tell(simulator, command="set", current=-20, soc=60)
        self.drive("ttyBMS0")
        service = ROOT + "ttyBMS0"
        self.wait_name(service)
        seconds = float(self.wait_value(service, "/TimeToGo", lambda v: v))
        hours = (self.value(service, "/Soc") - 40) / 100 * self.value(service, "/InstalledCapacity") / 20
        self.assertAlmostEqual(seconds, hours * 3600, delta=hours * 360)

    def test_what_a_user_says_of_a_battery_reaches_it(self):
        simulator = self.simulate("jbd_up16s", "ttyBMS0")
        self.simulate("jbd", "ttyBMS1")
        switched, sensed = ROOT + "ttyBMS0", ROOT + "ttyBMS1"
        path = "/Settings/ForceChargingOff"

        def drive(config=None):
            driver = self.drive("ttyBMS0", "ttyBMS1", config=config)
            for service in (switched, sensed):
                self.wait_name(service)
                self.wait_value(service, "/Dc/0/Voltage", lambda v: v)
            return driver

        # A switch that nobody saw work is only for who asks for it.
        driver = drive()
        self.assertNotIn(path, self.items(switched))
        self.assertIsNotNone(self.value(sensed, "/System/MOSTemperature"))
        self.assertEqual(driver.terminate(), 0)
        drive("[port:ttyBMS0]\nUNVERIFIED_CONTROLS = True\n[port:ttyBMS1]\nJBD_FIRST_SENSOR_IS_MOSFET = False\n")
        self.wait_value(switched, path, 0)
        self.assertEqual(self.set_value(switched, path, dbus.Int32(1)), 0)
        self.wait_value(switched, path, 1)
        self.assertFalse(self.state(simulator)["charge_allowed"])
        self.assertIsNone(self.value(sensed, "/System/MOSTemperature"))

    def test_a_faulty_file_is_reported(self):
        self.simulate("jbd", "ttyBMS0")
        service = ROOT + "ttyBMS0"
        self.drive("ttyBMS0", config="[default]\nMAX_CELL_VOLTAGE = 3,40\n")
        self.wait_name(service)
        self.wait_value(service, "/State", 10)
        self.wait_value(service, "/ErrorCode", 119)
        self.assertIn("MAX_CELL_VOLTAGE", str(self.value(service, "/Info/ConfigError")))
        cells = int(self.value(service, "/System/NrOfCellsPerBattery"))
        self.assertAlmostEqual(float(self.value(service, "/Info/MaxChargeVoltage")), 3.45 * cells, delta=0.011)


if __name__ == "__main__":
    main()
