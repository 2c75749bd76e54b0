"""Every control function through each of its three ways, seen in the simulator's registers; every refusal refused."""

import json
import os

import dbus

from givenergy_testing import SERIAL, ControlTestCase, GivEnergyTestCase, Listener
from venus_testing import main, wait_until

# (function, JSON payload, (D-Bus path, value) where an item of its own does the same, registers before, after)
HYBRID = [
    ("pauseChargeSchedule", None, ("/GivEnergy/ChargeEnable", 0), {96: 1}, {96: 0}),
    ("resumeChargeSchedule", None, ("/GivEnergy/ChargeEnable", 1), {96: 0}, {96: 1}),
    ("pauseDischargeSchedule", None, ("/GivEnergy/DischargeEnable", 0), {59: 1}, {59: 0}),
    ("resumeDischargeSchedule", None, ("/GivEnergy/DischargeEnable", 1), {59: 0}, {59: 1}),
    ("setChargeTarget", {"chargeToPercent": "50"}, None, {116: 100}, {116: 50}),
    ("setBatteryReserve", {"dischargeToPercent": "20"}, ("/GivEnergy/Cutoff", 20), {114: 4}, {114: 20}),
    ("setChargeSlot1", {"enable": True, "start": "0100", "finish": "0400", "chargeToPercent": "95"}, None,
     {94: 0, 95: 0, 116: 50, 96: 0}, {94: 100, 95: 400, 116: 95, 96: 1}),
    ("setDischargeSlot1", {"start": "1600", "finish": "0700", "dischargeToPercent": "10"}, None,
     {56: 0, 57: 0, 114: 4}, {56: 1600, 57: 700, 114: 10}),
    ("setDischargeSlot2", {"start": "1700", "finish": "1800", "dischargeToPercent": "11"}, None,
     {44: 0, 45: 0, 114: 4}, {44: 1700, 45: 1800, 114: 11}),
    ("setBatteryMode", {"mode": 1}, None, {110: 50, 59: 1, 27: 0}, {110: 4, 59: 0, 27: 1}),
    ("setBatteryMode", {"mode": 2}, None, {110: 4, 59: 0, 27: 0, 56: 0, 57: 0},
     {110: 100, 59: 1, 27: 1, 56: 1600, 57: 700}),
    ("setBatteryMode", {"mode": 3}, None, {110: 4, 59: 0, 27: 0}, {110: 100, 59: 1, 27: 1}),
    ("setBatteryMode", {"mode": 4}, None, {110: 50, 59: 0, 27: 1}, {110: 4, 59: 1, 27: 0}),
    ("enableChargeTarget", None, None, {20: 0}, {20: 1}),
    ("disableChargeTarget", None, None, {20: 1, 116: 50}, {20: 0, 116: 100}),
    ("setDateTime", {"dateTime": "31/12/2027 23:58:59"}, None, {35: 20}, {35: 27, 36: 12, 37: 31, 38: 23}),
]
# The same for later functions: bare payloads on MQTT, items on the bus.
LATER = [
    ("setChargeTarget", "80", ("/GivEnergy/ChargeTarget", 80), {20: 0, 116: 100}, {20: 1, 116: 80}),
    ("setBatteryReserve", "30", ("/GivEnergy/Reserve", 30), {110: 4}, {110: 30}),
    ("setBatteryCutoff", "9", ("/GivEnergy/Cutoff", 9), {114: 4}, {114: 9}),
    ("setBatteryMode", "Timed Export", ("/GivEnergy/Mode", 3), {27: 1, 59: 0}, {27: 0, 59: 1}),
    ("setBatteryMode", "Eco (Paused)", ("/GivEnergy/Mode", 1), {27: 0, 59: 1, 110: 4}, {27: 1, 59: 0, 110: 100}),
    ("setChargeRate", "1000", ("/GivEnergy/ChargeRate", 1000), {111: 50}, {111: 6}),
    ("setDischargeRate", "2600", ("/GivEnergy/DischargeRate", 2600), {112: 10}, {112: 50}),
    ("setActivePowerRate", "60", ("/GivEnergy/ActivePowerRate", 60), {50: 100}, {50: 60}),
    ("setChargeStart1", "02:15", ("/GivEnergy/ChargeSlot/1/Start", "0215"), {94: 0}, {94: 215}),
    ("setChargeEnd1", "05:45", ("/GivEnergy/ChargeSlot/1/End", "0545"), {95: 0}, {95: 545}),
    ("setDischargeStart2", "16:30", ("/GivEnergy/DischargeSlot/2/Start", "1630"), {44: 0}, {44: 1630}),
    ("setDischargeEnd2", "18:30", ("/GivEnergy/DischargeSlot/2/End", "1830"), {45: 0}, {45: 1830}),
    ("rebootInverter", "", ("/GivEnergy/Reboot", 1), {163: 0}, {163: 100}),
    ("enableRTC", "enable", None, {166: 0}, {166: 1}),
    ("setEcoMode", "disable", None, {27: 1}, {27: 0}),
    ("setBatteryCalibration", "Charge Only", None, {29: 0}, {29: 3}),
]
AIO = [
    ("setBatteryPauseMode", "PauseDischarge", ("/GivEnergy/PauseMode", 2), {318: 0}, {318: 2}),
    ("setPauseStart", "10:00", ("/GivEnergy/PauseStart", "1000"), {319: 0}, {319: 1000}),
    ("setPauseEnd", "11:00", ("/GivEnergy/PauseEnd", "1100"), {320: 0}, {320: 1100}),
    ("setChargeStart2", "03:00", ("/GivEnergy/ChargeSlot/2/Start", "0300"), {243: 0}, {243: 300}),
    ("setChargeTarget7", "70", ("/GivEnergy/ChargeSlot/7/Target", 70), {260: 100}, {260: 70}),
    ("setDischargeTarget10", "20", ("/GivEnergy/DischargeSlot/10/Target", 20), {299: 4}, {299: 20}),
    ("setChargeRateAC", "80", None, {313: 100}, {313: 80}),
]


