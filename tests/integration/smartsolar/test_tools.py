"""The command line: query, scan, decode, watch."""

import json
import os
import subprocess
import unittest

from bluez_case import SHUNT, SHUNT_KEY, SOLAR, SOLAR_KEY, BluezCase, main
from venus_testing import BIN

VECTORS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "data", "smartsolar", "vectors.jsonl")
DRIVER = os.path.join(BIN, "dbus-smartsolar")


class Tools(BluezCase):
    with_settings = False

    def run_tool(self, *arguments):
        """Runs the program to its end while the stand-in goes on; returns code, stdout, stderr."""
        process = subprocess.Popen([DRIVER, *arguments], env=self.environment(), stdout=subprocess.PIPE,
                                   stderr=subprocess.PIPE, text=True)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    def test_query_prints_one_object_of_the_nearest_charger(self):
        self.start_bluez()
        self.add("smartsolar", "c7:00:00:00:00:01", SOLAR_KEY)
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.add("smartshunt", SHUNT, SHUNT_KEY)
        self.bluez.command("rssi c7:00:00:00:00:01 -80")
        self.bluez.command(f"rssi {SHUNT} -30")
        self.bluez.command(f"set {SOLAR} battery_voltage_v 4.17")
        self.bluez.command(f"set {SOLAR} battery_current_a -0.2")
        code, out, err = self.run_tool("query", "-d", "0.6", "-q", "10")
        self.assertEqual(code, 0, err)
        self.assertEqual(out.count("\n"), 1)
        values = json.loads(out)
        self.assertEqual(values["Mac address"], SOLAR)
        self.assertEqual(values["Firmware version"], "00590100")
        self.assertEqual(values["Battery temperature (K)"], 655.35)
        self.assertEqual(values["Channel 1 voltage (V)"], 4.17)
        self.assertIn('"Channel 1 current (A)": 6553.400000000001', out)
        self.assertIn('"Adjustable voltage maximum (V)": 17.400000000000002', out)
        self.assertIn('"Adjustable voltage minimum (V)": 8.0', out)
        self.assertEqual((values["Uptime (s)"], values["Device mode"], values["Load output status"]), (587970, 1, 1))
        self.assertEqual(len(values), 15)
        self.assertNotIn("ERROR", err)
        self.bluez.wait_line("disconnect " + SOLAR)
        # Discovery had ended before the connection was made.
        text = self.bluez.poll_output()
        self.assertLess(text.index("discovery stopped"), text.index("connect " + SOLAR))
        self.assertNotIn(" set 3", text)

    def test_query_ends_with_what_it_has_when_the_link_breaks(self):
        self.start_bluez()
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command(f"cut-after {SOLAR} 8")
        code, out, err = self.run_tool("query", "-d", "0.6", "-q", "10", "--address", SOLAR.upper())
        self.assertEqual(code, 0, err)
        self.assertGreater(len(json.loads(out)), 0)

    def test_query_says_what_is_wrong(self):
        self.start_bluez()
        code, out, err = self.run_tool("query", "-d", "0.3")
        self.assertEqual((code, out), (1, ""))
        self.assertIn("Did not discover any VictronEnergy devices...", err)
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command(f"pin {SOLAR} 654321")
        code, out, err = self.run_tool("query", "-d", "0.6")
        self.assertEqual((code, out), (1, ""))
        self.assertIn(f"ERROR:smartsolar:[{SOLAR}] Authentication Failed", err)
        code, out, err = self.run_tool("query", "-d", "0.6", "-p", "654321", "-vv")
        self.assertEqual(code, 0, err)
        self.assertIn(f"INFO:smartsolar:[{SOLAR}]", err)
        code, out, err = self.run_tool("query", "-p", "12345x")
        self.assertEqual(code, 2)

    def test_scan_lists_products_and_their_keys(self):
        self.start_settings()
        self.start_bluez()
        self.add("smartsolar", SOLAR, SOLAR_KEY, "Roof")
        self.add("smartshunt", SHUNT, SHUNT_KEY, "House")
        self.bluez.command("rssi " + SHUNT + " -40")
        self.bluez.command("foreign 5")
        self.start_driver()
        self.enter_key(SOLAR, SOLAR_KEY)
        code, out, err = self.run_tool("scan", "--duration", "1", "--json")
        self.assertEqual(code, 0, err)
        found = json.loads(out)
        self.assertEqual([entry["address"] for entry in found], [SHUNT, SOLAR])
        self.assertEqual([entry["key"] for entry in found], ["missing", "right"])
        self.assertEqual(found[0], {"address": SHUNT, "name": "House", "product_id": "0xA389",
                                    "product": "SmartShunt 500A/50mV", "kind": "battery monitor", "rssi_dbm": -40,
                                    "key": "missing"})
        code, out, err = self.run_tool("scan", "--duration", "1")
        self.assertEqual(len(out.splitlines()), 2)
        self.assertIn("key right", out.splitlines()[1])

    def test_watch_shows_values_until_it_is_ended(self):
        self.start_settings()
        self.start_bluez()
        self.add("smartsolar", SOLAR, SOLAR_KEY, "Roof")
        self.start_driver()
        self.enter_key(SOLAR, SOLAR_KEY)
        watch = self.start("dbus-smartsolar", "watch")
        watch.wait_line("pv_power_w=")
        self.assertEqual(watch.terminate(), 0)


class Decode(unittest.TestCase):
    def test_decode_answers_every_line_of_the_collection(self):
        with open(VECTORS) as file:
            lines = [json.loads(line) for line in file]
        asked = "".join(json.dumps({k: v for k, v in line.items() if k != "expect"}) + "\n" for line in lines)
        done = subprocess.run([DRIVER, "decode"], input=asked, capture_output=True, text=True, check=True)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(answers), len(lines))
        for line, answer in zip(lines, answers):
            self.assertEqual(answer, line["expect"], line["what"])


if __name__ == "__main__":
    main()
