"""A process a port, as serial-starter starts them, and one that serves the ports of all: its batteries are one bank."""

import socket
import time

from battery_case import AT_ONCE, BANK, LONG, NOT_OURS, ROOT, BatteryTestCase
from venus_testing import main, wait_until

A, B = ROOT + "ttyA", ROOT + "ttyB"


class Handover(BatteryTestCase):
    def driver(self, *arguments):
        return self.start("dbus-serialbattery", "--state-dir", self.tty("state"), "--config", self.tty("config.ini"),
                          *arguments)

    def setUp(self):
        super().setUp()
        self.configure(AT_ONCE)

    def configure(self, text):
        with open(self.tty("config.ini"), "w") as out:
            out.write(text)

    def join(self, port):
        return self.driver("--join", self.tty(port))

    def hand_over(self, port):
        program = self.join(port)
        program.wait_line("handed over")
        return program

    def test_batteries_of_two_ports_are_one_bank(self):
        first, second = self.simulate("jbd", "ttyA"), self.simulate("jk_ttl", "ttyB")
        host = self.driver("--host")
        one = self.hand_over("ttyA")
        self.wait_name(A)
        alone = float(self.wait_value(A, "/Info/MaxChargeCurrent", lambda v: v))
        self.assertFalse(self.has_name(BANK))
        two = self.hand_over("ttyB")
        self.wait_name(B)
        self.wait_value(BANK, "/System/NrOfModulesOnline", 2)
        self.tell(first, command="set", current=10, soc=40)
        self.tell(second, command="set", current=6, soc=80)
        self.wait_value(BANK, "/Dc/0/Current", 16, near=0.2)
        both = float(self.wait_value(BANK, "/Info/MaxChargeCurrent", lambda v: v and v >= 1.9 * alone))
        for name in (A, B):
            wait_until(lambda: "/Info/MaxChargeCurrent" not in self.items(name), "the member without limits")
            self.assertEqual(self.value(name, "/Mgmt/Connection"), "Serial " + self.tty(name.removeprefix(ROOT)))

        # An adapter is unplugged: serial-starter ends its process. The other battery stays, the limits stay safe.
        instance = self.value(B, "/DeviceInstance")
        two.terminate()
        self.wait_no_name(B)
        self.wait_value(BANK, "/System/NrOfModulesOffline", 1)
        self.wait_value(BANK, "/Alarms/BmsCable", 1)
        self.wait_value(BANK, "/Dc/0/Current", 10, near=0.2)
        self.assertLessEqual(float(self.value(BANK, "/Info/MaxChargeCurrent")), both)
        self.assertTrue(one.running and host.running)
        # It is the port's own again at once, and comes back as what it was.
        self.assertEqual(self.read_once("ttyB"), 0)
        two = self.hand_over("ttyB")
        self.wait_name(B)
        self.assertEqual(self.value(B, "/DeviceInstance"), instance)
        self.wait_value(BANK, "/System/NrOfModulesOnline", 2)
        self.wait_value(BANK, "/Alarms/BmsCable", 0)

        # A process that is killed lets go too.
        one.kill()
        self.wait_no_name(A)
        self.wait_value(BANK, "/System/NrOfModulesOffline", 1)

    def read_once(self, port):
        program = self.start("dbus-serialbattery", "read", self.tty(port))
        return program.wait_exit()

    def test_nothing_there(self):
        host = self.driver("--host")
        silent = self.simulate("jbd", "ttyA")
        self.tell(silent, command="fault", silence=True)
        self.configure("[default]\nBMS_TYPE = Jkbms\nEXCLUDED_DEVICES = ttyB\n")
        nothing = self.hand_over("ttyA")
        self.simulate("jbd", "ttyB")
        excluded = self.hand_over("ttyB")
        missing = self.hand_over("ttyC")
        self.assertEqual(excluded.wait_exit(), 0)
        self.assertEqual(missing.wait_exit(), NOT_OURS)
        self.assertEqual(nothing.wait_exit(), NOT_OURS)
        self.assertTrue(host.running)
        # The next process for a port has it, with what the file says by then.
        self.configure("")
        self.tell(silent, command="fault", silence=False)
        self.hand_over("ttyA")
        self.wait_name(A)

    def test_a_port_is_served_once(self):
        self.simulate("jbd", "ttyA")
        self.driver("--host")
        first = self.hand_over("ttyA")
        self.wait_name(A)
        self.assertEqual(self.hand_over("ttyA").wait_exit(), NOT_OURS)
        self.assertTrue(first.running and self.has_name(A))
        other = self.driver("--host")
        self.assertEqual(other.wait_exit(), 1)
        self.assertIn("another process takes the ports of", other.poll_output())

    def test_the_host_comes_and_goes(self):
        """Nobody to hand over to: the port is served all the same, and moves when there is somebody."""
        self.simulate("jbd", "ttyA")
        one = self.join("ttyA")
        self.wait_name(A)
        self.assertIn("nobody serves the ports of all", one.poll_output())
        host = self.driver("--host")
        one.wait_line("handed over")
        host.wait_line("ttyA")
        self.wait_name(A)
        self.wait_value(A, "/Mgmt/Connection", "Serial " + self.tty("ttyA"))
        # Killed and started again, as supervise does: the port is handed over again.
        host.kill()
        one.wait_line("the process that served it is gone")
        self.wait_no_name(A)
        host = self.driver("--host")
        host.wait_line("found in")
        self.wait_name(A)
        # It stays away: the port's own process serves it.
        host.terminate()
        wait_until(lambda: one.poll_output().count("nobody serves") == 2, "the port's process to serve it itself", LONG)
        self.wait_name(A)
        one.terminate()
        self.wait_no_name(A)

    def test_guests_that_do_not_behave(self):
        self.simulate("jbd", "ttyA")
        host = self.driver("--host")
        self.hand_over("ttyA")
        self.wait_name(A)
        address = "\0dbus-serialbattery:" + self.tty("state")
        for said in (b"", b"\n", b"ttyUSB0\n", b"\0\xff\n", b"x" * 100000, b"/" + b"y" * 5000):
            with socket.socket(socket.AF_UNIX) as guest:
                guest.connect(address)
                try:
                    guest.sendall(said)
                    guest.shutdown(socket.SHUT_WR)
                    self.assertEqual(guest.recv(100), b"", said[:10])
                except (BrokenPipeError, ConnectionResetError):
                    pass
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(address)
            before = time.monotonic()
            silent.settimeout(LONG)
            self.assertEqual(silent.recv(100), b"")
            self.assertGreater(time.monotonic() - before, 1)
        self.assertTrue(host.running and self.has_name(A))

    def test_options(self):
        for wrong, why in ((("--join",), "a serial port or a command is required"),
                           (("--join", "/dev/a", "/dev/b"), "--join: takes one port"),
                           (("--join", "--host", "/dev/a"), "--host excludes --join")):
            program = self.driver(*wrong)
            self.assertEqual(program.wait_exit(), 2)
            self.assertIn(why, program.poll_output())


if __name__ == "__main__":
    main()
