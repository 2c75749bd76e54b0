"""Simulator, driver and bus: what is published, and what happens when things break."""

from givenergy_testing import SERIAL, GivEnergyTestCase, free_port
from venus_testing import SignalLog, main, wait_until


class Publishing(GivEnergyTestCase):

    def number(self, kind, path, serial=SERIAL):
        value = self.value(self.service(kind, serial), path)
        return None if value is None else float(value)

    def check_balance(self, serial=SERIAL, phases=1, pv=False, load=None):
        """grid + PV inverter - input + output is what the house takes."""
        total = self.number("grid", "/Ac/Power", serial)
        if pv:
            total += self.number("pvinverter", "/Ac/Power", serial)
        for phase in range(1, phases + 1):
            total -= self.number("multi", f"/Ac/In/1/L{phase}/P", serial)
            total += self.number("multi", f"/Ac/Out/L{phase}/P", serial) or 0
        self.assertAlmostEqual(total, load, delta=3)

    def test_hybrid_with_two_packs(self):
        simulator = self.start_simulator()
        self.start_driver(simulator)
        self.wait_online()
        now = simulator.now()
        grid, multi, battery = (self.service(kind) for kind in ("grid", "multi", "battery"))
        self.wait_value(grid, "/Ac/Energy/Forward", 28657.3, near=0.05)
        self.wait_value(battery, "/System/NrOfModulesOnline", 2)
        self.assertEqual(self.value(grid, "/Ac/Power"), -now["grid"])
        self.assertEqual(self.value(grid, "/Ac/L1/Power"), -now["grid"])
        self.assertEqual(self.value(grid, "/Role"), "grid")
        self.assertEqual(self.value(multi, "/Yield/Power"), now["pv"])
        self.assertEqual(self.value(multi, "/Dc/0/Power"), -now["battery"])
        self.assertEqual(self.value(multi, "/Soc"), int(now["soc"] + 0.5))
        self.assertEqual(self.value(multi, "/State"), 3)
        self.assertEqual(self.value(battery, "/Soc"), int(now["soc"] + 0.5))
        self.assertEqual(self.value(battery, "/InstalledCapacity"), 320)
        self.assertEqual(self.value(battery, "/System/NrOfCellsPerBattery"), 16)
        self.assertIsNotNone(self.value(battery, "/Voltages/Cell32"))
        self.assertEqual(self.value(battery, "/Io/AllowToCharge"), 1)
        self.check_balance(load=now["load"])
        self.assertEqual(self.text(grid, "/Ac/L1/Voltage"), "241.0V")
        self.assertEqual(self.value(self.service("acsystem"), "/Devices/0/Service"), multi)
        # What would let a GX steer with a foreign battery must not be there.
        for kind in ("multi", "acsystem", "battery"):
            for path in self.items(self.service(kind)):
                self.assertFalse(path.startswith(("/Link/", "/Ess/", "/Settings/", "/Info/MaxCharge", "/Capabilities")),
                                 path)
        self.assertGreater(self.value(battery, "/DeviceInstance"), 100)
        self.assertFalse(self.has_name(self.service("pvinverter")))

    def test_other_models(self):
        for model, phases, pv in (("aio", 1, True), ("three-phase", 3, False), ("gateway", 1, True), ("ems", 1, True)):
            with self.subTest(model):
                serial = {"aio": "CH2414G001", "three-phase": "TC2337G001", "gateway": "GW2412G001",
                          "ems": "EMS2522001"}[model]
                simulator = self.start_simulator("--model", model, "--serial", serial)
                self.start_driver(simulator)
                self.wait_online("multi", serial)
                now = simulator.now()
                wait_until(lambda: self.number("multi", "/Ac/In/1/L1/P", serial) is not None, "the input power")
                if model == "three-phase":
                    wait_until(lambda: self.number("multi", "/Ac/Out/L3/P", serial) is not None, "the output power")
                    self.assertEqual(self.number("multi", "/Yield/Power", serial), now["pv"])
                # AC-coupled PV of these units is on the grid side of the inverter.
                load = now["load"]
                self.check_balance(serial, phases, pv, load)
                self.assertEqual(self.has_name(self.service("pvinverter", serial)), pv)
                if pv:
                    self.assertEqual(self.number("pvinverter", "/Ac/Power", serial), now["pv"])
                    self.assertIsNone(self.value(self.service("multi", serial), "/Yield/Power"))
                self.assertEqual(self.driver.terminate(), 0)

    def test_several_inverters_in_one_process(self):
        first = self.start_simulator()
        second = self.start_simulator("--serial", "EA2302G002", "--model", "gen2", "--adapter", "WG2302G002")
        self.start_driver(first, second)
        self.wait_online()
        self.wait_online(serial="EA2302G002")
        # One goes, the other stays.
        self.set_setting("/Settings/GivEnergy/Adapters", second.address)
        self.wait_no_name(self.service("grid"))
        self.assertEqual(self.value(self.service("grid", "EA2302G002"), "/Connected"), 1)
        self.set_setting("/Settings/GivEnergy/Adapters", f"{second.address}, {first.address}")
        self.wait_online()

    def test_unchanged_values_send_nothing(self):
        simulator = self.start_simulator("--packs", 1)
        simulator.tell("freeze", on=True)
        self.start_driver(simulator)
        self.wait_online()
        self.wait_value(self.service("grid"), "/Ac/Energy/Forward", lambda v: v is not None)
        reads = simulator.counters()["reads"]
        wait_until(lambda: simulator.counters()["reads"] > reads + 12, "some polls")
        log = SignalLog(self.bus, self.service("multi"))
        reads = simulator.counters()["reads"]
        wait_until(lambda: simulator.counters()["reads"] > reads + 8, "some more polls")
        self.assertEqual(log.signals, [])

    def test_one_pack_one_service(self):
        simulator = self.start_simulator()
        self.start_driver(simulator, BatteryPerPack=1)
        for pack in (1, 2):
            name = self.service("battery", suffix=f"_pack{pack}")
            self.wait_value(name, "/Serial", f"BG2134G00{pack}")
            self.wait_value(name, "/Soc", 50)
            self.assertIsNone(self.value(name, "/Dc/0/Current"))  # this firmware does not measure it
            self.assertIsNone(self.value(name, "/Voltages/Cell17"))

    def test_layout_follows_a_victron_inverter(self):
        simulator = self.start_simulator()
        self.start_driver(simulator, ObserverBattery=1)
        self.wait_online()
        vebus = self.start("velib-test-service", "--name", "com.victronenergy.vebus.ttyO1", stdin=True)
        self.wait_name(self.service("pvinverter"))
        self.wait_no_name(self.service("multi"))
        self.wait_no_name(self.service("grid"))
        now = simulator.now()
        self.wait_value(self.service("pvinverter"), "/Ac/Power", now["inverter"])
        self.assertEqual(self.value(self.service("pvinverter"), "/Position"), 0)
        self.assertTrue(self.has_name(self.service("battery")))
        vebus.terminate()
        self.wait_name(self.service("multi"))
        self.wait_no_name(self.service("pvinverter"))

    def test_paused_battery_shows(self):
        simulator = self.start_simulator("--model", "aio", "--serial", "CH2414G001")
        simulator.set_holding(318, 1)
        self.start_driver(simulator)
        self.wait_value(self.service("battery", "CH2414G001"), "/Io/AllowToCharge", 0)
        self.assertEqual(self.value(self.service("battery", "CH2414G001"), "/Io/AllowToDischarge"), 1)

    def test_alarm_needs_three_readings(self):
        simulator = self.start_simulator()
        simulator.tell("freeze", on=True)
        self.start_driver(simulator)
        self.wait_value(self.service("battery"), "/Alarms/LowChargeTemperature", 0)
        log = SignalLog(self.bus, self.service("battery"))
        simulator.set_input(57, 1)
        self.wait_value(self.service("battery"), "/Alarms/LowChargeTemperature", 2)
        self.wait_value(self.service("multi"), "/GivEnergy/Faults", "battery too cold to charge")
        simulator.set_input(57, 0)
        self.wait_value(self.service("battery"), "/Alarms/LowChargeTemperature", 0)
        self.assertTrue(log.signals)


