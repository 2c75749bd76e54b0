"""The commands of dbus-serialbattery that need neither bus nor port, each as a user calls it."""

import json
import os

from command_case import CommandCase
from venus_testing import main

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data", "serialbattery")


def vectors(name):
    with open(os.path.join(DATA, name)) as lines:
        return [json.loads(line) for line in lines]


def difference(expected, actual, where=""):
    """Where actual lacks or contradicts expected; None when it agrees. Further members are allowed."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        for key, value in expected.items():
            if key not in actual:
                return f"{where}/{key} is missing"
            if found := difference(value, actual[key], f"{where}/{key}"):
                return found
        return None
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        found = (difference(e, a, f"{where}/{i}") for i, (e, a) in enumerate(zip(expected, actual)))
        return next((f for f in found if f), None)
    number = (int, float)
    if isinstance(expected, number) and isinstance(actual, number) and bool not in (type(expected), type(actual)):
        return None if abs(expected - actual) <= 0.001 else f"{where} is {actual}, not {expected}"
    return None if expected == actual else f"{where} is {actual}, not {expected}"


class Decode(CommandCase):
    def follow(self, name):
        wanted = vectors(name)
        questions = [{k: v for k, v in one.items() if k != "expect"} for one in wanted]
        _, answers, _ = self.answers("decode", questions)
        known = 0
        for one, answer in zip(wanted, answers):
            with self.subTest(one["protocol"] + ": " + one["what"]):
                if answer.get("error") != "protocol":  # no such family yet
                    self.assertIsNone(difference(one["expect"], answer))
                    known += 1
        return known, len(wanted)

    def test_first_collection(self):
        self.assertEqual(*self.follow("bms-1.jsonl"))

    def test_second_collection(self):
        self.assertGreater(self.follow("bms-2.jsonl")[0], 0)

    def test_bad_frames_are_an_answer(self):
        code, answers, err = self.answers("decode", [{"protocol": "jbd", "hex": "dd0300"}])
        self.assertEqual((code, answers[0]["valid"], err), (0, False, ""))

    def test_unusable_lines(self):
        code, out, err = self.call("decode", text='no json\n\n{"protocol":"unheard","hex":"00"}\n'
                                                  '{"protocol":"jbd","hex":"0g"}\n')
        self.assertEqual(code, 1)
        self.assertEqual([json.loads(line)["valid"] for line in out.splitlines()], [False] * 3)
        self.assertEqual(err.splitlines(), ["line 1: not an object with protocol and hex",
                                            "line 3: unknown protocol", "line 4: not hexadecimal"])


class Control(CommandCase):
    NOT_ASKED = ("expect", "source", "real", "changed_settings", "tolerance", "quirk", "reference_differs")
    NEAR = {"cvl": 0.0051, "cvl_exact": 1e-4, "ccl": 0.001, "dcl": 0.001, "soc": 0.006, "voltage": 0.0051,
            "current": 0.0051, "power": 0.0051, "time_to_go": 1, "remaining_ah": 0.01, "consumed_ah": 0.01}

    def question(self, one):
        question = {k: v for k, v in one.items() if k not in self.NOT_ASKED}
        if "checks" in one:
            question["checks"] = [{"t": check["t"]} for check in one["checks"]]
        return question

    def compare(self, one, expected, got):
        for field, value in expected.items():
            near = one.get("tolerance", {}).get(field, self.NEAR.get(field))
            if isinstance(value, (int, float)) and isinstance(got[field], (int, float)):
                near = max(0.001, abs(value) * 1e-4) if near is None else near
                self.assertLessEqual(abs(value - got[field]), near + 1e-12, field)
            else:
                self.assertEqual(got[field], value, field)

    def test_every_case(self):
        wanted = vectors("battery-control.jsonl")
        code, answers, err = self.answers("control", [self.question(one) for one in wanted])
        self.assertEqual((code, err), (0, ""))
        for one, got in zip(wanted, answers):
            with self.subTest(one["id"]):
                if one["protocol"] == "battery-config":
                    self.assertEqual(got["complaints_about"], one["expect"]["complaints_about"])
                    self.compare(one, one["expect"]["effective"], got["effective"])
                    continue
                self.compare(one, one["expect"], got)
                self.assertEqual([c["t"] for c in got["checks"]], [c["t"] for c in one["checks"]])
                for check, shown in zip(one["checks"], got["checks"]):
                    self.compare(one, check["expect"], shown)

    def test_unusable_lines(self):
        code, out, err = self.call("control", text='{"protocol":"jk"}\nnothing\n')
        self.assertEqual(code, 1)
        self.assertEqual([json.loads(line)["error"] for line in out.splitlines()], ["unknown protocol", "not JSON"])
        self.assertEqual(err.splitlines(), ["line 1: unknown protocol", "line 2: not JSON"])


class ImportConfig(CommandCase):
    def config(self, name):
        return os.path.join(DATA, "config", name)

    def test_good_file(self):
        code, out, err = self.call("import-config", self.config("v2-two-racks.ini"))
        self.assertEqual((code, err), (0, ""))
        self.assertIn("MAX_BATTERY_CHARGE_CURRENT = 100.0", out)
        self.assertIn("[default]\n", out)
        # What it prints as our file means the same again.
        path = os.path.join(self.directory, "ours.ini")
        with open(path, "w") as ours:
            ours.write(out[out.index("[default]"):])
        code, again, err = self.call("import-config", path)
        self.assertEqual((code, err), (0, ""))
        self.assertEqual(again[again.index("[default]"):], out[out.index("[default]"):])

    def test_file_with_mistakes(self):
        code, out, err = self.call("import-config", self.config("comma.ini"))
        self.assertEqual(code, 1)
        self.assertIn("a decimal point is needed", out)
        self.assertNotIn("MAX_CELL_VOLTAGE = 0", out)
        self.assertIn("comma.ini", err)

    def test_no_file(self):
        for path in (os.path.join(self.directory, "none.ini"), self.directory):
            code, out, err = self.call("import-config", path)
            self.assertEqual((code, out), (1, ""))
            self.assertIn(path + ": cannot be read", err)


class CommandLine(CommandCase):
    def test_wrong_command_lines(self):
        for arguments in ((), ("import-config",), ("decode", "--unheard"), ("read",), ("probe", "x", "--type", "none"),
                          ("read", "x", "--address", "256")):
            code, out, err = self.call(*arguments)
            self.assertEqual((code, out), (2, ""), arguments)
            self.assertNotEqual(err, "")

    def test_help(self):
        code, out, _ = self.call("--help")
        self.assertEqual(code, 0)
        for command in ("decode", "control", "import-config", "probe", "read", "monitor", "replay"):
            self.assertIn(command, out)


if __name__ == "__main__":
    main()
