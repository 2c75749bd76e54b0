"""How a GX is read: intervals, the rate per host, replies in another order, older registers, scans on demand, and the command
line's watch."""

import time

from gx_case import SERIAL, STATUS, GxCase, neutral, real, side_by_side
from venus_testing import wait_until


class Reading(GxCase):
    def read_count(self, gx, place):
        return gx.counters()["reads"].get(place, 0)

    def wait_reads(self, gx, place, count):
        wait_until(lambda: self.read_count(gx, place) >= count, lambda: f"{count} reads of {place}: {gx.counters()}")

    def test_fast_and_slow_registers_have_their_intervals(self):
        self.gx = self.simulate()
        self.preset(Host="127.0.0.1", Port=self.gx.port, Interval=500, SlowInterval=2000, RequestRate=200,
                    Units="225:battery,227:vebus,24:temperature")
        self.driver = self.bridge()
        self.wait_name(real("temperature", 24))
        self.wait_value(neutral("battery", 225), "/ConnectionInformation", "CAN 500k")
        started = time.monotonic()
        self.gx.counters(clear=True)
        self.wait_reads(self.gx, "225:256", 12)
        reads = self.gx.counters()["reads"]
        passed = time.monotonic() - started
        for place in ("225:256", "227:3", "100:800"):
            self.assertLessEqual(reads[place], passed / 0.5 + 2, place)
            self.assertGreaterEqual(reads[place], 10, place)
        for place in ("225:1282", "24:3300"):
            self.assertLessEqual(reads[place], passed / 2 + 2, place)
            self.assertGreaterEqual(reads[place], 2, place)
        self.assertLessEqual(reads.get("227:200", 0), 1)  # once a minute
        # They change live.
        self.set_setting("/Settings/GxModbus/0/SlowInterval", 1000)
        self.set_setting("/Settings/GxModbus/0/Interval", 10000)
        self.wait_reads(self.gx, "24:3300", reads["24:3300"] + 1)
        self.gx.counters(clear=True)
        self.gx.put("temperature", 24, "/Temperature", 3.5)
        self.wait_value(real("temperature", 24), "/Temperature", 3.5)
        self.assertLessEqual(self.read_count(self.gx, "225:256"), 2)

    def test_a_long_interval_is_no_silence(self):
        self.gx = self.simulate()
        self.preset(Host="127.0.0.1", Port=self.gx.port, Interval=13000, SlowInterval=13000, Units="24:temperature")
        self.driver = self.bridge()
        name = real("temperature", 24)
        self.wait_value(name, "/Temperature", -18.75)
        self.gx.counters(clear=True)
        self.wait_reads(self.gx, "24:3300", 1)
        self.gx.put("temperature", 24, "/Temperature", 3.5)
        self.wait_value(name, "/Temperature", 3.5)
        self.assertNotIn("no answer", self.driver.poll_output())

    def test_each_host_has_its_own_pace(self):
        self.gx = self.simulate()
        other = self.simulate("--serial", "d0ff50aa0001")
        units = "225:battery,227:vebus,224:solarcharger,30:grid,20:pvinverter,40:evcharger"
        self.preset(0, Host="127.0.0.1", Port=self.gx.port, Interval=200, SlowInterval=1000, RequestRate=5, Units=units)
        self.preset(1, Host="127.0.0.1", Port=other.port, Interval=200, SlowInterval=1000, RequestRate=200, Units=units)
        self.driver = self.bridge()
        self.wait_name(real("evcharger", 40))
        self.wait_name(real("evcharger", 40, "d0ff50aa0001"))
        started = time.monotonic()
        self.gx.counters(clear=True)
        other.counters(clear=True)
        wait_until(lambda: self.gx.counters()["requests"] >= 20, "20 requests")
        requests, passed = self.gx.counters()["requests"], time.monotonic() - started
        self.assertLessEqual(requests, passed * 5 + 2)
        self.assertGreater(other.counters()["requests"], 2 * requests)

    def test_replies_in_another_order(self):
        self.gx = self.simulate()
        self.gx.misbehave(out_of_order=True)
        units = {225: "battery", 227: "vebus", 224: "solarcharger", 30: "grid", 25: "tank", 26: "tank", 24: "temperature",
                 27: "temperature", 40: "evcharger"}
        self.preset(Host="127.0.0.1", Port=self.gx.port, Interval=200, SlowInterval=1000, RequestRate=200,
                    Units=",".join(f"{unit}:{type}" for unit, type in units.items()))
        self.driver = self.bridge()
        self.wait_value(real("temperature", 24), "/Temperature", -18.75)
        self.wait_value(real("temperature", 27), "/Temperature", self.gx.get("temperature", 27, "/Temperature"))
        for unit in (25, 26):
            self.wait_value(real("tank", unit), "/Level", self.gx.get("tank", unit, "/Level"), near=0.05)
        self.wait_value(neutral("battery", 225), "/Soc", 83.0)
        self.wait_value(neutral("grid", 30), "/Serial", "BP98305081235")
        self.wait_value(neutral("system", 100), "/Serial", SERIAL)
        self.assertGreater(self.gx.counters()["reordered"], 0)
        self.assertEqual(self.gx.counters()["accepted"], 1)

    def test_wrong_transaction_ids_bring_no_values(self):
        self.start_both("24:temperature,27:temperature")
        name = real("temperature", 24)
        self.wait_value(name, "/Temperature", -18.75)
        self.gx.misbehave(wrong_transaction=True)
        self.gx.put("temperature", 24, "/Temperature", 66.0)
        accepted = self.gx.counters()["accepted"]
        seen = set()

        def reconnected_twice():
            seen.add(self.value(name, "/Temperature"))
            return self.gx.counters()["accepted"] >= accepted + 2
        wait_until(reconnected_twice, "two new connections")
        self.assertLessEqual(seen, {-18.75, None})
        self.gx.misbehave(wrong_transaction=False)
        self.wait_value(name, "/Temperature", 66.0)

    def test_a_server_without_the_preferred_registers(self):
        self.gx = self.simulate("--server-version", "1.0.82")
        self.gx.set("system", 0, **{"/Ac/Grid/L1/Power": -1235.0, "/Ac/PvOnGrid/L2/Power": 431.0,
                                    "/Ac/Consumption/L3/Power": 77.0})
        self.gx.set("settings", 0, **{"/Settings/CGwacs/MaxDischargePower": 2500.0})
        self.preset(Host="127.0.0.1", Port=self.gx.port, Interval=200, SlowInterval=1000, Units="225:battery",
                    Write=2, Mode__settings="neutral")
        self.driver = self.bridge()
        system, settings = neutral("system", 100), neutral("settings", 100)
        self.wait_value(system, "/Ac/Grid/L1/Power", -1235.0)
        self.wait_value(system, "/Ac/PvOnGrid/L2/Power", 431.0)
        self.wait_value(system, "/Ac/Consumption/L3/Power", 77.0)
        self.wait_value(settings, "/Settings/CGwacs/MaxDischargePower", 2500.0)
        self.assertEqual(self.set_value(settings, "/Settings/CGwacs/MaxDischargePower", 1500.0), 0)
        write = self.gx.wait_writes(1)[0]
        self.assertEqual((write["address"], write["value"]), (2704, 1500))
        self.wait_value(settings, "/Settings/CGwacs/MaxDischargePower", 1500.0)
        # And one that stood elsewhere.
        battery = neutral("battery", 225)
        self.wait_value(battery, "/Mode", 3)
        self.assertEqual(self.set_value(battery, "/Mode", 252), 0)
        write = self.gx.wait_writes(2)[1]
        self.assertEqual((write["address"], write["path"], write["value"]), (1319, "/Mode", 252))
        self.wait_value(battery, "/Mode", 252)

    def test_a_device_that_appears_is_found(self):
        self.gx = self.simulate()
        self.preset(Host="127.0.0.1", Port=self.gx.port, ScanRate=200, RequestRate=200, SlowInterval=1000)
        self.driver = self.bridge()
        self.wait_name(real("temperature", 24))
        self.wait_status("running")
        # The system's sums show one of a type there was none of.
        self.gx.tell("add", type="genset", instance=40, values={"/Ac/L1/Power": 500.0, "/Ac/L1/Voltage": 230.0})
        self.gx.put("system", 0, "/Ac/Genset/L1/Power", 500.0)
        self.wait_value(neutral("genset", 40), "/Ac/L1/Power", 500.0)
        self.wait_status("running")
        # Others are come across by a question now and then.
        self.gx.counters(clear=True)
        self.set_setting("/Settings/GxModbus/0/WatchInterval", 1)
        wait_until(lambda: self.gx.counters()["exceptions"] >= 2, "questions for new devices")
        self.assertEqual(self.value(STATUS, "/Status/Text"), "running")

    def test_a_slow_remote_delays_nobody(self):
        self.gx = self.simulate()
        slow = self.simulate("--serial", "d0ff50aa0001")
        slow.misbehave(first_read_delay_ms=2500, delay_ms=700)
        self.preset(0, Host="127.0.0.1", Port=slow.port, Units="24:temperature", Interval=200, SlowInterval=1000)
        self.preset(1, Host="127.0.0.1", Port=self.gx.port, Units="24:temperature", Interval=200, SlowInterval=1000)
        self.driver = self.bridge()
        name, slow_name = real("temperature", 24), real("temperature", 24, "d0ff50aa0001")
        self.wait_name(name)
        self.assertFalse(self.has_name(slow_name))
        self.wait_value(slow_name, "/Temperature", -18.75)
        self.gx.counters(clear=True)
        slow.counters(clear=True)
        answers = [0]

        def asked_slowly():
            answers[0] += self.value(slow_name, "/Connected") == 1  # the bus is answered while the slow one is waited for
            return slow.counters()["requests"] >= 6
        wait_until(asked_slowly, "six slow answers")
        self.assertGreater(answers[0], 20)
        self.assertGreater(self.gx.counters()["requests"], 12)
        for gx, shown in ((self.gx, name), (slow, slow_name)):
            gx.put("temperature", 24, "/Temperature", 5.0)
            self.wait_value(shown, "/Temperature", 5.0)
            self.assertEqual(gx.counters()["accepted"], 1)

    def test_a_scan_stops_while_its_turn_is_awaited(self):
        self.gx = self.simulate()
        self.preset(Host="127.0.0.1", Port=self.gx.port, ScanRate=200, RequestRate=10, Units="24:temperature")
        self.driver = self.bridge()
        self.wait_name(real("temperature", 24))
        for _ in range(3):
            self.assertEqual(self.set_value(STATUS, "/Scan/Start", 1), 0)
            self.gx.counters(clear=True)
            wait_until(lambda: self.gx.counters()["exceptions"] >= 2, "questions of the scan")
            self.assertEqual(self.set_value(STATUS, "/Scan/Start", 0), 0)
            self.wait_status("running")
            self.gx.counters(clear=True)
            self.wait_reads(self.gx, "100:800", 1)
        self.assertTrue(self.driver.running)

    def test_scans_on_demand(self):
        self.gx = self.simulate()
        self.preset(Host="127.0.0.1", Port=self.gx.port, Interval=1000, ScanRate=100, RequestRate=200,
                    Units="24:temperature")
        self.gx.tell("remove", type="generator", instance=0)
        self.driver = self.bridge()
        self.wait_name(real("temperature", 24))
        self.wait_status("running")
        self.assertFalse(self.has_name(neutral("battery", 225)))
        self.assertFalse(self.has_name(neutral("generator", 100)))
        self.gx.tell("add", type="generator", instance=0, values={"/State": 1})
        self.assertEqual(self.set_value(STATUS, "/Scan/Start", 1), 0)
        self.wait_value(neutral("generator", 100), "/State", 1)
        self.wait_status("scanning")
        self.wait_name(neutral("battery", 225))
        self.assertLess(self.value(STATUS, "/Scan/Progress"), 100)
        self.assertEqual(self.set_value(STATUS, "/Scan/Start", 0), 0)
        self.wait_status("running")
        self.assertEqual(self.value(STATUS, "/Scan/Progress"), 100)
        self.assertNotEqual(self.set_value(STATUS, "/Scan/Start", 3), 0)
        # A place that only a full scan looks at.
        self.gx.tell("add", type="temperature", instance=16, values={"/Temperature": 4.5})
        self.set_setting("/Settings/GxModbus/0/ScanRate", 200)
        self.assertEqual(self.set_value(STATUS, "/Scan/Start", 2), 0)
        wait_until(lambda: self.has_name(real("temperature", 16)), "the device on unit 16", 120)
        self.assertEqual(self.value(STATUS, "/Scan/Start"), 2)
        self.assertEqual(self.set_value(STATUS, "/Scan/Start", 0), 0)
        self.wait_status("running")


class Watching(GxCase):
    with_settings = False

    def test_read_watch(self):
        self.gx = self.simulate()
        watch = self.start("dbus-gxmodbus", "read", f"127.0.0.1:{self.gx.port}", "24/Temperature", "--watch",
                           "--interval", "0.2")
        self.assertIn("/Temperature", watch.wait_line("-18.75°C"))
        self.gx.put("temperature", 24, "/Temperature", 3.5)
        self.assertIn("24:temperature", watch.wait_line("3.50°C"))
        self.gx.tell("drop")
        self.gx.put("temperature", 24, "/Temperature", 4.25)
        watch.wait_line("4.25°C")
        self.assertEqual(len([line for line in watch.output.splitlines() if "°C" in line]), 3)  # changes only


if __name__ == "__main__":
    side_by_side(__file__)
