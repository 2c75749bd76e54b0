"""A simulated battery on a pseudo-terminal, the driver on it, and what both tests ask them."""

import json
import os
import select
import termios
import threading
import time
import tty

from venus_testing import VenusTestCase, wait_until

ROOT = "com.victronenergy.battery."
BANK = ROOT + "serialbattery_bank"

NOT_OURS = 129  # the exit code that serial-starter goes on with
# Limits that need no minute to rise.
AT_ONCE = """[default]
CVL_RECALCULATION_EVERY = 1
CCL_RECOVERY_HOLD_SEC = 0
CCL_RECOVERY_RATE_A_PER_SEC = 0
"""
LONG = 90  # s; the machine may be busy with other tests


# What the first pack of a Seplos V3 stack reads of a pack: its values, its cells, its events.
SEPLOS3_QUESTIONS = ("000410000011", "00041100001a", "000112000090")


def with_crc(request):
    crc = 0xffff
    for byte in request:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xa001 if crc & 1 else crc >> 1
    return request + crc.to_bytes(2, "little")


LISTENS = 0.25  # s; who hears nobody for so long may ask


class OtherMaster:
    """Asks a simulated battery; on a port of its own its questions and their answers are heard at that baud rate."""

    def __init__(self, simulator_port, port, questions, speed=termios.B19200):
        self.questions = [with_crc(bytes.fromhex(question)) for question in questions]
        self.speed = speed
        self.disturbed = b""  # sent by somebody else at this baud rate, who must have heard this master before
        self.heard = self.late = False
        self.spoke = time.monotonic()
        self.pause = 0
        self.battery = os.open(simulator_port, os.O_RDWR | os.O_NOCTTY)
        self.line, self.port = os.openpty()
        for end in (self.battery, self.port):
            tty.setraw(end)
        settings = termios.tcgetattr(self.battery)
        settings[4] = settings[5] = speed
        termios.tcsetattr(self.battery, termios.TCSANOW, settings)
        os.symlink(os.ttyname(self.port), port)
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    def stop(self):
        self.ended.set()
        self.thread.join()
        for end in (self.battery, self.line, self.port):
            os.close(end)

    def was_late(self):
        """Whether a busy machine kept it silent so long since the last call that it could be taken for nobody."""
        was, self.late = self.late, False
        return was

    def is_heard(self):
        return termios.tcgetattr(self.port)[5] == self.speed

    def work(self):
        while not self.ended.is_set():
            for question in self.questions:
                os.write(self.battery, question)
                self.say(question)
                while select.select([self.battery], [], [], 0.1)[0]:
                    self.say(os.read(self.battery, 4096))
                self.watch()

    def say(self, data):
        if self.is_heard():
            os.write(self.line, data)
        before, self.spoke = self.spoke, time.monotonic()
        self.pause = max(self.pause, self.spoke - before)

    def watch(self):
        """Takes what somebody else sent: no disturbance when it was at another baud rate or this master was late."""
        sent = b""
        while select.select([self.line], [], [], 0)[0]:
            sent += os.read(self.line, 4096)
        was_heard, self.heard = self.heard, self.is_heard()
        self.pause = max(self.pause, time.monotonic() - self.spoke)
        if self.pause >= LISTENS:
            self.late = True
        elif was_heard and self.heard:
            self.disturbed += sent
        self.pause = 0


class BatteryTestCase(VenusTestCase):
    def other_master(self, simulator_port, port, questions=SEPLOS3_QUESTIONS):
        master = OtherMaster(self.tty(simulator_port), self.tty(port), questions)
        self.addCleanup(master.stop)
        return master

    def simulate(self, family, port="ttyBMS0", *options):
        simulator = self.start("bms-simulator", family, "--link", self.tty(port), *options, stdin=True)
        wait_until(lambda: "ready" in simulator.poll_output(), "the simulator's port")
        return simulator

    def tty(self, name):
        return os.path.join(self.directory, name)

    def tell(self, simulator, **command):
        """One command to a simulator; its answer."""
        before = simulator.poll_output().count("\n")
        simulator.process.stdin.write((json.dumps(command) + "\n").encode())
        simulator.process.stdin.flush()
        wait_until(lambda: simulator.poll_output().count("\n") > before, "the simulator's answer")
        answer = json.loads(simulator.output.splitlines()[before])
        self.assertTrue(answer["ok"], answer)
        return answer

    def state(self, simulator, unit=0):
        return self.tell(simulator, command="state")["units"][unit]

    def drive(self, *ports, config=None):
        options = []
        if config is not None:
            path = os.path.join(self.directory, "config.ini")
            with open(path, "w") as out:
                out.write(config)
            options = ["--config", path]
        return self.start("dbus-serialbattery", "--state-dir", self.tty("state"), *options,
                          *(self.tty(port) for port in ports))

    def wait_setting_root(self, service):
        serial = str(self.value(service, "/Serial"))
        key = "".join(c.upper() if c.isalnum() else "_" for c in serial)
        return f"/Settings/Devices/serialbattery_{key}/"
