"""dbus-tsmppt end to end: simulated controller, driver, private bus, python3-dbus as the client."""

import json
import os
import re
import subprocess
import threading
import time
import unittest

import dbus
from venus_testing import BIN, SETTINGS, VenusTestCase, main, wait_until

SERVICE = "com.victronenergy.solarcharger.tsmppt"
ROOT = "/Settings/TristarMPPT/"


class TristarTestCase(VenusTestCase):
    def setUp(self):
        super().setUp()
        self.state = os.path.join(self.directory, "state")

    def start_simulator(self, *options, port=0, scene="E"):
        simulator = self.start("tristar-simulator", "--port", port, "--scene", scene, *options, stdin=True)
        wait_until(lambda: "\n" in simulator.poll_output(), "the simulator's port")
        simulator.port = int(simulator.output.splitlines()[0])
        return simulator

    def start_driver(self):
        return self.start("dbus-tsmppt", "--state-dir", self.state)

    def configure(self, port, address="127.0.0.1", interval=100, hour=11):
        """Names the controller at a given hour of the day: what a reading means depends on it."""
        wait_until(lambda: self.setting(ROOT + "Interval") is not None, "the driver's settings")
        self.today_is(hour)
        self.set_setting(ROOT + "Interval", dbus.Int32(interval))
        self.set_setting(ROOT + "PortNumber", dbus.Int32(port))
        self.set_setting(ROOT + "IPAddress", address)

    def begin(self, scene="E", *options):
        self.simulator = self.start_simulator(*options, scene=scene)
        self.driver = self.start_driver()
        self.configure(self.simulator.port)
        self.wait_name(SERVICE)

    def ask_simulator(self, command, answer):
        """The numbers of the simulator's latest answer to a command."""
        self.simulator.command(command)
        return [int(n) for n in re.findall(answer + r"((?: \d+)+)", self.simulator.output)[-1].split()]

    def word(self, address):
        return self.ask_simulator(f"get {address}", "word")[1]

    def today_is(self, hour, minute=0):
        """Moves the driver's time zone so that its clock shows this time of the same UTC day or the next."""
        now = time.gmtime()
        offset = (now.tm_hour * 60 + now.tm_min) - (hour * 60 + minute)
        sign = "" if offset >= 0 else "-"
        self.set_setting("/Settings/System/TimeZone", f"TST{sign}{abs(offset) // 60}:{abs(offset) % 60:02d}")


class Publishing(TristarTestCase):
    def test_a_reading_reaches_the_client(self):
        self.begin()
        self.wait_value(SERVICE, "/Dc/0/Voltage", 26.84, near=0.001)
        items = self.items(SERVICE)
        expected = {"/Dc/0/Current": 38.60, "/Dc/0/Temperature": 18, "/Pv/V": 74.20, "/Yield/Power": 1036, "/State": 3,
                    "/MppOperationMode": 2, "/ErrorCode": 0, "/Connected": 1, "/ProductId": 0xABCD, "/Mode": 1,
                    "/NrOfTrackers": 1, "/FirmwareVersion": 0x4200FF, "/History/Daily/0/MaxPower": 1121}
        for path, value in expected.items():
            self.assertAlmostEqual(float(items[path]), value, 2, path)
        self.assertEqual(items["/Serial"], "01234567")
        self.assertEqual(items["/ProductName"], "TriStar MPPT 60")
        self.assertEqual(items["/HardwareVersion"], "1.2")
        self.assertIsInstance(items["/FirmwareVersion"], dbus.Int32)
        self.assertIsInstance(items["/Dc/0/Voltage"], dbus.Double)
        self.assertIsInstance(items["/State"], dbus.Int32)
        self.assertEqual(self.text(SERVICE, "/FirmwareVersion"), "v42.00")
        self.assertNotIn("/Link/ChargeVoltage", items)
        self.assertNotIn("/Settings/ChargeCurrentLimit", items)

    def test_scenes_follow_one_another(self):
        self.begin()
        self.simulator.command("scene F")
        self.wait_value(SERVICE, "/State", 4)
        self.wait_value(SERVICE, "/History/Daily/0/TimeInAbsorption", 60)
        self.simulator.command("scene G")
        self.wait_value(SERVICE, "/State", 5)
        self.wait_value(SERVICE, "/Yield/Power", 57)
        self.simulator.command("scene H")
        self.wait_value(SERVICE, "/ErrorCode", 2)
        self.assertEqual(self.value(SERVICE, "/State"), 2)
        self.assertIsNone(self.value(SERVICE, "/Dc/0/Temperature"))
        self.wait_value(SERVICE, "/History/Daily/0/LastError1", 2)

    def test_one_request_per_connection_and_no_foreign_function(self):
        self.begin()
        self.wait_value(SERVICE, "/Custom/Stats/SuccessfulReads", lambda n: n is not None and n > 5)
        connections, requests, foreign, at_once, eeprom = self.ask_simulator("counts", "counts")
        self.assertLessEqual(abs(connections - requests), 1)
        self.assertEqual((foreign, at_once, eeprom), (0, 1, 0))

    def test_an_empty_address_publishes_nothing_and_a_new_one_takes_effect(self):
        self.begin()
        self.set_setting(ROOT + "IPAddress", "")
        self.wait_no_name(SERVICE)
        self.set_setting(ROOT + "IPAddress", "127.0.0.1")
        self.wait_name(SERVICE)
        self.assertTrue(self.driver.running)

    def test_several_controllers(self):
        first = self.start_simulator()
        self.start_simulator("--host", "127.0.0.2", "--serial", "00000042", port=first.port, scene="F")
        self.start_driver()
        self.configure(first.port, "127.0.0.1, 127.0.0.2")
        self.wait_value(SERVICE, "/State", 3)
        self.wait_value(SERVICE + "_00000042", "/State", 4)
        self.assertNotEqual(self.value(SERVICE, "/DeviceInstance"),
                            self.value(SERVICE + "_00000042", "/DeviceInstance"))


