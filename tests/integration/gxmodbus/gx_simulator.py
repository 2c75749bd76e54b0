"""Starting and steering the simulated GX from Python tests."""

from controlled_simulator import ControlledSimulator
from venus_testing import wait_until


class GxSimulator(ControlledSimulator):
    """A gx-simulator process; ports are free ones."""

    def __init__(self, *arguments):
        super().__init__("gx-simulator", "--port", 0, *arguments)
        self.port = self.ports["modbus"]

    def set(self, type, instance, **values):
        self.tell("set", type=type, instance=instance, values=values)

    def put(self, type, instance, path, value):
        self.tell("set", type=type, instance=instance, values={path: value})

    def get(self, type, instance, path):
        return self.tell("get", type=type, instance=instance, path=path)["value"]

    def writes(self, clear=False):
        return self.tell("writes", clear=clear)["writes"]

    def wait_writes(self, count):
        """Waits until `count` writes have arrived and returns them."""
        return wait_until(lambda: self.writes() if len(self.writes()) >= count else None, f"{count} writes")
