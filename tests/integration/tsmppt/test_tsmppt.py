"""dbus-tsmppt end to end: simulated controller, driver, private bus, python3-dbus as the client."""

import json
import os
import re
import subprocess

import dbus
from tristar_testing import ROOT, SERVICE, TristarTestCase
from venus_testing import BIN, SignalLog, main, wait_until

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "tsmppt.md")

# What a controller that does not answer still has: who it is, what is remembered, and how reading goes. Nothing that was
# measured or stands in a register.
REMEMBERED = ("/Mgmt/", "/History/", "/Yield/User", "/Yield/System", "/Custom/Stats/", "/Custom/ChargeProfile/")
KEPT_WITHOUT_CONTACT = {
    "/DeviceInstance", "/ProductId", "/ProductName", "/CustomName", "/Serial", "/FirmwareVersion", "/HardwareVersion",
    "/Connected", "/NrOfTrackers", "/Control/ResetController", "/Control/ResetCommServer", "/Control/ClearFaults",
    "/Control/ClearAlarms", "/Control/ClearAhResettable", "/Control/ClearKwhResettable", "/Control/ApplyChargeProfile"}


def documented_paths():
    """The paths in the tables of docs/tsmppt.md; a name without a slash stands beside the path before it."""
    paths = set()
    with open(PAGE, encoding="utf-8") as page:
        for row in page:
            folder = ""
            for word in re.findall("`([^`]+)`", row.split("|")[1]) if row.startswith("| `/") else ():
                path = word.replace("0..30", "0") if word.startswith("/") else folder + word
                folder = path.rsplit("/", 1)[0] + "/"
                paths.add(path)
    return paths


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

    def test_every_path_is_in_the_users_page(self):
        self.begin(ExternalControl=1)
        self.wait_value(SERVICE, "/State", 3)
        self.assertEqual(set(self.items(SERVICE)), documented_paths())

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
        self.simulator.command("scene E")
        self.simulator.command("set 50 10")  # seen on real units after slave control was left in a wrong way
        self.wait_value(SERVICE, "/State", 3)
        self.wait_readings(2)
        self.assertEqual(self.driver.poll_output().count("charge state 10 is in no document"), 1)

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

    def test_what_is_no_address_is_named_in_the_log(self):
        self.begin()
        port = self.simulator.port
        self.set_setting(ROOT + "IPAddress", f"my charger,, 10.0.0.1:70000 ,127.0.0.1:{port},http://10.0.0.2,10.0.0.3:0")
        for word in ("my charger", "10.0.0.1:70000", "http://10.0.0.2", "10.0.0.3:0"):
            self.driver.wait_line(f'/Settings/TristarMPPT/IPAddress: "{word}" is left out')
        self.wait_name(SERVICE)
        said_empty = self.driver.poll_output().count("IPAddress is empty")
        self.set_setting(ROOT + "IPAddress", "my charger")
        self.wait_no_name(SERVICE)
        self.assertEqual(self.driver.poll_output().count("IPAddress is empty"), said_empty)

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
        items = self.items(SERVICE)
        known = {path for path, value in items.items() if value is not None}
        self.assertEqual({path for path in known if not path.startswith(REMEMBERED)}, KEPT_WITHOUT_CONTACT)
        self.assertAlmostEqual(float(items["/History/Daily/0/Yield"]), 1.62, 3)
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

    def test_an_override_is_taken_back_before_it_is_shown(self):
        self.begin()
        self.wait_value(SERVICE, "/Custom/SystemVoltage", 24)
        self.wait_value(SERVICE, "/Control/VoltageOverride", 0)
        self.simulator.command("delay 300")
        self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", 28.4), 0)
        self.assertEqual(self.value(SERVICE, "/Control/VoltageOverride"), 0)
        self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", 0.0), 0)
        self.wait_value(SERVICE, "/Custom/VoltageOverride/StopReason", "UserDisabled")
        self.wait_readings(2)
        self.assertIn(self.word(89), (0, 0xFFF0))
        self.assertEqual(self.value(SERVICE, "/State"), 3)

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

    def begin_with_profiles(self):
        self.begin()
        self.simulator.command("set 48 186")
        self.wait_value(SERVICE, "/Custom/DipSwitches", 186)
        wait_until(lambda: self.setting(ROOT + "ChargeProfiles/Summer/FloatCancelVoltage") is not None, "profiles")
        self.set_setting(ROOT + "ChargeProfiles/Names", "Summer,Winter,Custom,no/name")
        self.driver.wait_line('ChargeProfiles/Names: "no/name" is left out')

    def apply_profile(self, name):
        """Returns what went wrong."""
        self.assertEqual(self.set_value(SERVICE, "/Control/ApplyChargeProfile", name), 0)
        self.wait_value(SERVICE, "/Custom/ChargeProfile/ApplyStatus",
                        lambda status: status in ("success", "failed"))
        return str(self.value(SERVICE, "/Custom/ChargeProfile/LastError"))

    def test_a_charge_profile_is_written_and_verified(self):
        self.begin_with_profiles()
        self.assertEqual(self.set_value(SERVICE, "/Control/ApplyChargeProfile", "nosuch"), 2)
        log = SignalLog(self.bus, SERVICE)
        self.assertEqual(self.apply_profile("summer"), "")
        states = [changes["/State"]["Value"] for _member, _path, changes in log.signals if "/State" in changes]
        self.assertEqual(states[:1], [0], "that charging stops for it is shown")
        self.assertEqual(self.word(0xE000), round(14.2 * 32768 / 180))
        self.wait_value(SERVICE, "/Custom/EEPROM/AbsorptionVoltage", 28.4, near=0.02)
        self.wait_value(SERVICE, "/Mode", 1)

    def test_a_memory_that_takes_its_time_is_waited_for(self):
        self.begin_with_profiles()
        self.simulator.command("memory-delay 0.4")
        self.assertEqual(self.apply_profile("winter"), "")
        self.assertEqual(self.word(0xE001), round(13.8 * 32768 / 180))

    def test_a_profile_that_cannot_be_written_whole_is_taken_back(self):
        self.begin_with_profiles()
        before = {address: self.word(address) for address in (0xE000, 0xE001, 0xE002, 0xE005)}
        self.simulator.command(f"set {0xE000} {before[0xE000]}")  # a worn cell
        error = self.apply_profile("custom")
        self.assertRegex(error, "register 0xe000 holds .*; the former set points are back")
        self.assertEqual({address: self.word(address) for address in before}, before)
        # Set points that were written leave a fault until the controller has restarted.
        self.wait_value(SERVICE, "/ErrorCode", 0)
        self.wait_value(SERVICE, "/Mode", 1)
        self.wait_value(SERVICE, "/State", 3)


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
        simulator.command("set 4 170")  # 0x00AA: no decimal digits
        scan = self.run_tool("scan", f"127.0.0.1:{simulator.port}", "--json")
        self.assertEqual(json.loads(scan.stdout), {"host": "127.0.0.1", "product": "TriStar MPPT 60", "serial": "01234567",
                                                   "software_version": None, "battery_voltage": 26.84})
        decode = self.run_tool("decode", given='{"registers": {"0": 180, "1": 0, "2": 0, "3": 0}}\n')
        self.assertEqual(json.loads(decode.stdout), {"error": "no_scaling"})
        read = self.run_tool("read", "--host", f"127.0.0.1:{simulator.port}", "--json")
        self.assertEqual(json.loads(read.stdout)["venus"]["/Dc/0/Voltage"], 26.84)
        for tool, wrong in (("read", "127.0.0.1:0"), ("read", "a b"), ("read", "10.0.0.0/30"), ("scan", "127.0.0.1:x"),
                            ("scan", "10.0.0.0/8")):
            refused = self.run_tool(tool, *(["--host"] if tool == "read" else []), wrong)
            self.assertEqual((refused.returncode, refused.stdout), (2, ""), wrong)
            self.assertIn(f"{wrong}: neither HOST", refused.stderr)
        nobody = self.run_tool("read", "--host", "127.0.0.1", "--port", "1")
        self.assertEqual(nobody.returncode, 1)
        self.assertIn("refused", nobody.stderr)


if __name__ == "__main__":
    main()