class Recovery(GivEnergyTestCase):
    """The known ways in which adapters hang: each is survived without a restart."""

    def recovers_from(self, begin, end):
        simulator = self.start_simulator()
        self.start_driver(simulator)
        self.wait_online()
        self.wait_value(self.service("grid"), "/Ac/Power", lambda v: v is not None)
        begin(simulator)
        self.wait_value(self.service("grid"), "/Connected", 0)
        self.assertIsNone(self.value(self.service("grid"), "/Ac/Power"))
        self.assertIsNone(self.value(self.service("battery"), "/Soc"))
        self.assertEqual(self.value(self.service("multi"), "/ProductName"), "GivEnergy inverter HYBRID_GEN1")
        end(simulator)
        self.wait_online()
        self.wait_value(self.service("grid"), "/Ac/Power", -simulator.now()["grid"])
        self.assertTrue(self.driver.running)

    def test_silence(self):
        self.recovers_from(lambda s: s.misbehave(silence=True), lambda s: s.behave())

    def test_half_open(self):
        self.recovers_from(lambda s: s.misbehave(half_open=True), lambda s: s.behave())

    def test_refusing(self):
        self.recovers_from(lambda s: s.tell("refuse", seconds=6), lambda s: None)

    def test_reset_is_not_even_noticed(self):
        simulator = self.start_simulator()
        self.start_driver(simulator, PollPeriod=1)
        self.wait_online()
        log = SignalLog(self.bus, self.service("grid"))
        connections = simulator.counters()["connections"]
        simulator.tell("reset")
        wait_until(lambda: simulator.counters()["connections"] > connections, "a new connection")
        reads = simulator.counters()["reads"]
        wait_until(lambda: simulator.counters()["reads"] > reads + 20, "polls")
        for _member, _path, body in log.signals:
            self.assertNotIn("/Connected", body)

    def test_heartbeats_are_answered(self):
        simulator = self.start_simulator("--heartbeat", 0.2)
        self.start_driver(simulator)
        self.wait_online()
        wait_until(lambda: simulator.counters()["heartbeats_answered"] > 6, "answers")
        self.assertEqual(simulator.counters()["connections"], 1)

    def test_adapter_that_comes_later(self):
        port = free_port()
        self.start_driver(Adapters=f"127.0.0.1:{port}")
        self.driver.wait_line("no connection")
        simulator = self.start_simulator(port=port)
        self.wait_online()
        simulator.program.kill()
        self.wait_value(self.service("grid"), "/Connected", 0)
        self.start_simulator(port=port)
        self.wait_online()

    def test_driver_killed(self):
        simulator = self.start_simulator()
        self.start_driver(simulator)
        self.wait_online()
        self.driver.kill()
        self.wait_no_name(self.service("grid"))
        self.start_driver(simulator)
        self.wait_online()

    def test_settings_service_restarts(self):
        simulator = self.start_simulator()
        self.start_driver(simulator)
        self.wait_online()
        self.settings.terminate()
        self.start_settings()
        self.wait_value("com.victronenergy.settings", "/Settings/GivEnergy/Adapters", simulator.address)
        self.assertEqual(self.value(self.service("grid"), "/Connected"), 1)

    def test_bus_lost_ends_the_driver(self):
        simulator = self.start_simulator()
        self.start_driver(simulator)
        self.wait_online()
        self.bus_daemon.kill()
        self.assertEqual(self.driver.wait_exit(), 1)

    def test_bad_address_is_named(self):
        self.start_driver(Adapters="http://192.168.1.2/")
        self.driver.wait_line('"http://192.168.1.2/" is no address')


if __name__ == "__main__":
    main()
