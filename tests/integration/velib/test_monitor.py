"""What velib::Monitor sees of services that appear, change, leave and come back."""

import signal

import dbus
import dbus.service

import venus_testing
from venus_testing import BUS_ITEM, wait_until

S = "com.victronenergy.battery.test"


class OldService(dbus.service.Object):
    """A service of the older kind: values and signals, no GetItems."""

    def __init__(self, connection):
        self.values = {"Soc": 40.0, "Dc/0/Voltage": 12.5}
        super().__init__(connection, "/")

    @dbus.service.method(BUS_ITEM, out_signature="v")
    def GetValue(self):
        return dbus.Dictionary(self.values, signature="sv")


class MonitorTest(venus_testing.VenusTestCase):
    def start_monitor(self, *arguments):
        monitor = self.start("velib-test-monitor", *arguments)
        monitor.wait_line("settled")
        return monitor

    def start_service(self, name=S, **options):
        service = self.start("velib-test-service", "--name", name, "--id", name.rsplit(".", 1)[-1], stdin=True,
                             **options)
        service.wait_line("ready")
        return service

    def lines(self, monitor, *beginnings):
        return [line for line in monitor.poll_output().splitlines() if line.startswith(beginnings)]

    def wait_lines(self, monitor, expected, *beginnings):
        wait_until(lambda: self.lines(monitor, *beginnings) == expected,
                   lambda: f"{expected}; it saw {self.lines(monitor, *beginnings)}")

    def test_what_is_there_is_read_before_it_settles(self):
        self.start_service()
        self.start_service(S + "_2")
        monitor = self.start_monitor("com.victronenergy.battery.")
        seen = monitor.poll_output().splitlines()
        items = len(self.items(S))
        self.assertEqual(sorted(seen[:2]), [f"appeared {S} {items}", f"appeared {S}_2 {items}"])
        self.assertEqual(seen[2:], ["settled"])

    def test_only_wanted_services_are_watched(self):
        monitor = self.start_monitor("com.victronenergy.battery.test_2", "com.victronenergy.tank.")
        service = self.start_service()
        self.start_service(S + "_2")
        monitor.wait_line(f"appeared {S}_2")
        service.command("set /Soc real 1")
        self.start_service("com.victronenergy.tank.x")
        monitor.wait_line("appeared com.victronenergy.tank.x")
        self.assertEqual(self.lines(monitor, f"appeared {S} ", "changed"), [])

    def test_changes_of_both_kinds_arrive_in_order(self):
        service = self.start_service()
        monitor = self.start_monitor(S)
        service.command("set /Soc real 60")
        service.command("batch /Soc=61 /Dc/0/Voltage=12.5")
        service.command("add /Ac/Power 5")
        service.command("remove /Ac/Power")
        self.set_value(S, "/Int", 9)
        self.wait_lines(monitor, [f"changed {S} /Soc 60.0%", f"changed {S} /Soc 61.0%",
                                  f"changed {S} /Dc/0/Voltage 12.50V", f"changed {S} /Ac/Power 5W",
                                  f"changed {S} /Ac/Power ---", f"changed {S} /Int 9"], "changed")

    def test_a_service_that_leaves_and_comes_back(self):
        service = self.start_service()
        monitor = self.start_monitor(S)
        items = len(self.items(S))
        seen = [f"appeared {S} {items}"]
        for _ in range(10):
            service.command("leave")
            service.command("join")
            seen += [f"gone {S}", f"appeared {S} {items}"]
            self.wait_lines(monitor, seen, "appeared", "gone")
        service.command("set /Soc real 33")
        monitor.wait_line(f"changed {S} /Soc 33.0%")
        service.kill()
        self.wait_lines(monitor, [f"gone {S}"] * 11, "gone")
        self.start_service()
        self.wait_lines(monitor, [f"appeared {S} {items}"] * 12, "appeared")

    def test_no_change_is_lost_while_a_service_is_read(self):
        monitor = self.start_monitor(S, "--show", "/Soc")
        service = self.start_service()
        for value in range(200):
            service.tell(f"set /Soc real {value}")
            if value % 10 == 5:
                service.tell("leave")
                service.tell("join")
        service.command("set /Soc real 777.7")

        def last():
            return self.lines(monitor, "initial", f"changed {S} /Soc")[-1:]
        wait_until(lambda: "".join(last()).endswith("777.7%"), lambda: f"the last value; it saw {last()}")

    def test_a_service_without_get_items(self):
        connection = self.connect()
        old = OldService(connection)
        monitor = self.start_monitor("com.victronenergy.battery.")
        connection.request_name("com.victronenergy.battery.old")
        monitor.wait_line("appeared com.victronenergy.battery.old 2")
        changed = dbus.lowlevel.SignalMessage("/Soc", BUS_ITEM, "PropertiesChanged")
        changed.append(dbus.Dictionary({"Value": 41.5}, signature="sv"), signature="a{sv}")  # without a text
        connection.send_message(changed)
        monitor.wait_line("changed com.victronenergy.battery.old /Soc 41.5")
        old.remove_from_connection()

    def test_nonsense_on_the_bus_is_ignored(self):
        service = self.start_service()
        monitor = self.start_monitor("com.victronenergy.")
        hostile = self.connect()
        hostile.request_name("com.victronenergy.battery.hostile")
        for member, signature, arguments in (
                ("ItemsChanged", "s", ["x"]), ("ItemsChanged", "a{sv}", [{"a": 1}]), ("ItemsChanged", "", []),
                ("ItemsChanged", "a{sa{sv}}", [{"/A": {"Text": "no value"}, "/B": {}}]),
                ("PropertiesChanged", "a{sv}", [{"Value": dbus.Struct((1, 2), signature="ii")}]),
                ("PropertiesChanged", "a{ss}", [{"Value": "x"}]), ("PropertiesChanged", "i", [1]),
                ("Nope", "v", [5])):
            message = dbus.lowlevel.SignalMessage("/Soc", BUS_ITEM, member)
            if signature:
                message.append(*arguments, signature=signature)
            hostile.send_message(message)
        # Somebody else speaks for the service: it is not believed.
        forged = dbus.lowlevel.SignalMessage("/Soc", BUS_ITEM, "PropertiesChanged")
        forged.append(dbus.Dictionary({"Value": 1.0, "Text": "forged"}, signature="sv"), signature="a{sv}")
        hostile.send_message(forged)
        hostile.flush()
        self.bus.name_has_owner(S)
        service.command("set /Soc real 70")
        monitor.wait_line(f"changed {S} /Soc 70.0%")
        self.assertEqual(self.lines(monitor, "changed"), [f"changed {S} /Soc 70.0%"])

    def test_a_handler_may_end_the_monitor(self):
        service = self.start_service()
        monitor = self.start_monitor("--until", "50.0%")
        service.command("batch /Soc=50 /Dc/0/Voltage=1 /Int=2")
        monitor.wait_line("ended")
        service.command("set /Int real 3")
        self.assertEqual(monitor.terminate(), 0)
        self.assertEqual(self.lines(monitor, "changed"), [f"changed {S} /Soc 50.0%"])

    def test_a_lost_bus_ends_the_program(self):
        self.start_service()
        monitor = self.start_monitor()
        self.bus_daemon.kill()
        self.assertEqual(monitor.wait_exit(), 1)

    def test_a_service_that_hangs_does_not_hide_the_others(self):
        hanging = self.start_service(S + "_hanging")
        self.start_service()
        hanging.process.send_signal(signal.SIGSTOP)
        try:
            monitor = self.start("velib-test-monitor")
            monitor.wait_line(f"appeared {S} ")
            self.assertEqual(self.lines(monitor, f"appeared {S}_hanging"), [])
        finally:
            hanging.process.send_signal(signal.SIGCONT)
        monitor.wait_line(f"appeared {S}_hanging ")
        monitor.wait_line("settled")


if __name__ == "__main__":
    venus_testing.main()