class Control(ControlTestCase):

    def try_all(self, table, tool=True):
        for function, payload, item, before, after in table:
            with self.subTest(function=function, payload=payload):
                self.prepare(before)
                result = self.by_mqtt(function, payload)
                self.assertNotIn("rror", result)
                self.assertNotIn("ailed", result)
                self.check(after)
                self.prepare(before)
                self.by_bus_command(function, payload)
                self.check(after)
                if item is not None:
                    path, value = item
                    self.prepare(before)
                    # The item shows what was read back last; let it see what the test put there.
                    if path.split("/")[-1] not in ("Reboot", "Sync"):
                        self.refresh(before)
                    self.assertEqual(self.set_value(self.multi, path, dbus.Int32(value) if isinstance(value, int)
                                                    else value), 0, path)
                    self.check(after)
                    if path != "/GivEnergy/Reboot" and path != "/GivEnergy/ChargeRate":
                        self.wait_value(self.multi, path, value)
                if tool:
                    self.prepare(before)
                    status, _out, complaints = self.by_tool(function, payload)
                    self.assertEqual(status, 0, complaints)
                    self.check(after)
                # Nothing but what the function stands for was written.
                self.assertLessEqual({r for r, _ in self.simulator.writes()}, set(after) | {37, 38, 39, 40, 36, 35}
                                     if function == "setDateTime" else set(after))

    def refresh(self, before):
        """Makes the driver read its settings: a command that changes nothing does."""
        self.by_mqtt("setActivePowerRate", str(self.simulator.holding(50)))
        register = next(iter(before))
        if register < 60:
            return
        self.by_mqtt("setBatteryCutoff", str(self.simulator.holding(114)))
        if register >= 240:
            self.by_mqtt("setDischargeTarget9", "77")
            self.by_mqtt("setDischargeTarget9", "4")
            self.by_mqtt("setPauseEnd", "00:00")
            self.simulator.writes(clear=True)

    def test_functions_of_2021(self):
        self.start_everything()
        self.try_all(HYBRID)

    def test_later_functions(self):
        self.start_everything()
        self.try_all(LATER, tool=False)

    def test_functions_of_an_all_in_one(self):
        self.start_everything("--model", "aio", serial="CH2414G001")
        self.try_all(AIO, tool=False)

    def test_functions_of_an_ems(self):
        self.start_everything("--model", "ems", serial="EMS2522001")
        self.try_all([("setEmsPlant", "disable", None, {2040: 1}, {2040: 0}),
                      ("setExportLimit", "5000", None, {2071: 9500}, {2071: 5000}),
                      ("setEMSChargeStart1", "01:00", None, {2053: 0}, {2053: 100}),
                      ("setExportTarget3", "40", None, {2070: 4}, {2070: 40})], tool=False)

    def test_refusals(self):
        self.start_everything()
        for function, payload, words in (
                ("setChargeTarget", "101", "range 4-100"), ("setChargeTarget", "{}", "chargeToPercent is missing"),
                ("setChargeTarget", "{\"chargeToPercent\":\"1\"}", "range 4-100"),
                ("setChargeStart1", "24:00", "is not a time"), ("setBatteryMode", "Turbo", "Invalid Mode"),
                ("setBatteryPauseMode", "PauseBoth", "not to be written on HYBRID_GEN1"),
                ("setChargeStart2", "01:00", "charge slot 2 is not offered"),
                ("setChargeStart3", "01:00", "no such slot"), ("setExportLimit", "1", "not to be written"),
                ("setCarChargeBoost", "1", "not to be written"), ("factoryReset", "1", "unknown function"),
                ("forceCharge", "1440", "minutes 1-1439"), ("setDateTime", "30/02/2026 00:00:00", "dd/mm/yyyy"),
                ("setChargeTarget", "5" * 2000, "payload too long")):
            with self.subTest(function=function, payload=payload[:30]):
                self.assertIn(words, self.by_mqtt(function, payload))
        for path, value in (("/GivEnergy/ChargeTarget", 101), ("/GivEnergy/ChargeTarget", 3), ("/GivEnergy/Mode", 4),
                            ("/GivEnergy/ChargeSlot/1/Start", "2460"), ("/GivEnergy/Reboot", 0.5),
                            ("/GivEnergy/Command", "setChargeTarget 101"), ("/GivEnergy/Command", "rm -rf"),
                            ("/GivEnergy/Command", "setChargeTarget {broken"), ("/Soc", 5), ("/Mode", 4)):
            with self.subTest(path=path, value=value):
                before = self.value(self.multi, path)
                code = self.set_value(self.multi, path, value)
                self.assertTrue(code != 0 or path == "/GivEnergy/Reboot", path)
                self.assertEqual(self.value(self.multi, path), before)
        self.assertEqual(self.simulator.writes(), [])
        self.assertFalse(any(path.startswith("/GivEnergy/PauseMode") for path in self.items(self.multi)))

    def test_control_is_off_until_allowed(self):
        self.start_everything(AllowControl=0)
        self.assertEqual(self.set_value(self.multi, "/GivEnergy/ChargeTarget", 50), 2)
        self.assertIn("not allowed", self.by_mqtt("setChargeTarget", "50"))
        self.wait_value(self.multi, "/GivEnergy/LastWriteResult", lambda v: v and "not allowed" in v)
        self.assertEqual(self.simulator.writes(), [])
        self.set_setting("/Settings/GivEnergy/AllowControl", 1)
        self.wait_name(self.multi)
        wait_until(lambda: "success" in self.by_mqtt("setChargeTarget", "50"), "control to be allowed")
        self.check({116: 50})

    def test_retained_commands_are_ignored(self):
        self.start_everything()
        self.listener.client.publish(f"GivEnergy/control/{SERIAL}/setChargeTarget", "50", retain=True)
        self.check({116: 50})  # it comes live once, as to everybody who listens already
        self.simulator.writes(clear=True)
        self.simulator.set_holding(116, 100)
        self.broker.kill()
        self.driver.kill()
        self.start_broker()
        publisher = Listener(self.broker_port)
        self.addCleanup(publisher.close)
        publisher.client.publish(f"GivEnergy/control/{SERIAL}/setChargeTarget", "60", retain=True)
        publisher.wait_topic(f"GivEnergy/control/{SERIAL}/setChargeTarget")
        driver = self.start_driver(self.simulator, control=True,
                                   **{"Mqtt/Host": "127.0.0.1", "Mqtt/Port": self.broker_port})
        driver.wait_line("ignored")
        self.assertEqual(self.simulator.holding(116), 100)

    def test_writes_to_one_register_are_limited(self):
        self.start_everything(WriteInterval=600)
        self.assertIn("success", self.by_mqtt("setBatteryCutoff", "10"))
        self.assertIn("wait", self.by_mqtt("setBatteryCutoff", "11"))
        self.assertIn("success", self.by_mqtt("setBatteryCutoff", "10"))  # nothing to write
        self.assertEqual(self.simulator.writes(), [(114, 10)])
        self.wait_value(self.multi, "/GivEnergy/WriteCount", 1)

    def test_what_the_device_refuses_is_told(self):
        self.start_everything()
        self.simulator.misbehave(write_refused=3)
        self.assertIn("refused", self.by_mqtt("setBatteryCutoff", "10"))
        self.wait_value(self.multi, "/GivEnergy/LastWriteResult", lambda v: v and "refused" in v)
        self.assertEqual(self.value(self.multi, "/GivEnergy/Cutoff"), 4)


