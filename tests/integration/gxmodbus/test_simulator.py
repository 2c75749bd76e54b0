"""The simulated GX as a foreign client sees it: python3-pymodbus reads and writes it."""

import os
import sys
import unittest

sys.path[:0] = [os.path.join(os.path.dirname(__file__), "..", "support"), os.path.dirname(__file__)]

from pymodbus.client import ModbusTcpClient
from pymodbus.payload import BinaryPayloadBuilder, BinaryPayloadDecoder
from pymodbus.constants import Endian
from pymodbus.exceptions import ModbusException

from gx_simulator import GxSimulator
from venus_testing import wait_until


class Simulator(unittest.TestCase):
    def start(self, *arguments):
        self.gx = GxSimulator("--still", *arguments)
        self.addCleanup(self.gx.close)
        self.client = ModbusTcpClient("127.0.0.1", port=self.gx.port, timeout=5)
        self.addCleanup(self.client.close)
        self.assertTrue(self.client.connect())

    def read(self, unit, address, count):
        return self.client.read_holding_registers(address, count, slave=unit)

    def words(self, unit, address, count):
        reply = self.read(unit, address, count)
        self.assertFalse(reply.isError(), reply)
        return reply.registers

    def exception(self, reply):
        self.assertTrue(reply.isError(), reply)
        return reply.exception_code

    def test_values(self):
        self.start()
        decoder = BinaryPayloadDecoder.fromRegisters(self.words(100, 800, 6), byteorder=Endian.Big)
        self.assertEqual(decoder.decode_string(12), b"c0619ab2f3d1")
        self.assertEqual(self.words(225, 259, 3), [5231, 0, 65536 - 173])
        power = BinaryPayloadDecoder.fromRegisters(self.words(225, 256, 2), byteorder=Endian.Big,
                                                   wordorder=Endian.Big)
        self.assertEqual(power.decode_32bit_int(), -905)
        self.assertEqual(self.words(224, 771, 1), [5241])
        self.assertEqual(self.words(100, 847, 3), [0xFFFF] * 3)
        self.assertEqual(len(self.words(100, 800, 120)), 120)
        self.assertEqual(self.client.read_input_registers(30, 1, slave=227).registers, [835])

    def test_exceptions(self):
        self.start()
        self.assertEqual(self.exception(self.read(227, 1, 1)), 2)
        self.assertEqual(self.exception(self.read(99, 3, 1)), 10)
        self.assertEqual(self.exception(self.read(100, 800, 125)), 2)
        self.assertEqual(self.exception(self.client.read_coils(1, 1, slave=100)), 1)
        self.assertEqual(self.exception(self.client.write_register(31, 1, slave=227)), 2)
        self.assertEqual(self.exception(self.client.write_register(40, 1, slave=227)), 10)
        self.assertEqual(self.gx.counters()["exceptions"], 6)

    def test_writes(self):
        self.start()
        self.assertFalse(self.client.write_register(22, 165, slave=227).isError())
        wait_until(lambda: self.words(227, 22, 1) == [165], "the new input limit")
        builder = BinaryPayloadBuilder(byteorder=Endian.Big, wordorder=Endian.Big)
        builder.add_32bit_int(-1500)
        self.assertFalse(self.client.write_registers(2716, builder.to_registers(), slave=100).isError())
        wait_until(lambda: self.gx.get("hub4", 0, "/Overrides/Setpoint") == -1500, "the setpoint")
        name = [0x4261, 0x6E6B, 0x2041, 0, 0, 0, 0, 0]
        self.assertFalse(self.client.write_registers(1336, name, slave=225).isError())
        wait_until(lambda: self.words(225, 1336, 8) == name, "the name")
        self.assertEqual([write["path"] for write in self.gx.writes()],
                         ["/Ac/ActiveIn/CurrentLimit", "/Overrides/Setpoint", "/CustomName"])
        self.gx.misbehave(read_only=True)
        self.assertEqual(self.exception(self.client.write_register(22, 165, slave=227)), 2)

    def test_older_server(self):
        self.start("--server-version", "1.0.94")
        self.assertEqual(self.words(100, 834, 2), [0x0370, 0])
        self.assertEqual(len(self.words(225, 1282, 40)), 40)
        self.assertEqual(self.exception(self.read(225, 1282, 62)), 2)
        self.assertEqual(self.words(225, 1319, 1), [3])

    def test_a_day_passes(self):
        self.start()
        morning = self.words(224, 789, 1)
        self.gx.tell("day", advance=15 * 3600)
        self.assertEqual(self.words(224, 789, 1), [0])
        self.assertNotEqual(morning, [0])

    def test_crash_and_return(self):
        self.start("--server-version", "1.0.90")
        self.gx.tell("remove", type="grid", instance=30)
        with self.assertRaises(ModbusException):
            self.read(30, 2600, 1)
        wait_until(self.client.connect, "the server to come back")
        self.assertEqual(self.words(225, 259, 1), [5231])


if __name__ == "__main__":
    unittest.main(verbosity=2)