class Misbehaviour(TristarTestCase):
    def test_single_bad_answers_change_nothing(self):
        self.begin()
        self.wait_value(SERVICE, "/State", 3)
        for kind in ("early-close", "cut", "short-answer", "wrong-length", "wrong-unit", "wrong-transaction",
                     "wrong-function", "reset", "garbage", "exception"):
            with self.subTest(kind):
                before = self.value(SERVICE, "/Custom/Stats/SuccessfulReads")
                self.simulator.command(f"misbehave {kind} 1")
                self.wait_value(SERVICE, "/Custom/Stats/SuccessfulReads", lambda n: n > before + 1)
                self.assertAlmostEqual(float(self.value(SERVICE, "/Dc/0/Voltage")), 26.84, 2)
                self.assertEqual(self.value(SERVICE, "/Connected"), 1)

    def test_lasting_failure_invalidates_and_recovers(self):
        self.begin()
        self.wait_value(SERVICE, "/State", 3)
        self.simulator.command("misbehave early-close 1000000")
        self.wait_value(SERVICE, "/Connected", 0)
        self.assertIsNone(self.value(SERVICE, "/Dc/0/Voltage"))
        self.assertIsNone(self.value(SERVICE, "/State"))
        self.assertAlmostEqual(float(self.value(SERVICE, "/History/Daily/0/Yield")), 1.62, 3)
        self.simulator.command("misbehave none 0")
        self.wait_value(SERVICE, "/Connected", 1)
        self.wait_value(SERVICE, "/State", 3)

    def test_zero_scaling_is_no_reading(self):
        self.begin()
        self.wait_value(SERVICE, "/State", 3)
        self.simulator.command("set 0 0")
        self.wait_value(SERVICE, "/Connected", 0)
        self.assertIsNone(self.value(SERVICE, "/Dc/0/Voltage"))
        self.simulator.command("unset 0")
        self.wait_value(SERVICE, "/Connected", 1)


