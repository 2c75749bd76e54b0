"""Starting and steering the simulated GX from Python tests."""

import json
import os
import socket

from venus_testing import BIN, Program, wait_until


class GxSimulator:
    """A gx-simulator process with its control channel; ports are free ones."""

    def __init__(self, *arguments):
        self.program = Program([os.path.join(BIN, "gx-simulator"), "--port", 0, "--control", 0, *arguments])
        self.program.wait_line("ready")
        lines = dict(line.split() for line in self.program.output.splitlines() if " " in line)
        self.port = int(lines["modbus"])
        self.connection = socket.create_connection(("127.0.0.1", int(lines["control"])))
        self.replies = self.connection.makefile("r")

    def close(self):
        self.replies.close()
        self.connection.close()
        if self.program.running:
            self.program.process.kill()
            self.program.process.wait()
        self.program.process.stdout.close()

    def tell(self, command, **arguments):
        """Runs a command of the control channel and returns its answer."""
        self.connection.sendall((json.dumps({"command": command, **arguments}) + "\n").encode())
        answer = json.loads(self.replies.readline())
        if not answer["ok"]:
            raise AssertionError(f"gx-simulator refused {command} {arguments}: {answer['error']}")
        return answer

    def set(self, type, instance, **values):
        self.tell("set", type=type, instance=instance, values=values)

    def put(self, type, instance, path, value):
        self.tell("set", type=type, instance=instance, values={path: value})

    def get(self, type, instance, path):
        return self.tell("get", type=type, instance=instance, path=path)["value"]

    def counters(self, clear=False):
        return self.tell("counters", clear=clear)

    def writes(self, clear=False):
        return self.tell("writes", clear=clear)["writes"]

    def wait_writes(self, count):
        """Waits until `count` writes have arrived and returns them."""
        return wait_until(lambda: self.writes() if len(self.writes()) >= count else None, f"{count} writes")

    def misbehave(self, **what):
        self.tell("misbehave", **what)
