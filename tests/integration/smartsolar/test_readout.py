"""Advertisements: from the stand-in for BlueZ through the driver to a foreign client."""

from bluez_case import (SHUNT, SHUNT_KEY, SOLAR, SOLAR_KEY, BluezCase, device_id, main, service, wait_until)

OTHER_KEY = "5cffffffffffffffffffffffffffffff"      # starts like SOLAR_KEY: passes the key check
WRONG_KEY = "00112233445566778899aabbccddeeff"


class Readout(BluezCase):
    def start_with_solar(self, *arguments, key=SOLAR_KEY):
        self.start_bluez(*arguments)
        self.add("smartsolar", SOLAR, SOLAR_KEY, "Roof")
        self.start_driver()
        if key:
            self.enter_key(SOLAR, key)
        return service("solarcharger", SOLAR)

    def test_a_found_charger_waits_for_its_key_and_comes_up_with_it(self):
        name = self.start_with_solar(key=None)
        self.wait_setting(self.device_setting(SOLAR, "Key"), "")
        self.wait_registry(SOLAR, "KeyStatus", "missing")
        self.assertIn("enter the key", self.registry(SOLAR, "Status"))
        self.assertFalse(self.has_name(name))
        self.driver.wait_line("enter the key")

        self.bluez.command("set " + SOLAR + " battery_voltage_v 13.88")
        self.bluez.command("set " + SOLAR + " battery_current_a -1.5")
        self.enter_key(SOLAR, SOLAR_KEY.upper())
        self.wait_name(name)
        self.wait_value(name, "/Dc/0/Voltage", 13.88, near=0.001)
        self.wait_value(name, "/Dc/0/Current", -1.5, near=0.01)
        items = self.items(name)
        self.assertEqual(items["/ProductId"], 0xA053)
        self.assertEqual(items["/ProductName"], "SmartSolar Charger MPPT 75/15")
        self.assertEqual(items["/Mgmt/Connection"], "Bluetooth LE")
        self.assertEqual(items["/Mgmt/InsecureConnection"], 1)
        self.assertEqual(items["/Connected"], 1)
        self.assertEqual(items["/DeviceInstance"], 20)
        self.assertGreater(items["/Yield/Power"], 0)
        self.assertNotIn("/Link/NetworkMode", items)
        self.assertNotIn("/Pv/V", items)
        self.assertEqual(self.text(name, "/Dc/0/Voltage"), "13.88V")
        self.wait_registry(SOLAR, "KeyStatus", "right")

    def test_values_follow_the_product_and_missing_ones_are_invalid(self):
        name = self.start_with_solar()
        self.wait_name(name)
        self.bluez.command("set " + SOLAR + " pv_power_w 123")
        self.wait_value(name, "/Yield/Power", 123)
        self.bluez.command("set " + SOLAR + " pv_power_w none")
        self.wait_value(name, "/Yield/Power", None)
        self.bluez.command("set " + SOLAR + " load_current_a none")
        self.wait_value(name, "/Load/I", None)
        self.assertEqual(self.value(name, "/Connected"), 1)

    def test_a_wrong_key_is_said_and_publishes_nothing(self):
        name = self.start_with_solar(key=WRONG_KEY)
        self.wait_registry(SOLAR, "KeyStatus", "wrong")
        self.driver.wait_line("the key is wrong")
        self.assertFalse(self.has_name(name))
        self.enter_key(SOLAR, "31 digits")
        self.wait_registry(SOLAR, "KeyStatus", "the key holds characters that are not hexadecimal digits")
        self.enter_key(SOLAR, SOLAR_KEY)
        self.wait_value(name, "/Connected", 1)

    def test_a_new_pin_makes_values_invalid_at_once_and_keeps_the_key(self):
        name = self.start_with_solar()
        self.wait_value(name, "/Connected", 1)
        self.bluez.command("key " + SOLAR + " 5d" + SOLAR_KEY[2:])
        self.wait_value(name, "/Connected", 0)
        self.assertIsNone(self.value(name, "/Dc/0/Voltage"))
        self.assertIn("the key is wrong", self.value(name, "/ConnectionInformation"))
        self.assertEqual(self.setting(self.device_setting(SOLAR, "Key")), SOLAR_KEY)
        self.enter_key(SOLAR, "5d" + SOLAR_KEY[2:])
        self.wait_value(name, "/Connected", 1)
        self.assertEqual(self.value(name, "/ConnectionInformation"), "")

    def test_other_broadcasts_of_the_company_are_not_taken(self):
        name = self.start_with_solar()
        self.bluez.command("vesmart " + SOLAR + " on")
        self.bluez.command("set " + SOLAR + " battery_voltage_v 13.5")
        self.wait_value(name, "/Dc/0/Voltage", 13.5, near=0.001)
        seen = set()
        for watts in range(20, 30):
            self.bluez.command(f"set {SOLAR} pv_power_w {watts}")
            self.wait_value(name, "/Yield/Power", watts)
            seen.add(self.value(name, "/Dc/0/Voltage"))
            self.assertEqual(self.value(name, "/Connected"), 1)
        self.assertEqual(seen, {13.5})

    def test_a_silent_product_becomes_invalid_and_returns_by_itself(self):
        name = self.start_with_solar()
        self.wait_value(name, "/Connected", 1)
        self.set_setting("/Settings/SmartSolar/StaleSeconds", 10)
        self.bluez.command("silent " + SOLAR)
        self.wait_value(name, "/Connected", 0)
        self.assertIsNone(self.value(name, "/Dc/0/Voltage"))
        self.assertEqual(self.value(name, "/ProductName"), "SmartSolar Charger MPPT 75/15")
        self.bluez.command("loud " + SOLAR)
        self.wait_value(name, "/Connected", 1)
        self.wait_value(name, "/Dc/0/Voltage", lambda volts: volts is not None)

    def test_bluez_may_forget_a_device_and_find_it_again(self):
        name = self.start_with_solar()
        self.wait_value(name, "/Connected", 1)
        self.bluez.command("lose " + SOLAR)
        self.bluez.command("set " + SOLAR + " pv_power_w 77")
        self.wait_value(name, "/Yield/Power", 77)

    def test_bluez_gone_and_back(self):
        name = self.start_with_solar()
        self.wait_value(name, "/Connected", 1)
        self.bluez.kill()
        self.driver.wait_line("BlueZ left the bus")
        self.start_bluez()
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command("set " + SOLAR + " pv_power_w 78")
        self.wait_value(name, "/Yield/Power", 78)
        self.bluez.wait_line("monitor active")
        self.assertTrue(self.driver.running)

    def test_the_driver_waits_for_a_late_bluez_and_late_settings(self):
        self.settings.kill()
        self.start_driver()
        self.driver.wait_line("waiting for com.victronenergy.settings")
        self.start_settings()
        self.driver.wait_line("waiting for BlueZ")
        self.start_bluez()
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.enter_key(SOLAR, SOLAR_KEY)
        self.wait_value(service("solarcharger", SOLAR), "/Connected", 1)

    def test_an_adapter_off_on_gone_and_back(self):
        name = self.start_with_solar()
        self.wait_value(name, "/Connected", 1)
        self.bluez.command("adapter off")
        self.driver.wait_line("was switched off")
        self.bluez.command("adapter on")
        self.bluez.command("set " + SOLAR + " pv_power_w 79")
        self.wait_value(name, "/Yield/Power", 79)
        self.bluez.command("adapter remove")
        self.driver.wait_line("is gone")
        self.bluez.command("adapter add")
        self.bluez.command("set " + SOLAR + " pv_power_w 80")
        self.wait_value(name, "/Yield/Power", 80)

    def test_monitors_are_preferred_and_discovery_serves_where_there_are_none(self):
        self.start_with_solar()
        self.bluez.wait_line("monitor active")
        self.assertNotIn("discovery started", self.bluez.poll_output())

    def test_discovery_without_monitors(self):
        name = self.start_with_solar("--no-monitors")
        self.wait_value(name, "/Connected", 1)
        self.assertIn("discovery started", self.bluez.poll_output())

    def test_a_busy_adapter_is_not_hammered(self):
        self.start_bluez("--no-monitors")
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command("busy on")
        self.start_driver()
        self.bluez.wait_line("discovery refused")
        self.driver.wait_line("still listening")
        self.assertEqual(self.bluez.poll_output().count("discovery refused"), 1)
        # Somebody else's scan is as good as ours.
        adapter = self.bus.get_object("org.bluez", "/org/bluez/hci0", introspect=False)
        self.bluez.command("busy off")
        adapter.StartDiscovery(dbus_interface="org.bluez.Adapter1")
        self.wait_registry(SOLAR, "KeyStatus", "missing")

    def test_thirty_products_of_every_kind(self):
        classes = {"smartsolar": "solarcharger", "smartshunt": "battery", "sense": "temperature",
                   "inverter": "inverter", "orion": "dcdc", "lithium": "battery", "rs": "inverter",
                   "charger": "charger", "bms": "battery", "multi": "multi", "meter": "dcsource", "orionxs": "dcdc"}
        self.start_bluez()
        self.start_driver()
        self.bluez.command("foreign 20")
        made = []
        for n in range(30):
            kind = list(classes)[n % len(classes)]
            address = f"aa:00:00:00:00:{n:02x}"
            key = f"{n:02x}" + SOLAR_KEY[2:]
            self.add(kind, address, key)
            made.append((kind, address, key))
        for kind, address, key in made:
            self.enter_key(address, key)
        for kind, address, key in made:
            name = service(classes[kind], address)
            self.wait_value(name, "/Connected", 1)
        instances = {}
        for kind, address, key in made:
            items = self.items(service(classes[kind], address))
            instances.setdefault(classes[kind], []).append(items["/DeviceInstance"])
        for numbers in instances.values():
            self.assertEqual(len(set(numbers)), len(numbers))
        inverter = self.items(service("inverter", made[3][1]))
        self.assertAlmostEqual(inverter["/Ac/Out/L1/V"], 230.1)
        self.assertEqual(inverter["/Ac/Out/L1/S"], 782)
        sense = self.items(service("temperature", made[2][1]))
        self.assertAlmostEqual(sense["/Temperature"], 18.5)
        self.assertEqual(sense["/TemperatureType"], 0)
        lithium = self.items(service("battery", made[5][1]))
        self.assertEqual((lithium["/Io/AllowToCharge"], lithium["/Cell/4/Voltage"]), (1, None))
        self.assertAlmostEqual(lithium["/Cell/3/Voltage"], 3.31)
        bms = self.items(service("battery", made[8][1]))
        self.assertEqual((bms["/Alarms/LowCellVoltage"], bms["/Io/AllowToCharge"], bms["/TimeToGo"]), (0, 1, 864000))
        self.assertAlmostEqual(bms["/ConsumedAmphours"], -4.4)
        multi = self.items(service("multi", made[9][1]))
        self.assertEqual((multi["/Ac/ActiveIn/ActiveInput"], multi["/Ac/Out/L1/P"]), (240, 722))
        meter = self.items(service("dcsource", made[10][1]))
        self.assertAlmostEqual(meter["/Dc/0/Power"], 114, delta=1)

    def test_a_battery_monitor_in_full(self):
        self.start_bluez()
        self.add("smartshunt", SHUNT, SHUNT_KEY, "House")
        self.start_driver()
        self.enter_key(SHUNT, SHUNT_KEY)
        name = service("battery", SHUNT)
        self.bluez.command(f"set {SHUNT} time_to_go_min 90")
        self.bluez.command(f"set {SHUNT} alarm_reason 4")
        self.bluez.command(f"set {SHUNT} battery_current_a -3.251")
        self.wait_value(name, "/Alarms/LowSoc", 2)
        items = self.items(name)
        self.assertEqual((items["/TimeToGo"], items["/Alarms/LowVoltage"]), (5400, 0))
        self.assertAlmostEqual(items["/Dc/0/Current"], -3.25)
        self.assertLess(items["/ConsumedAmphours"], 0)
        self.assertAlmostEqual(items["/Dc/0/Temperature"], 21.5)
        self.assertEqual((items["/Settings/HasTemperature"], items["/Settings/HasStarterVoltage"]), (1, 0))
        self.assertNotIn("/Info/MaxChargeVoltage", items)

    def test_a_meter_that_changes_its_mode_changes_its_service(self):
        self.start_bluez()
        self.add("meter", SHUNT, SHUNT_KEY)
        self.start_driver()
        self.enter_key(SHUNT, SHUNT_KEY)
        self.wait_value(service("dcsource", SHUNT), "/Connected", 1)
        self.bluez.command(f"set {SHUNT} monitor_mode 6")
        self.wait_value(service("dcsystem", SHUNT), "/Connected", 1)
        self.wait_no_name(service("dcsource", SHUNT))
        self.bluez.command(f"set {SHUNT} monitor_mode 3")
        self.wait_value(service("dcload", SHUNT), "/Settings/MonitorMode", 3)

    def test_vebus_only_on_demand_and_products_can_be_switched_off(self):
        self.start_bluez()
        self.add("vebus", SHUNT, SHUNT_KEY)
        self.start_driver()
        self.enter_key(SHUNT, SHUNT_KEY)
        self.wait_registry(SHUNT, "Status", "a VE.Bus service is made only with the setting PublishVebus")
        name = service("vebus", SHUNT)
        self.assertFalse(self.has_name(name))
        self.set_setting("/Settings/SmartSolar/PublishVebus", 1)
        self.wait_value(name, "/Connected", 1)
        self.set_setting(self.device_setting(SHUNT, "Enabled"), 0)
        self.wait_no_name(name)

    def test_a_product_with_instant_readout_off_is_found_and_explained(self):
        self.start_bluez()
        self.add("smartsolar", SOLAR, SOLAR_KEY)
        self.bluez.command(f"readout {SOLAR} off")
        self.start_driver()
        self.wait_registry(SOLAR, "Status", "Instant Readout is switched off in the product")
        self.assertEqual(self.registry(SOLAR, "ProductId"), 0xA053)

    def test_the_key_can_be_written_on_the_registry_and_the_name_on_the_service(self):
        name = self.start_with_solar(key=None)
        self.wait_registry(SOLAR, "KeyStatus", "missing")
        from bluez_case import REGISTRY
        self.keep_secret(SOLAR_KEY, self.driver)
        self.assertEqual(self.set_value(REGISTRY, f"/Devices/{device_id(SOLAR)}/Key", SOLAR_KEY), 0)
        self.wait_value(name, "/Connected", 1)
        self.wait_setting(self.device_setting(SOLAR, "Key"), SOLAR_KEY)
        self.assertEqual(self.set_value(name, "/CustomName", "Garage"), 0)
        self.wait_setting(self.device_setting(SOLAR, "CustomName"), "Garage")

    def test_it_ends_at_once_and_leaves_the_bus(self):
        name = self.start_with_solar()
        self.wait_value(name, "/Connected", 1)
        self.assertEqual(self.driver.terminate(), 0)
        self.assertFalse(self.has_name(name))


if __name__ == "__main__":
    main()
