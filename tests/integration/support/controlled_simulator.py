"""A simulator that is steered over a control channel: one JSON object a line, each answered by one."""

import json
import os
import socket

from venus_testing import BIN, Program


class ControlledSimulator:
    """The process and its channel. It prints `NAME PORT` for each of its ports, then "ready"."""

    def __init__(self, name, *arguments):
        self.name = name
        self.program = Program([os.path.join(BIN, name), *arguments, "--control", 0])
        self.program.wait_line("ready")
        self.ports = {line.split()[0]: int(line.split()[1])
                      for line in self.program.output.splitlines() if " " in line}
        self.connection = socket.create_connection(("127.0.0.1", self.ports["control"]))
        self.replies = self.connection.makefile("r")

    def close(self):
        self.replies.close()
        self.connection.close()
        if self.program.running:
            self.program.process.kill()
            self.program.process.wait()
        self.program.process.stdout.close()

    def tell(self, command, **arguments):
        """Runs a command and returns its answer."""
        self.connection.sendall((json.dumps({"command": command, **arguments}) + "\n").encode())
        answer = json.loads(self.replies.readline())
        if not answer["ok"]:
            raise AssertionError(f"{self.name} refused {command} {arguments}: {answer['error']}")
        return answer

    def counters(self, clear=False):
        return self.tell("counters", clear=clear)

    def misbehave(self, **what):
        self.tell("misbehave", **what)
