"""A Modbus TCP server that is not ours: what the driver knows is Modbus, not only its own simulator."""

import json
import logging
import os
import socket
import subprocess
import threading

import dbus
from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server import ServerStop, StartTcpServer
from tristar_testing import SERVICE, TristarTestCase
from venus_testing import BIN, main, wait_until

WORDS = {0: 180, 2: 80, 4: 0x42, 24: 4886, 25: 4910, 27: 13508, 28: 15811, 36: 18, 37: 18, 48: 0x82, 50: 5, 51: 5243,
         53: 100, 55: 200, 56: 312, 57: 2604, 58: 9430, 64: 4606, 65: 4897, 66: 17003, 68: 1620, 70: 10204,
         0xE000: 2621, 0xE001: 2476, 0xE010: 2767,
         0xE0C0: 0x3031, 0xE0C1: 0x3731, 0xE0C2: 0x3230, 0xE0C3: 0x3639, 0xE0CC: 1, 0xE0CD: 0x0102}
READ_INPUT, READ_COILS, READ_HOLDING = 4, 1, 3

# At the end it reports every connection as an error.
logging.getLogger("pymodbus").setLevel(logging.CRITICAL)


class ForeignController:
    """The registers of a controller, served by pymodbus, which keeps connections open."""

    def __init__(self):
        words = [0] * 0x10000
        for address, word in WORDS.items():
            words[address] = word
        registers = ModbusSequentialDataBlock(0, words)
        coils = ModbusSequentialDataBlock(0, [0] * 0x1100)
        self.store = ModbusSlaveContext(ir=registers, hr=registers, co=coils, di=coils, zero_mode=True)
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        threading.Thread(target=StartTcpServer, daemon=True, kwargs={
            "context": ModbusServerContext(slaves=self.store, single=True),
            "address": ("127.0.0.1", self.port)}).start()
        wait_until(self.accepts, "the foreign server")

    def accepts(self):
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", self.port)) == 0

    def word(self, address):
        return self.store.getValues(READ_HOLDING, address, 1)[0]

    def set_words(self, words):
        for address, word in words.items():
            self.store.setValues(READ_INPUT, address, [word])

    def coil(self, address):
        return int(self.store.getValues(READ_COILS, address, 1)[0])


class ForeignServer(TristarTestCase):
    # One server for all tests: pymodbus has one a process.
    @classmethod
    def setUpClass(cls):
        cls.controller = ForeignController()
        cls.addClassCleanup(ServerStop)

    def setUp(self):
        super().setUp()
        self.controller.set_words(WORDS)

    def test_one_reading_without_a_bus(self):
        done = subprocess.run([os.path.join(BIN, "dbus-tsmppt"), "read", "--host", "127.0.0.1", "--port",
                               str(self.controller.port), "--json"], text=True, capture_output=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        venus = json.loads(done.stdout)["venus"]
        self.assertEqual(venus["/Dc/0/Voltage"], 26.84)
        self.assertEqual(venus["/State"], 3)

    def test_the_daemon_publishes_and_follows(self):
        self.driver = self.start_driver()
        self.configure(self.controller.port)
        self.wait_value(SERVICE, "/Dc/0/Voltage", 26.84, near=0.001)
        expected = {"/Dc/0/Current": 38.60, "/Dc/0/Temperature": 18, "/Pv/V": 74.20, "/Yield/Power": 1036, "/State": 3,
                    "/History/Daily/0/MaxPower": 1121, "/History/Daily/0/Yield": 1.62, "/Yield/System": 2604}
        items = self.items(SERVICE)
        for path, value in expected.items():
            self.assertAlmostEqual(float(items[path]), value, 2, path)
        self.assertEqual(items["/Serial"], "10170296")
        self.controller.set_words({24: 5243, 50: 6, 68: 2810})
        self.wait_value(SERVICE, "/State", 4)
        self.wait_value(SERVICE, "/Dc/0/Voltage", 28.80, near=0.001)
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 2.81, near=0.0005)

    def test_the_daemon_writes(self):
        self.driver = self.start_driver()
        self.configure(self.controller.port)
        self.wait_value(SERVICE, "/Mode", 1)
        self.assertEqual(self.set_value(SERVICE, "/Mode", dbus.Int32(4)), 0)
        self.wait_value(SERVICE, "/Mode", 4)
        self.assertEqual(self.controller.coil(2), 1)
        self.assertEqual(self.set_value(SERVICE, "/Mode", dbus.Int32(1)), 0)
        self.wait_value(SERVICE, "/Mode", 1)
        self.assertEqual(self.controller.coil(2), 0)
        self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", 28.4), 0)
        self.wait_value(SERVICE, "/Custom/VoltageOverride/RegisterReadback", 28.4, near=0.01)
        self.assertEqual(self.controller.word(89), round(28.4 * 32768 / 180))
        self.assertEqual(self.driver.terminate(), 0)
        self.assertEqual((self.controller.word(88), self.controller.word(89)), (0xFFF0, 0xFFF0))


if __name__ == "__main__":
    main()
