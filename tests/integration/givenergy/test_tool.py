"""The command line against the simulated adapter, without any message bus."""

import json
import os

from givenergy_testing import ADAPTER, SERIAL, GivEnergyTestCase
from venus_testing import main

FAST = ("--gap", 20)
FAST_WRITE = (*FAST, "--write-gap", 100)

DATA = os.path.join(os.path.dirname(__file__), "..", "..", "data", "givenergy", "givenergy.jsonl")


class Tool(GivEnergyTestCase):
    with_settings = False

    def read(self, simulator, function, *extra):
        status, out, complaints = self.run_tool("read", function, "--host", simulator.address, *FAST, *extra)
        self.assertEqual(status, 0, complaints)
        return json.loads(out)

    def write(self, simulator, function, payload="", *extra):
        return self.run_tool("write", function, payload, "--host", simulator.address, *FAST_WRITE, *extra)

    def test_reading(self):
        simulator = self.start_simulator()
        now = simulator.now()
        everything = self.read(simulator, "runAll")
        self.assertEqual(everything["Power"]["Grid Power"], now["grid"])
        self.assertEqual(everything["Power"]["PV Power"], now["pv"])
        self.assertEqual(everything["Power"]["Battery Power"], now["battery"])
        self.assertEqual(everything["Power"]["Export Power"] - everything["Power"]["Import Power"], now["grid"])
        self.assertEqual(everything["Energy"]["Total"]["Import Energy Total kWh"], 28657.3)
        self.assertEqual(everything["Control"]["Mode"], 1)
        self.assertEqual(everything["Timeslots"]["Charge end time slot1(95)"], "0530")
        parts = {}
        for function in ("getCombinedStats", "getModes", "getTimeslots"):
            parts.update(self.read(simulator, function))
        self.assertEqual(parts, everything)
        raw = self.read(simulator, "getModes", "--raw")["raw"]
        self.assertEqual(raw["holding"]["0x11/116"], 100)

    def test_reading_other_models(self):
        for model in ("gen2", "gen3", "ac", "aio", "hv", "three-phase", "gateway", "ems"):
            with self.subTest(model):
                simulator = self.start_simulator("--model", model)
                stats = self.read(simulator, "getCombinedStats")
                self.assertEqual(stats["Power"]["Grid Power"], simulator.now()["grid"])

    def test_reading_what_is_not_there(self):
        status, _out, complaints = self.run_tool("read", "getEverything", "--host", "127.0.0.1")
        self.assertEqual(status, 2)
        self.assertIn("getTimeslots", complaints)
        status, _out, complaints = self.run_tool("read", "runAll", "--host", "127.0.0.1:1")
        self.assertEqual(status, 1)
        self.assertIn("no connection", complaints)
        self.assertEqual(self.run_tool("read", "runAll", "--host", "a b")[0], 2)

    def test_reading_through_trouble(self):
        simulator = self.start_simulator()
        simulator.misbehave(foreign=True, extras=True, glue=True, split=True, heartbeats=True, wrong_check=1)
        self.assertEqual(self.read(simulator, "getCombinedStats")["Power"]["SOC"], 50)

    def test_writing(self):
        simulator = self.start_simulator()
        status, out, _ = self.write(simulator, "setChargeSlot1",
                                    '{"enable":true,"start":"0200","finish":"0630","chargeToPercent":"90"}')
        self.assertEqual((status, out), (0, "Charge Time successfully set\n"))
        self.assertEqual(simulator.writes(clear=True), [(94, 200), (95, 630), (116, 90)])  # 96 is on already
        status, out, _ = self.write(simulator, "pauseChargeSchedule", "", "--json")
        self.assertEqual(json.loads(out), {"result": "Pausing Charge Schedule was a:  Success"})
        self.assertEqual(simulator.writes(clear=True), [(96, 0)])
        # Nothing to change, nothing written.
        self.assertEqual(self.write(simulator, "pauseChargeSchedule")[0], 0)
        self.assertEqual(simulator.writes(), [])
        self.assertEqual(self.write(simulator, "setBatteryMode", '{"mode":2}')[0], 0)
        self.assertEqual(simulator.writes(clear=True), [(110, 100), (59, 1), (56, 1600), (57, 700)])
        self.assertEqual(self.write(simulator, "setDateTime", '{"dateTime":"29/02/2028 12:34:56"}')[0], 0)
        self.assertEqual(simulator.writes(clear=True), [(35, 28), (36, 2), (37, 29), (38, 12), (39, 34), (40, 56)])

    def test_bad_payloads_never_reach_the_adapter(self):
        simulator = self.start_simulator()
        for function, payload, complaint in (
                ("setChargeTarget", '{"chargeToPercent":"101"}', "range 4-100"),
                ("setChargeTarget", '{"chargeToPercent":"3"}', "range 4-100"),
                ("setChargeTarget", "{}", "chargeToPercent is missing"),
                ("setChargeTarget", "50", "not a JSON object"),
                ("setChargeSlot1", '{"start":"0160","finish":"0400","chargeToPercent":"50"}', "start is not a time"),
                ("setBatteryMode", '{"mode":9}', "Invalid Mode:  9"),
                ("setDateTime", '{"dateTime":"yesterday"}', "dd/mm/yyyy hh:mm:ss"),
                ("setPassword", "", "unknown function")):
            with self.subTest(function=function, payload=payload):
                status, _out, complaints = self.write(simulator, function, payload)
                self.assertEqual(status, 2)
                self.assertIn(complaint, complaints)
        self.assertIn('\'{"chargeToPercent":"50"}\'', self.write(simulator, "setChargeTarget", "{}")[2])
        self.assertEqual(simulator.counters()["connections"], 0)

    def test_what_a_model_does_not_have(self):
        simulator = self.start_simulator()
        for function, payload in (("setChargeSlot2", '{"start":"0100","finish":"0400","chargeToPercent":"100"}'),
                                  ("setBatteryPauseMode", '{"state":"PauseBoth"}'),
                                  ("setExportLimit", '{"limit":"100"}')):
            status, _out, complaints = self.write(simulator, function, payload)
            self.assertEqual(status, 1, complaints)
        self.assertEqual(simulator.counters()["writes"], 0)
        self.assertEqual(self.write(simulator, "setChargeSlot2", '{"start":"0100","finish":"0400","chargeToPercent":"100"}',
                                    "--charge-slot-2")[0], 0)
        self.assertEqual(simulator.writes(), [(31, 100), (32, 400)])

    def test_writes_that_go_wrong(self):
        simulator = self.start_simulator()
        simulator.misbehave(write_lost=1)  # done, but not answered: found out by reading back
        self.assertEqual(self.write(simulator, "setBatteryReserve", '{"dischargeToPercent":"20"}')[0], 0)
        self.assertEqual(simulator.writes(clear=True), [(114, 20)])
        simulator.misbehave(write_dropped=1)  # not done: asked again
        self.assertEqual(self.write(simulator, "setBatteryReserve", '{"dischargeToPercent":"21"}')[0], 0)
        self.assertEqual(simulator.writes(clear=True), [(114, 21)])
        simulator.misbehave(write_refused=2)  # spurious refusals
        self.assertEqual(self.write(simulator, "setBatteryReserve", '{"dischargeToPercent":"22"}')[0], 0)
        simulator.misbehave(write_refused=3)
        status, out, complaints = self.write(simulator, "setBatteryReserve", '{"dischargeToPercent":"23"}')
        self.assertEqual((status, out), (1, "Error setting Battery Reserve\n"))
        self.assertIn("refused", complaints)
        simulator.misbehave(write_other=1)
        status, out, complaints = self.write(simulator, "setBatteryReserve", '{"dischargeToPercent":"24"}', "--json")
        self.assertEqual(status, 1)
        self.assertIn("another value", json.loads(out)["result"])

    def test_finding(self):
        simulator = self.start_simulator()
        status, out, _ = self.run_tool("find", "--json", simulator.address)
        self.assertEqual(status, 0)
        self.assertEqual(json.loads(out), {"host": "127.0.0.1", "port": simulator.port, "adapter": ADAPTER,
                                           "serial": SERIAL, "model": "HYBRID_GEN1"})
        status, out, _ = self.run_tool("find", "--port", simulator.port, "127.0.0.0/30")
        self.assertIn(f"127.0.0.1:{simulator.port}", out)
        self.assertEqual(self.run_tool("find", "10.0.0.0/8")[0], 2)
        self.assertEqual(self.run_tool("find", "127.0.0.1:1")[0], 1)

    def test_decoding_the_collection(self):
        with open(DATA) as data:
            vectors = [json.loads(line) for line in data]
        lines = "".join(json.dumps({k: v for k, v in vector.items() if k != "expect"}) + "\n" for vector in vectors)
        status, out, _ = self.run_tool("decode", stdin=lines + "nonsense\n")
        self.assertEqual(status, 0)
        results = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(len(results), len(vectors) + 1)
        for vector, result in zip(vectors, results):
            for key, value in vector["expect"].items():
                if not isinstance(value, (dict, list)):
                    self.assertEqual(result[key], value, vector["what"])
        self.assertIn("error", results[-1])


if __name__ == "__main__":
    main()