class Controls(TristarTestCase):
    def test_mode_reaches_the_coil_and_is_read_back(self):
        self.begin()
        self.wait_value(SERVICE, "/Mode", 1)
        self.assertEqual(self.set_value(SERVICE, "/Mode", dbus.Int32(4)), 0)
        self.wait_value(SERVICE, "/Mode", 4)
        self.wait_value(SERVICE, "/State", 0)
        self.assertEqual(self.ask_simulator("coils", "coils"), [0, 1])
        self.assertEqual(self.set_value(SERVICE, "/Mode", dbus.Int32(1)), 0)
        self.wait_value(SERVICE, "/State", 3)
        self.assertNotEqual(self.set_value(SERVICE, "/Mode", dbus.Int32(7)), 0)
        self.assertNotEqual(self.set_value(SERVICE, "/State", dbus.Int32(4)), 0)

    def test_an_override_is_written_shown_and_released(self):
        self.begin()
        self.wait_value(SERVICE, "/Custom/SystemVoltage", 24)
        self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", 28.4), 0)
        self.wait_value(SERVICE, "/State", 252)
        self.assertEqual(self.word(89), round(28.4 * 32768 / 180))
        self.wait_value(SERVICE, "/Custom/VoltageOverride/RegisterReadback", 28.4, near=0.01)
        for impossible in (33.0, 14.0):
            self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", impossible), 2)
        self.assertAlmostEqual(float(self.value(SERVICE, "/Control/VoltageOverride")), 28.4, 2)
        self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", 0.0), 0)
        self.wait_value(SERVICE, "/State", 3)
        self.assertEqual(self.word(89), 0xFFF0)
        self.assertEqual(self.value(SERVICE, "/Custom/VoltageOverride/StopReason"), "UserDisabled")

    def test_a_stopped_driver_releases_its_override(self):
        self.begin()
        self.wait_value(SERVICE, "/Custom/SystemVoltage", 24)
        self.set_value(SERVICE, "/Control/VoltageOverride", 28.4)
        self.wait_value(SERVICE, "/State", 252)
        self.assertEqual(self.driver.terminate(), 0)
        self.assertEqual(self.word(89), 0xFFF0)

    def test_dip_switch_8_refuses_writes(self):
        self.begin()
        self.simulator.command("set 48 2")
        self.wait_value(SERVICE, "/Custom/WritesAllowed", 0)
        self.assertEqual(self.set_value(SERVICE, "/Mode", dbus.Int32(4)), 2)
        self.assertEqual(self.ask_simulator("coils", "coils"), [0, 0])

    def test_a_refusal_by_the_controller_changes_nothing(self):
        self.begin()
        self.wait_value(SERVICE, "/Mode", 1)
        self.simulator.command("refuse-writes yes")
        self.set_value(SERVICE, "/Mode", dbus.Int32(4))
        self.driver.wait_line("was not written")
        self.assertEqual(self.value(SERVICE, "/Mode"), 1)

    def test_a_charge_profile_is_written_and_verified(self):
        self.begin()
        self.simulator.command("set 48 186")
        self.wait_value(SERVICE, "/Custom/DipSwitches", 186)
        wait_until(lambda: self.setting(ROOT + "ChargeProfiles/Summer/FloatCancelVoltage") is not None, "profiles")
        self.assertEqual(self.set_value(SERVICE, "/Control/ApplyChargeProfile", "nosuch"), 2)
        self.assertEqual(self.set_value(SERVICE, "/Control/ApplyChargeProfile", "summer"), 0)
        self.wait_value(SERVICE, "/Custom/ChargeProfile/ApplyStatus",
                        lambda status: status in ("success", "failed"))
        self.assertEqual(self.value(SERVICE, "/Custom/ChargeProfile/LastError"), "")
        self.assertEqual(self.word(0xE000), round(14.2 * 32768 / 180))
        self.wait_value(SERVICE, "/Custom/EEPROM/AbsorptionVoltage", 28.4, near=0.02)
        self.wait_value(SERVICE, "/Mode", 1)


