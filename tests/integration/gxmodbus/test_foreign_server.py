"""The bridge reads and writes a Modbus server it shares no code with: python3-pymodbus with a GX's registers."""

import asyncio
import socket
import threading
import unittest

from pymodbus.datastore import ModbusSequentialDataBlock, ModbusServerContext, ModbusSlaveContext
from pymodbus.server.async_io import ModbusTcpServer

from gx_case import STATUS, GxCase, neutral, real
from venus_testing import wait_until


class ForeignServer(threading.Thread):
    """A pymodbus server on a port of its own, with the registers of some units."""

    def __init__(self, units):
        super().__init__(daemon=True)
        self.blocks = {unit: ModbusSequentialDataBlock(1, [0] * 5820) for unit in units}
        slaves = {unit: ModbusSlaveContext(hr=block) for unit, block in self.blocks.items()}
        self.context = ModbusServerContext(slaves=slaves, single=False)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.ready = threading.Event()

    def put(self, unit, address, words):
        self.blocks[unit].setValues(address + 1, words)

    def get(self, unit, address, count=1):
        return list(self.blocks[unit].getValues(address + 1, count))

    def run(self):
        async def serve():
            self.loop = asyncio.get_running_loop()
            server = ModbusTcpServer(self.context, address=("127.0.0.1", self.port))
            task = asyncio.ensure_future(server.serve_forever())
            await server.serving
            self.ready.set()
            self.finished = asyncio.Event()
            await self.finished.wait()
            await server.shutdown()
            task.cancel()
        asyncio.run(serve())

    def stop(self):
        self.loop.call_soon_threadsafe(self.finished.set)
        self.join()


class Foreign(GxCase):
    def test_read_and_write(self):
        server = ForeignServer([100, 225, 25])
        serial = "d0ff50aa0002"
        server.put(100, 800, [int.from_bytes(serial[i:i + 2].encode(), "big") for i in range(0, 12, 2)])
        server.put(100, 834, [0x0360, 0])
        server.put(100, 840, [524, 65536 - 173, 65536 - 903, 84])
        server.put(225, 256, [0xFFFF, 0xFC77, 0xFC77, 5231, 0, 65536 - 173, 65536 - 35])
        server.put(225, 265, [423, 830])
        server.put(225, 330, [0, 42])
        server.put(25, 3000, [0xA162, 0, 2000, 1, 573, 0, 1146, 0])
        server.start()
        self.assertTrue(server.ready.wait(20))
        self.addCleanup(server.stop)
        self.preset(Host="127.0.0.1", Port=server.port, Units="225:battery,25:tank", Interval=200, SlowInterval=1000,
                    Write=2, Mode__battery="real")
        self.bridge()
        battery = real("battery", 225, serial)
        self.wait_value(battery, "/Dc/0/Power", -905)
        self.assertEqual(self.value(battery, "/Dc/0/Voltage"), 52.31)
        self.assertEqual(self.value(battery, "/Dc/0/Current"), -17.3)
        self.assertEqual(self.value(battery, "/Dc/0/Temperature"), -3.5)
        self.assertEqual(self.value(battery, "/ConsumedAmphours"), -42.3)
        self.assertEqual(self.value(battery, "/Soc"), 83.0)
        self.wait_value(real("tank", 25, serial), "/Level", 57.3)
        self.assertEqual(self.value(real("tank", 25, serial), "/Capacity"), 0.2)
        self.wait_value(neutral("system", 100, serial), "/Dc/Battery/Power", -903.0)
        self.assertEqual(self.value(STATUS, "/Remote/Generation"), "v82")
        server.put(225, 280, [1])
        self.wait_value(battery, "/Relay/0/State", 1)
        self.assertEqual(self.set_value(battery, "/Relay/0/State", 0), 0)
        wait_until(lambda: server.get(225, 280) == [0], "the relay register")
        self.wait_value(battery, "/Relay/0/State", 0)


if __name__ == "__main__":
    unittest.main(verbosity=2)
