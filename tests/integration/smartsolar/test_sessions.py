"""Connections: pairing, registers, history, writes, and links that break."""

from bluez_case import SHUNT, SHUNT_KEY, SOLAR, SOLAR_KEY, BluezCase, main, service, wait_until


class Sessions(BluezCase):
    def start_with(self, kind, address, key, *arguments, pin=None, known=True):
        self.start_bluez(*arguments)
        self.add(kind, address, key, "Roof")
        if pin is not None:
            self.bluez.command(f"pin {address} {pin}")
        self.start_driver()
        path = self.device_setting(address, "Sessions")
        wait_until(lambda: self.setting(path) is not None, f"the setting {path}")
        if known:
            self.enter_key(address, key)

    def switch_on(self, address):
        self.set_setting(self.device_setting(address, "Sessions"), 1)

    def events(self, text):
        return [line for line in self.bluez.poll_output().splitlines() if text in line]

    def test_a_charger_gains_what_advertisements_lack(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY)
        self.switch_on(SOLAR)
        name = service("solarcharger", SOLAR)
        self.wait_value(name, "/Pv/V", 18.4, near=0.001)
        items = self.items(name)
        self.assertEqual(items["/FirmwareVersion"], 0x159)
        self.assertEqual(self.text(name, "/FirmwareVersion"), "v1.59")
        self.assertEqual((items["/Serial"], items["/Mode"], items["/MppOperationMode"]), ("HQ2027LDKCU", 1, 2))
        self.assertAlmostEqual(items["/Yield/User"], 317.2)
        self.assertAlmostEqual(items["/Yield/System"], 1204.55)
        self.assertIsNone(items["/Dc/0/Temperature"])
        self.assertEqual(items["/History/Overall/DaysAvailable"], 30)
        self.assertAlmostEqual(items["/History/Daily/1/Yield"], 1.18)
        self.assertAlmostEqual(items["/History/Daily/29/MaxBatteryVoltage"], 14.4)
        self.assertEqual((items["/History/Daily/0/TimeInBulk"], items["/History/Daily/0/Nr"]), (210, 200))
        self.assertNotIn("/History/Daily/30/Yield", items)
        # Reassembled from fragments, and the link is free again for the app.
        self.bluez.wait_line("disconnect " + SOLAR)
        self.wait_value(name, "/Connected", 1)
        # Nothing but the keep-alive was set, and nobody else's pairing was touched.
        self.assertEqual(self.events("set "), [line for line in self.events("set ") if line.startswith("done set")])
        self.assertEqual(self.events("default agent"), [])

    def test_values_that_only_sessions_bring_go_with_the_switch(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY)
        self.switch_on(SOLAR)
        name = service("solarcharger", SOLAR)
        self.wait_value(name, "/Pv/V", 18.4, near=0.001)
        self.set_setting(self.device_setting(SOLAR, "Sessions"), 0)
        gone = lambda items: items and "/Pv/V" not in items  # the service comes back without them
        wait_until(lambda: gone(self.items_if_there(name)), "the items of sessions to go")
        self.wait_value(name, "/Connected", 1)

    def test_a_wrong_pin_is_not_tried_again_and_again(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY, pin=123456)
        self.switch_on(SOLAR)
        self.bluez.wait_line("wrong passkey")
        self.driver.wait_line("Authentication Failed")
        name = service("solarcharger", SOLAR)
        self.wait_value(name, "/Connected", 1)          # advertisements are another matter
        self.assertEqual(len(self.events("pair " + SOLAR)), 1)
        self.set_setting(self.device_setting(SOLAR, "Pin"), "123456")
        self.keep_secret("123456", self.driver)
        self.wait_value(name, "/Pv/V", 18.4, near=0.001)
        self.assertEqual(len(self.events("pair " + SOLAR)), 2)

    def test_the_mode_is_written_read_back_and_then_shown(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY)
        self.switch_on(SOLAR)
        name = service("solarcharger", SOLAR)
        self.wait_value(name, "/Mode", 1)
        self.assertEqual(self.set_value(name, "/Mode", 3), 2)
        self.assertEqual(self.set_value(name, "/Mode", 4), 0)
        self.wait_value(name, "/Mode", 4)
        self.bluez.wait_line(SOLAR + " set 3 0200 04")
        self.assertEqual(len(self.events(SOLAR + " set ")), 1)
        self.wait_value(name, "/DeviceOffReason", 4)

    def test_a_link_cut_in_the_middle_keeps_advertisements_and_comes_again(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command(f"cut-after {SOLAR} 12")
        self.switch_on(SOLAR)
        self.driver.wait_line("; again in 10 s")
        name = service("solarcharger", SOLAR)
        self.wait_value(name, "/Connected", 1)
        self.assertIsNone(self.value(name, "/History/Daily/29/Yield"))
        self.wait_value(name, "/Pv/V", 18.4, near=0.001)
        self.wait_value(name, "/History/Daily/29/Yield", lambda kwh: kwh is not None)
        self.driver.wait_line("sessions work again")

    def test_a_busy_product_is_tried_again(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command(f"connect-fault {SOLAR} Failed le-connection-abort-by-local")
        self.switch_on(SOLAR)
        self.driver.wait_line("le-connection-abort-by-local")
        self.wait_value(service("solarcharger", SOLAR), "/Pv/V", 18.4, near=0.001)

    def test_bluez_ends_in_the_middle_of_a_session(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command(f"connect-delay {SOLAR} 60")
        self.switch_on(SOLAR)
        self.bluez.wait_line("connect " + SOLAR)
        self.bluez.kill()
        self.driver.wait_line("session failed")
        self.start_bluez()
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.wait_value(service("solarcharger", SOLAR), "/Pv/V", 18.4, near=0.001)

    def test_a_monitor_brings_its_history(self):
        self.start_with("smartshunt", SHUNT, SHUNT_KEY)
        self.switch_on(SHUNT)
        name = service("battery", SHUNT)
        self.wait_value(name, "/History/ChargeCycles", 87)
        items = self.items(name)
        self.assertAlmostEqual(items["/History/DeepestDischarge"], -61.5)
        self.assertAlmostEqual(items["/History/TotalAhDrawn"], -2415.3)
        self.assertAlmostEqual(items["/History/MinimumVoltage"], 11.94)
        self.assertAlmostEqual(items["/History/ChargedEnergy"], 35.5)
        self.assertIsNone(items["/History/MinimumStarterVoltage"])
        self.assertEqual(self.text(name, "/FirmwareVersion"), "v4.18")

    def test_the_published_service_of_a_shunt_serves_where_it_is_all_there_is(self):
        self.start_bluez()
        self.add("smartshunt", SHUNT, SHUNT_KEY, "House")
        self.bluez.command(f"published {SHUNT} only")
        self.bluez.command(f"readout {SHUNT} off")
        self.bluez.command(f"set {SHUNT} battery_voltage_v 12.34")
        self.start_driver()
        path = self.device_setting(SHUNT, "Sessions")
        wait_until(lambda: self.setting(path) is not None, f"the setting {path}")
        self.switch_on(SHUNT)
        name = service("battery", SHUNT)
        self.wait_value(name, "/Dc/0/Voltage", 12.34, near=0.001)
        self.assertEqual(self.value(name, "/Connected"), 1)
        self.assertIsNotNone(self.value(name, "/Soc"))

    def test_without_a_key_sessions_bring_values_and_the_key(self):
        self.start_with("smartsolar", SOLAR, SOLAR_KEY, known=False)
        self.switch_on(SOLAR)
        self.wait_setting(self.device_setting(SOLAR, "Key"), SOLAR_KEY)
        self.keep_secret(SOLAR_KEY, self.driver)
        name = service("solarcharger", SOLAR)
        self.wait_value(name, "/Connected", 1)
        self.wait_registry(SOLAR, "KeyStatus", "right")
        self.wait_value(name, "/Pv/V", 18.4, near=0.001)

    def test_orion_answers_on_its_only_instance(self):
        self.start_with("orion", SHUNT, SHUNT_KEY)
        self.switch_on(SHUNT)
        name = service("dcdc", SHUNT)
        self.wait_value(name, "/Mode", 1)
        self.assertEqual(self.value(name, "/State"), 3)


if __name__ == "__main__":
    main()