class Timed(GivEnergyTestCase):
    """Functions that put everything back after some minutes, whatever happens meanwhile."""

    SAVED = {27: 1, 56: 0, 57: 0, 59: 0, 110: 7, 112: 33, 94: 2330, 95: 530, 96: 0, 111: 44, 116: 80}

    def start_timed(self):
        self.simulator = self.start_simulator()
        for register, value in self.SAVED.items():
            self.simulator.set_holding(register, value)
        self.start_driver(self.simulator, control=True)
        self.wait_online("multi")
        self.multi = self.service("multi")
        self.wait_value(self.multi, "/GivEnergy/Reserve", 7)

    def registers(self):
        return {register: self.simulator.holding(register) for register in self.SAVED}

    def test_force_export_and_cancel(self):
        self.start_timed()
        self.assertEqual(self.set_value(self.multi, "/GivEnergy/ForceExport", 30), 0)
        wait_until(lambda: self.simulator.holding(57) == 1330, "the end of the export")
        self.wait_value(self.multi, "/GivEnergy/ForceExport", 30)
        self.wait_value(self.multi, "/State", 252)
        self.assertEqual({r: self.simulator.holding(r) for r in (27, 56, 57, 59, 110, 112)},
                         {27: 0, 56: 1300, 57: 1330, 59: 1, 110: 4, 112: 50})
        self.simulator.tell("advance", seconds=1)
        self.assertGreater(self.simulator.now()["battery"], 2000)
        self.assertEqual(self.set_value(self.multi, "/GivEnergy/ForceExport", 0), 0)
        self.wait_value(self.multi, "/GivEnergy/ForceExport", 0)
        self.assertEqual(self.registers(), self.SAVED)

    def test_force_charge_replaces_export(self):
        self.start_timed()
        self.set_value(self.multi, "/GivEnergy/ForceExport", 30)
        self.wait_value(self.multi, "/GivEnergy/ForceExport", 30)
        self.set_value(self.multi, "/GivEnergy/ForceCharge", 60)
        self.wait_value(self.multi, "/GivEnergy/ForceCharge", 60)
        expected = {**self.SAVED, 94: 1300, 95: 1400, 96: 1, 111: 50, 116: 100}
        self.assertEqual(self.registers(), expected)
        self.set_value(self.multi, "/GivEnergy/ForceCharge", 0)
        self.wait_value(self.multi, "/GivEnergy/ForceCharge", 0)
        self.assertEqual(self.registers(), self.SAVED)

    def test_killed_while_forcing(self):
        self.start_timed()
        self.set_value(self.multi, "/GivEnergy/ForceCharge", 60)
        self.wait_value(self.multi, "/GivEnergy/ForceCharge", 60)
        self.driver.kill()
        state = os.path.join(self.directory, "state", SERIAL + ".json")
        with open(state) as file:
            remembered = json.load(file)
        remembered["running"]["ends_at"] = 1  # long over when the driver comes back
        with open(state, "w") as file:
            json.dump(remembered, file)
        self.start_driver(self.simulator, control=True)
        wait_until(lambda: self.registers() == self.SAVED, lambda: f"{self.SAVED}; there is {self.registers()}")

        def remembered_now():
            with open(state) as file:
                return json.load(file)
        wait_until(lambda: "running" not in remembered_now(), "the state file to be cleared")

    def test_pause_without_and_with_the_register(self):
        self.start_timed()
        self.set_value(self.multi, "/GivEnergy/PauseDischarge", 10)
        self.wait_value(self.multi, "/GivEnergy/PauseDischarge", 10)
        self.assertEqual(self.simulator.holding(112), 0)
        self.set_value(self.multi, "/GivEnergy/PauseDischarge", 0)
        self.wait_value(self.multi, "/GivEnergy/PauseDischarge", 0)
        self.assertEqual(self.registers(), self.SAVED)
        self.driver.terminate()
        self.simulator = self.start_simulator("--model", "aio", "--serial", "CH2414G001")
        self.start_driver(self.simulator, control=True)
        self.wait_online("multi", "CH2414G001")
        multi = self.service("multi", "CH2414G001")
        wait_until(lambda: self.value(multi, "/GivEnergy/PauseMode") == 0, "the pause register")
        self.set_value(multi, "/GivEnergy/PauseCharge", 5)
        self.wait_value(multi, "/GivEnergy/PauseMode", 1)
        self.set_value(multi, "/GivEnergy/PauseCharge", 0)
        self.wait_value(multi, "/GivEnergy/PauseMode", 0)


if __name__ == "__main__":
    main()