class Killed(TristarTestCase):
    def test_history_survives_a_kill_of_the_driver(self):
        self.begin()
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 1.62, near=0.0005)
        for scene, expected in (("F", 2.81), ("G", 3.37)):
            self.driver.kill()
            self.wait_no_name(SERVICE)
            self.simulator.command("scene " + scene)
            self.driver = self.start_driver()
            self.wait_value(SERVICE, "/History/Daily/0/Yield", expected, near=0.0005)
        self.assertAlmostEqual(float(self.value(SERVICE, "/Yield/System")), 2604 + 3.37 - 1.62, 2)

    def test_the_day_with_a_restart_at_every_step(self):
        self.simulator = self.start_simulator(scene="A")
        self.driver = self.start_driver()
        self.configure(self.simulator.port, hour=3)
        self.wait_value(SERVICE, "/History/Daily/1/Yield", 3.31, near=0.0005)
        steps = (("B", 6, 30, 0), ("C", 7, 0, 0), ("D", 7, 5, 0), ("E", 11, 30, 1.62), ("F", 13, 30, 2.81),
                 ("G", 16, 0, 3.37), ("I", 20, 0, 3.40))
        for scene, hour, minute, today in steps:
            with self.subTest(scene):
                self.driver.kill()
                self.wait_no_name(SERVICE)
                self.today_is(hour, minute)
                self.simulator.command("scene " + scene)
                self.driver = self.start_driver()
                self.wait_value(SERVICE, "/History/Daily/0/Yield", today, near=0.0005)
                self.wait_value(SERVICE, "/History/Daily/1/Yield", 3.31, near=0.0005)

    def test_the_simulator_comes_back(self):
        self.begin()
        self.wait_value(SERVICE, "/State", 3)
        port = self.simulator.port
        self.simulator.kill()
        self.wait_value(SERVICE, "/Connected", 0)
        self.simulator = self.start_simulator(port=port, scene="F")
        self.wait_value(SERVICE, "/State", 4)

    def test_the_settings_service_comes_back(self):
        self.begin()
        self.settings.kill()
        self.wait_no_name(SETTINGS)
        self.simulator.command("scene F")
        self.wait_value(SERVICE, "/State", 4)
        self.start_settings()
        # Killed before it wrote its file it may have lost the latest changes; the driver registers its settings again.
        self.configure(self.simulator.port)
        self.wait_value(SERVICE, "/State", 4)
        self.set_setting(ROOT + "IPAddress", "")
        self.wait_no_name(SERVICE)

    def test_the_driver_ends_with_the_bus(self):
        self.begin()
        self.bus_daemon.kill()
        self.assertEqual(self.driver.wait_exit(), 1)


class CommandLine(TristarTestCase):
    with_settings = False

    def run_tool(self, *arguments, given=""):
        return subprocess.run([os.path.join(BIN, "dbus-tsmppt"), *map(str, arguments)], input=given, text=True,
                              capture_output=True, timeout=60)

    def test_read_scan_and_decode(self):
        simulator = self.start_simulator()
        read = self.run_tool("read", "--host", "127.0.0.1", "--port", simulator.port, "--json")
        self.assertEqual(read.returncode, 0, read.stderr)
        self.assertEqual(json.loads(read.stdout)["venus"]["/Dc/0/Voltage"], 26.84)
        scan = self.run_tool("scan", "127.0.0.0/30", "--port", simulator.port)
        self.assertEqual(scan.returncode, 0, scan.stderr)
        self.assertIn("01234567", scan.stdout)
        decode = self.run_tool("decode", given='{"registers": {"0": 180, "1": 0, "2": 0, "3": 0}}\n')
        self.assertEqual(json.loads(decode.stdout), {"error": "no_scaling"})
        nobody = self.run_tool("read", "--host", "127.0.0.1", "--port", "1")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("refused", nobody.stderr)

    def test_a_foreign_server(self):
        from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
        from pymodbus.server import StartTcpServer, ServerStop
        simulator = self.start_simulator()
        block = self.run_tool("read", "--host", "127.0.0.1", "--port", simulator.port, "--json")
        words = [0] * 0x10000
        for address, word in ((0, 180), (2, 80), (24, 4886), (50, 5), (58, 9430)):
            words[address] = word
        store = ModbusSlaveContext(ir=ModbusSequentialDataBlock(0, words), hr=ModbusSequentialDataBlock(0, words),
                                   zero_mode=True)
        with __import__("socket").create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        server = threading.Thread(target=StartTcpServer, daemon=True, kwargs={
            "context": ModbusServerContext(slaves=store, single=True), "address": ("127.0.0.1", port)})
        server.start()
        self.addCleanup(ServerStop)
        wait_until(lambda: self.run_tool("read", "--host", "127.0.0.1", "--port", port).returncode == 0,
                   "the foreign server")
        read = self.run_tool("read", "--host", "127.0.0.1", "--port", port, "--json")
        venus = json.loads(read.stdout)["venus"]
        self.assertEqual(venus["/Dc/0/Voltage"], json.loads(block.stdout)["venus"]["/Dc/0/Voltage"])
        self.assertEqual(venus["/State"], 3)


if __name__ == "__main__":
    main()
