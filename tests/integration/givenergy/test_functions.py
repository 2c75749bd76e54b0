"""Every function with a number in its name, and the rest of those of later versions: three ways each, seen in the
simulator's registers. Register numbers are computed here from the register map, not taken from the driver."""

import datetime

from givenergy_testing import ControlTestCase
from venus_testing import main


def ten_slots():
    for slot in range(1, 11):
        third = 3 * (slot - 3)
        charge = {1: (94, 95, 242), 2: (243, 244, 245)}.get(slot, (246 + third, 247 + third, 248 + third))
        discharge = {1: (56, 57, 272), 2: (44, 45, 275)}.get(slot, (276 + third, 277 + third, 278 + third))
        hour = f"{slot + 1:02}"
        yield f"setChargeStart{slot}", {"start": hour + ":10"}, {charge[0]: slot * 100 + 110}
        yield f"setChargeEnd{slot}", {"finish": hour + ":50"}, {charge[1]: slot * 100 + 150}
        yield f"setChargeTarget{slot}", {"chargeToPercent": str(40 + slot)}, {charge[2]: 40 + slot}
        yield f"setDischargeStart{slot}", {"start": hour + ":20"}, {discharge[0]: slot * 100 + 120}
        yield f"setDischargeEnd{slot}", {"finish": hour + ":40"}, {discharge[1]: slot * 100 + 140}
        yield f"setDischargeTarget{slot}", {"dischargeToPercent": str(20 + slot)}, {discharge[2]: 20 + slot}


def ems_slots():
    for kind, base, target in (("EMSDischarge", 2044, "dischargeToPercent"), ("EMSCharge", 2053, "chargeToPercent"),
                               ("Export", 2062, "dischargeToPercent")):
        for slot in (1, 2, 3):
            first = base + 3 * (slot - 1)
            yield f"set{kind}Start{slot}", {"start": f"0{slot}:15"}, {first: slot * 100 + 15}
            yield f"set{kind}End{slot}", {"finish": f"1{slot}:45"}, {first + 1: 1000 + slot * 100 + 45}
            yield f"set{kind}Target{slot}", {target: str(30 + slot)}, {first + 2: 30 + slot}


class Functions(ControlTestCase):

    def try_functions(self, table, by_tool=lambda function: True):
        """`after` is what a function leaves; before it each register holds another value that is allowed there."""
        for function, payload, after in table:
            with self.subTest(function=function, payload=payload):
                before = {register: 0 if value != 0 else 1 for register, value in after.items()}
                for way in (self.by_mqtt, self.by_bus_command) + ((self.by_tool,) if by_tool(function) else ()):
                    self.prepare(before)
                    answer = way(function, payload)
                    if way == self.by_mqtt:
                        self.assertIn("success", answer)
                    elif way == self.by_tool:
                        self.assertEqual(answer[0], 0, answer[2])
                    self.check(after)
                    self.assertLessEqual({register for register, _ in self.simulator.writes()}, set(after))

    def test_rest_of_a_hybrid(self):
        self.start_everything()
        self.try_functions([
            ("enableChargeSchedule", {"state": "enable"}, {96: 1}),
            ("enableChargeSchedule", {"state": "disable"}, {96: 0}),
            ("enableDischargeSchedule", {"state": "enable"}, {59: 1}),
            ("enableDischarge", {"state": "disable"}, {59: 0}),
            ("enableRTC", {"state": "disable"}, {166: 0}),
            ("setEcoMode", {"state": "enable"}, {27: 1}),
            ("setBatteryCutoff", {"dischargeToPercent": "12"}, {114: 12}),
            ("setActivePowerRate", {"activePowerRate": "75"}, {50: 75}),
            ("setBatteryCalibration", {"state": "Start"}, {29: 1}),
        ])

    def test_ten_slots(self):
        self.start_everything("--model", "aio", serial="CH2414G001")
        self.try_functions(ten_slots(), by_tool=lambda function: function.endswith(("1", "2", "10")))
        self.try_functions([
            ("setChargeRateAC", {"chargeRate": "70"}, {313: 70}),
            ("setDischargeRateAC", {"dischargeRate": "60"}, {314: 60}),
            ("setBatteryPauseMode", {"state": "PauseBoth"}, {318: 3}),
            ("setPauseStart", {"start": "09:00"}, {319: 900}),
            ("setPauseEnd", {"finish": "09:30"}, {320: 930}),
        ])

    def test_three_phase(self):
        serial = "TC2337G001"
        self.start_everything("--model", "three-phase", serial=serial)
        self.try_functions([
            ("setForceCharge", {"state": "enable"}, {1123: 1}),
            ("setForceDischarge", {"state": "enable"}, {1122: 1}),
            ("setACCharge", {"state": "enable"}, {1112: 1}),
        ])

    def test_ems_slots(self):
        self.start_everything("--model", "ems", serial="EMS2522001")
        self.try_functions(ems_slots(), by_tool=lambda function: function.endswith("3"))
        self.try_functions([("setEmsPlant", {"state": "enable"}, {2040: 1}),
                            ("setExportLimit", {"limit": "4200"}, {2071: 4200})])

    def test_clock(self):
        self.start_everything()
        for way in (self.by_mqtt, self.by_bus_command, self.by_tool):
            self.prepare({35: 1})
            way("syncDateTime", None)
            self.check({35: datetime.date.today().year % 100})

    def test_what_no_inverter_has(self):
        self.start_everything()
        self.assertIn("not to be written", self.by_mqtt("setCarChargeBoost", {"boost": "5000"}))
        self.assertNotEqual(self.by_tool("setCarChargeBoost", {"boost": "5000"})[0], 0)
        self.assertEqual(self.simulator.writes(), [])


if __name__ == "__main__":
    main()
