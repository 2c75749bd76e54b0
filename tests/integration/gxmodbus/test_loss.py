"""A mirrored GX that drops, hangs, reboots, changes, crashes or misbehaves, and a bridge that is killed."""

from gx_case import STATUS, GxCase, neutral, real, side_by_side
from venus_testing import wait_until


class Loss(GxCase):
    def assert_lost(self, name):
        self.wait_value(name, "/Connected", 0)
        self.assertIsNone(self.value(name, "/Temperature"))
        self.assertIsNotNone(self.value(name, "/ProductName"))

    def assert_back(self, name, temperature):
        self.gx.put("temperature", 24, "/Temperature", temperature)
        self.wait_value(name, "/Temperature", temperature)
        self.assertEqual(self.value(name, "/Connected"), 1)

    def test_half_open_connection(self):
        self.start_both("24:temperature", DropAfter=3)
        name = real("temperature", 24)
        self.wait_value(name, "/Temperature", -18.75)
        self.gx.misbehave(mute=True)
        self.assert_lost(name)
        self.wait_no_name(name)
        self.wait_status("link down")
        self.gx.misbehave(mute=False)
        self.wait_name(name)
        self.assert_back(name, -12.5)

    def test_peer_that_is_cut_off_without_a_word(self):
        self.start_both("24:temperature")
        name = real("temperature", 24)
        self.wait_value(name, "/Temperature", -18.75)
        accepted = self.gx.counters()["accepted"]
        self.gx.tell("half_open")
        self.gx.put("temperature", 24, "/Temperature", 8.5)
        self.assert_lost(name)
        wait_until(lambda: self.gx.counters()["accepted"] > accepted, "a new connection")
        self.wait_value(name, "/Temperature", 8.5)
        self.assertEqual(self.value(name, "/Connected"), 1)

    def test_reboot_with_changed_units(self):
        self.start_both("")
        name = real("temperature", 24)
        self.wait_status("scanning")
        self.wait_value(name, "/Temperature", -18.75)
        self.wait_status("running")
        self.gx.tell("remove", type="temperature", instance=24)
        self.gx.put("temperature", 31, "/Temperature", 7.5)
        self.gx.tell("reboot", milliseconds=1500)
        self.wait_value(real("temperature", 31), "/Temperature", 7.5)
        self.assert_lost(name)

    def test_device_leaves_and_returns(self):
        self.start_both("24:temperature,27:temperature", DropAfter=0)
        name = real("temperature", 24)
        self.wait_value(name, "/Temperature", -18.75)
        self.gx.tell("remove", type="temperature", instance=24)
        self.assert_lost(name)
        self.assertEqual(self.value(real("temperature", 27), "/Connected"), 1)
        self.assert_back(name, 3.5)

    def test_a_block_that_fails_has_no_values(self):
        self.start_both("225:battery,24:temperature", Mode__battery="real")
        name = real("battery", 225)
        for number, code in enumerate((10, 11, 4)):
            with self.subTest(code=code):
                self.wait_value(name, "/ConnectionInformation", "CAN 500k")
                self.wait_value(name, "/Soc", lambda soc: soc is not None)
                self.gx.tell("exception", unit=225, first=1282, last=1343, code=code)
                self.wait_value(name, "/ConnectionInformation", None)
                self.assertEqual(self.value(name, "/Connected"), 1)
                self.gx.put("battery", 512, "/Soc", 50.0 + number)
                self.wait_value(name, "/Soc", 50.0 + number)
                self.gx.tell("exception", unit=225, first=256, last=331, code=code)
                self.wait_value(name, "/Connected", 0)
                self.assertIsNone(self.value(name, "/Soc"))
                self.assertEqual(self.value(real("temperature", 24), "/Connected"), 1)
                self.gx.misbehave(reset=True)
                self.wait_value(name, "/Connected", 1)

    def test_a_register_that_is_no_longer_served_has_no_value(self):
        self.start_both("225:battery", Mode__battery="real")
        name = real("battery", 225)
        self.wait_value(name, "/ConnectionInformation", "CAN 500k")
        self.gx.tell("exception", unit=225, first=1328, last=1335, code=2)
        self.wait_value(name, "/ConnectionInformation", None)
        self.gx.put("battery", 512, "/System/NrOfModulesOnline", 7)
        self.wait_value(name, "/System/NrOfModulesOnline", 7)
        self.wait_value(name, "/Soc", 83.0)

    def test_bad_manners(self):
        self.start_both("24:temperature,225:battery")
        name = real("temperature", 24)
        self.wait_value(name, "/Temperature", -18.75)
        for number, manner in enumerate(("trickle", "out_of_order", "cut", "garbage", "wrong_transaction")):
            with self.subTest(manner):
                self.gx.misbehave(**{manner: True})
                if manner in ("trickle", "out_of_order"):
                    self.assert_back(name, 10.0 + number)
                else:
                    before = self.gx.counters()["accepted"]
                    wait_until(lambda: self.gx.counters()["accepted"] > before, "the driver to reconnect")
                self.gx.misbehave(**{manner: False})
                self.gx.counters(clear=True)
                self.assert_back(name, 20.0 + number)
                # A connection on which everything was read is a good one: the back-off begins anew.
                wait_until(lambda: self.gx.counters()["reads"].get("225:1282", 0) >= 2, "all to be read")

    def test_refused_registers_are_left_out(self):
        self.gx = self.simulate()
        self.gx.tell("exception", first=3510, last=3511, code=2)
        self.preset(Host="127.0.0.1", Port=self.gx.port, Units="none", SlowInterval=1000, Interval=1000)
        self.driver = self.bridge()
        name = neutral("generator", 100)
        self.wait_value(name, "/AutoStartEnabled", 1)
        self.gx.put("generator", 0, "/State", 1)
        self.wait_value(name, "/State", 1)
        # 3500+13, 3506+7, 3509+4, 3510+3 and at last the pair itself
        wait_until(lambda: self.gx.counters()["exceptions"] == 5, "the block to be narrowed")
        self.gx.counters(clear=True)
        self.gx.put("generator", 0, "/State", 2)
        self.wait_value(name, "/State", 2)
        self.assertEqual(self.gx.counters()["exceptions"], 0)

    def test_crashing_server_is_not_scanned(self):
        self.gx = self.simulate("--server-version", "1.0.90", "--firmware", "370:50")
        for type in ("generator", "hub4", "platform"):
            self.gx.tell("remove", type=type, instance=0)
        self.preset(Host="127.0.0.1", Port=self.gx.port)
        self.driver = self.bridge()
        self.wait_status("running")
        self.wait_value(STATUS, "/Scan/OnlyByHand", 1)
        self.wait_name(neutral("system", 100))
        self.assertEqual(self.gx.counters()["crashes"], 0)

    def test_crash_on_a_probe_is_learned(self):
        self.gx = self.simulate("--server-version", "1.0.90", "--firmware", "371")
        self.preset(Host="127.0.0.1", Port=self.gx.port, ScanRate=50)
        self.driver = self.bridge()
        self.wait_value(STATUS, "/Scan/OnlyByHand", 1)
        self.assertEqual(self.gx.counters()["crashes"], 1)

    def test_killed_and_started_again(self):
        self.start_both("24:temperature")
        name = real("temperature", 24)
        self.wait_name(name)
        instance = self.value(name, "/DeviceInstance")
        self.driver.kill()
        self.wait_no_name(name)
        self.driver = self.bridge()
        self.wait_name(name)
        self.assertEqual(self.value(name, "/DeviceInstance"), instance)
        self.assertEqual(self.driver.terminate(), 0)
        self.wait_no_name(name)


if __name__ == "__main__":
    side_by_side(__file__)
