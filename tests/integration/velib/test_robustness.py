"""What a service must survive: hostile clients, floods, handlers that end things, and the loss of bus and settings."""

import os
import signal
import time

import dbus
import dbus.lowlevel
import dbus.service

import venus_testing
from foreign import ERROR, RETURN, RawClient, body, plain
from venus_testing import BUS_ITEM, SETTINGS, wait_until

S = "com.victronenergy.battery.test"
INSTANCE = "/Settings/Devices/test_1/ClassAndVrmInstance"
NAME = "/Settings/Devices/test_1/CustomName"


class ServiceTest(venus_testing.VenusTestCase):
    def setUp(self):
        super().setUp()
        self.service = self.start("velib-test-service", "--ticks", stdin=True)
        self.service.wait_line("ready")
        self.owner = self.bus.get_name_owner(S)
        self.client = RawClient(self)

    def assert_unimpressed(self):
        """Still the same service on the same connection, answering."""
        self.assertEqual(self.value(S, "/Dc/0/Current"), 8.2)
        self.assertEqual(self.bus.get_name_owner(S), self.owner)
        self.assertTrue(self.service.running)


class HostileClients(ServiceTest):
    def test_bodies_that_no_item_can_hold_are_refused(self):
        bodies = [("(is)", (1, "x")), ("a{sv}", {"a": 1}), ("aai", [[1], [2]]), ("a(i)", [(1,)]),
                  ("v", dbus.Struct((1, "x"), signature="is", variant_level=1)),
                  ("v", dbus.Dictionary({"a": 1}, signature="sv", variant_level=1)),
                  ("v", dbus.Array([dbus.Array([1], "i")], "ai", variant_level=1)),
                  ("av", [1, "x", dbus.Array([], "i")]), ("a{ss}", {"a": "b"}), ("(((i)))", (((1,),),)),
                  ("ab", [True]), ("ao", [dbus.ObjectPath("/a")]), ("ag", [dbus.Signature("i")])]
        for path in ("/Int", "/Real", "/Nullable", "/Limited"):
            before = self.value(S, path)
            for signature, value in bodies:
                reply = self.client.call(S, path, "SetValue", signature, value)
                self.assertEqual((reply.get_type(), body(reply)), (RETURN, 1), signature)
            self.assertEqual(self.value(S, path), before)
        self.assert_unimpressed()

    def test_deeply_nested_variants(self):
        for depth in (2, 16, 32, 60, 63):
            reply = self.client.call(S, "/Int", "SetValue", "v", dbus.Int32(depth, variant_level=depth))
            self.assertEqual((reply.get_type(), body(reply)), (RETURN, 0), depth)
            self.assertEqual(self.value(S, "/Int"), depth)
        self.assert_unimpressed()

    def test_more_than_the_bus_allows_costs_the_client_only(self):
        hostile = RawClient(self)
        hostile.send(S, "/Int", "SetValue", "v", dbus.Int32(1, variant_level=70))
        wait_until(lambda: not hostile.connection.get_is_connected(), "the bus to throw the client out")
        self.assert_unimpressed()

    def test_huge_values_are_refused_and_not_kept(self):
        before = self.service.resident_kb()
        for signature, value in (("v", "x" * 10_000_000), ("s", "x" * 10_000_000),
                                 ("ay", dbus.ByteArray(b"x" * 10_000_000)), ("ai", [1] * 1_000_000),
                                 ("as", ["x"] * 200_000)):
            for path in ("/Text", "/Int", "/CustomName"):
                reply = self.client.call(S, path, "SetValue", signature, value)
                self.assertEqual((reply.get_type(), body(reply)), (RETURN, 1), signature)
        self.assertEqual(self.value(S, "/Text"), "abc")
        self.assertLess(len(self.service.poll_output()), 20_000)  # nor logged in full
        self.assertLess(self.service.resident_kb() - before, 60_000)
        self.assert_unimpressed()

    def test_wrong_calls_are_answered_with_errors(self):
        calls = [("/Int", "SetValue", "", ()), ("/Int", "SetValue", "ii", (1, 2)),
                 ("/Int", "SetValue", "vs", (1, "x")), ("/Int", "setvalue", "v", (1,)),
                 ("/Int", "Get", "ss", ("a", "b")), ("/x" * 2000, "GetValue", "", ()), ("/", "SetValue", "v", (1,))]
        for path, member, signature, arguments in calls:
            reply = self.client.call(S, path, member, signature, *arguments)
            self.assertEqual(reply.get_type(), ERROR, member)
        for interface, member in (("org.freedesktop.DBus.Properties", "GetAll"), ("com.victronenergy.Settings", "GetValue"),
                                  ("org.freedesktop.DBus.ObjectManager", "GetManagedObjects")):
            reply = self.client.call(S, "/Int", member, interface=interface)
            self.assertEqual(reply.get_error_name(), "org.freedesktop.DBus.Error.UnknownMethod")
        self.assertEqual(self.value(S, "/Int"), 5)
        self.assert_unimpressed()

    def test_extra_arguments_of_getters_do_no_harm(self):
        for member in ("GetValue", "GetText"):
            reply = self.client.call(S, "/Soc", member, "sv", "x", 5)
            self.assertEqual(reply.get_type(), RETURN)
        self.assert_unimpressed()

    def test_calls_without_an_interface_are_taken_as_bus_items(self):
        message = dbus.lowlevel.MethodCallMessage(S, "/Soc", None, "GetValue")
        serial = self.client.connection.send_message(message)
        answer = wait_until(lambda: self.client.answer_to(serial), "the answer")
        self.assertEqual(plain(body(answer)), 55.5)

    def test_a_call_that_wants_no_reply_gets_none(self):
        message = dbus.lowlevel.MethodCallMessage(S, "/Int", BUS_ITEM, "SetValue")
        message.append(dbus.Int32(9), signature="v")
        message.set_no_reply(True)
        serial = self.client.connection.send_message(message)
        self.wait_value(S, "/Int", 9)
        self.client.call(S, "/Int", "GetValue")
        self.assertIsNone(self.client.answer_to(serial))
        self.assert_unimpressed()

    def test_signals_and_answers_to_nothing_are_ignored(self):
        for _ in range(100):
            signalled = dbus.lowlevel.SignalMessage("/Int", BUS_ITEM, "PropertiesChanged")
            signalled.append({"Value": 3}, signature="a{sv}")
            signalled.set_destination(self.owner)
            self.client.connection.send_message(signalled)
        self.assertEqual(self.value(S, "/Int"), 5)
        self.assert_unimpressed()


class ManyClients(ServiceTest):
    def test_many_clients_at_once_get_their_own_answers_in_order(self):
        clients = [RawClient(self) for _ in range(20)]
        asked = []
        for _ in range(50):
            for client in clients:
                for path, member in (("/Soc", "GetText"), ("/Dc", "GetValue"), ("/", "GetItems")):
                    asked.append((client, client.send(S, path, member)))
        for client in clients:
            own = [serial for asker, serial in asked if asker is client]
            wait_until(lambda c=client, last=own[-1]: c.answer_to(last), "the last answer")
            answered = [m.get_reply_serial() for m in client.arrived if m.get_type() == RETURN]
            self.assertEqual([serial for serial in answered if serial in set(own)], own)
        self.assert_unimpressed()

    def test_a_flood_of_calls_starves_nobody(self):
        flooder = RawClient(self)
        sent = [0]
        answered = [0]

        def keep_flooding(message=None):
            answered[0] += 1 if message is not None and message.get_type() == RETURN else 0
            while sent[0] - answered[0] < 2000:
                flooder.send(S, "/", "GetValue")
                sent[0] += 1
            flooder.arrived.clear()
        flooder.on_message = keep_flooding
        keep_flooding()
        # Meanwhile timers run, other input is read and other clients are answered.
        ticks = self.value(S, "/Ticks")
        self.wait_value(S, "/Ticks", lambda now: now > ticks + 20)
        self.service.command("set /Soc real 44")
        self.assertEqual(self.value(S, "/Soc"), 44.0)
        self.assertGreater(sent[0], 2000)
        self.service.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.service.wait_exit(), 0)

    def test_a_client_that_never_reads_delays_nobody(self):
        deaf = dbus.bus.BusConnection(self.bus_address)
        self.addCleanup(deaf.close)
        for _ in range(300):
            deaf.send_message(dbus.lowlevel.MethodCallMessage(S, "/", BUS_ITEM, "GetItems"))
        deaf.flush()
        ticks = self.value(S, "/Ticks")
        self.wait_value(S, "/Ticks", lambda now: now > ticks + 20)
        self.assert_unimpressed()


class Handlers(ServiceTest):
    """What a write handler does to the service that is calling it; the writer is answered in any case."""

    def write(self, path):
        reply = self.client.call(self.owner, path, "SetValue", "v", 1)
        self.assertEqual(reply.get_type(), RETURN, reply.get_error_name())
        return int(body(reply))

    def test_leaving_the_bus(self):
        self.assertEqual(self.write("/Handler/Leave"), 0)
        self.wait_no_name(S)
        wait_until(lambda: not self.has_name(self.owner), "the connection to close")
        self.service.command("join")
        self.wait_name(S)
        self.assertEqual(self.value(S, "/Handler/Leave"), 1)

    def test_coming_back_at_once(self):
        for _ in range(20):
            self.owner = self.bus.get_name_owner(S)
            self.assertEqual(self.write("/Handler/Rejoin"), 0)
            wait_until(lambda: not self.has_name(self.owner), "the old connection to close")
            self.wait_name(S)
            self.assertNotEqual(self.bus.get_name_owner(S), self.owner)
            self.service.command("set /Handler/Rejoin real 0")

    def test_ending_its_own_item(self):
        self.assertEqual(self.write("/Handler/Remove"), 0)
        reply = self.client.call(S, "/Handler/Remove", "GetValue")
        self.assertEqual(reply.get_error_name(), "org.freedesktop.DBus.Error.UnknownObject")
        self.assert_unimpressed()

    def test_throwing(self):
        self.assertEqual(self.write("/Handler/Throw"), 2)
        self.assertIn("no such device", self.service.poll_output())
        self.assert_unimpressed()


class Idle(venus_testing.VenusTestCase):
    def test_a_service_that_has_nothing_to_do_does_nothing(self):
        service = self.start("velib-test-service", stdin=True)
        service.wait_line("ready")
        self.assertEqual(self.value(S, "/Int"), 5)
        used = service.cpu_seconds()
        until = time.monotonic() + 2
        wait_until(lambda: time.monotonic() > until, "two seconds to pass")
        self.assertLess(service.cpu_seconds() - used, 0.1)


class Ending(ServiceTest):
    def test_a_lost_bus_ends_the_program_with_an_error(self):
        self.bus_daemon.kill()
        self.assertEqual(self.service.wait_exit(), 1)
        self.assertIn("lost the message bus", self.service.output)

    def test_a_lost_bus_during_many_updates(self):
        for value in range(50):
            self.service.tell(f"batch /Dc/0/Voltage={value} /Soc={value}")
        self.bus_daemon.kill()
        for value in range(50):
            try:
                self.service.tell(f"set /Soc real {value}")
            except BrokenPipeError:
                break
        self.assertEqual(self.service.wait_exit(), 1)

    def test_no_bus_at_the_start(self):
        late = self.start("velib-test-service", DBUS_SESSION_BUS_ADDRESS="unix:path=" + self.directory + "/nothing")
        self.assertEqual(late.wait_exit(), 1)
        self.assertIn("bus", late.output)

    def test_sigint_is_as_sigterm(self):
        self.service.process.send_signal(signal.SIGINT)
        self.assertEqual(self.service.wait_exit(), 0)

    def test_sigterm_ends_a_program_that_ignores_it(self):
        self.service.tell("stubborn")
        self.service.wait_line("done stubborn")
        self.assertEqual(self.service.terminate(), 0)

    def test_a_wrong_command_line(self):
        for arguments in (["--nope"], ["--log-level", "loud"]):
            self.assertEqual(self.start("velib-test-service", *arguments).wait_exit(), 2)
        self.assertEqual(self.start("velib-test-service", "--help").wait_exit(), 0)
        version = self.start("velib-test-service", "--version")
        self.assertEqual(version.wait_exit(), 0)
        self.assertRegex(version.output, r"^\d+\.\d+\.\d+\s")

    def test_the_bus_of_the_command_line(self):
        named = self.start("velib-test-service", "--dbus", self.bus_address, "--name", S + "_named", "--id", "n",
                           DBUS_SESSION_BUS_ADDRESS="unix:path=/nowhere")
        self.wait_name(S + "_named")
        self.assertEqual(named.terminate(), 0)


class WaitingForSettings(venus_testing.VenusTestCase):
    with_settings = False

    def test_sigterm_while_waiting(self):
        service = self.start("velib-test-service")
        service.wait_line("waiting for " + SETTINGS)
        self.assertEqual(service.terminate(), 0)

    def test_settings_that_come_and_go_before_they_answer(self):
        service = self.start("velib-test-service", stdin=True)
        service.wait_line("waiting for " + SETTINGS)
        fake = self.connect()
        for _ in range(5):  # a settings service that never answers and dies
            fake = self.connect()
            fake.request_name(SETTINGS)
            self.wait_name(SETTINGS)
            fake.close()
            self.wait_no_name(SETTINGS)
        self.start_settings()
        service.wait_line("ready")
        self.assertEqual(self.value(S, "/DeviceInstance"), 1)


    def test_settings_without_their_objects_are_asked_again(self):
        fake = self.connect()
        asked = []

        def see(_connection, message):
            if message.get_member() == "AddSettings":
                asked.append(time.monotonic())
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        fake.add_message_filter(see)
        fake.request_name(SETTINGS)
        service = self.start("velib-test-service", stdin=True)
        wait_until(lambda: len(asked) >= 3, "to be asked again")
        self.assertGreater(asked[2] - asked[0], 1.5, "it must not be flooded")
        self.assertNotIn("ready", service.poll_output())
        LateSettings(fake, "/")
        service.wait_line("ready")
        self.assertEqual(self.value(S, "/DeviceInstance"), 7)


class LateSettings(dbus.service.Object):
    """As much of a settings service as registering needs."""

    @dbus.service.method("com.victronenergy.Settings", in_signature="aa{sv}", out_signature="aa{sv}")
    def AddSettings(self, requests):
        return [{"path": request["path"], "error": dbus.Int32(0),
                 "value": "battery:7" if request["path"].endswith("ClassAndVrmInstance") else request["default"]}
                for request in requests]


class Settings(ServiceTest):
    def test_a_restarted_settings_service_is_followed_again(self):
        for instance in (5, 6):
            self.settings.kill()
            self.wait_no_name(SETTINGS)
            self.assert_unimpressed()
            self.start_settings()
            self.wait_value(SETTINGS, INSTANCE, lambda v: v is not None)
            self.set_setting(INSTANCE, f"battery:{instance}")
            self.wait_value(S, "/DeviceInstance", instance)
            self.owner = self.bus.get_name_owner(S)

    def test_what_changed_while_it_was_away_is_taken(self):
        self.settings.terminate()
        path = os.path.join(self.directory, "settings.xml")
        with open(path, encoding="utf-8") as saved:
            text = saved.read()
        with open(path, "w", encoding="utf-8") as out:
            out.write(text.replace(">battery:1<", ">battery:9<"))
        self.start_settings()
        self.wait_value(S, "/DeviceInstance", 9)

    def test_a_settings_service_that_hangs_delays_nobody(self):
        self.settings.process.send_signal(signal.SIGSTOP)
        try:
            self.assertEqual(self.set_value(S, "/CustomName", "Boat"), 0)
            self.assertEqual(self.value(S, "/CustomName"), "Boat")
            self.assert_unimpressed()
        finally:
            self.settings.process.send_signal(signal.SIGCONT)
        self.wait_value(SETTINGS, NAME, "Boat")

    def test_a_name_that_could_not_be_kept_is_not_shown(self):
        self.settings.kill()
        self.wait_no_name(SETTINGS)
        self.set_value(S, "/CustomName", "Boat")
        self.wait_value(S, "/CustomName", "")
        self.assertIn("could not be written", self.service.poll_output())

    def test_a_name_changed_in_settings_is_shown(self):
        self.set_setting(NAME, "Van")
        self.wait_value(S, "/CustomName", "Van")
        self.assert_unimpressed()

    def test_a_malformed_instance_is_the_preferred_one(self):
        self.set_setting(INSTANCE, "battery:4")
        self.wait_value(S, "/DeviceInstance", 4)
        self.assertNotEqual(self.set_value(SETTINGS, INSTANCE, "battery:x"), 0)
        self.assertEqual(self.value(S, "/DeviceInstance"), 4)

    def test_a_name_taken_while_coming_back_ends_the_program(self):
        thief = self.connect()
        thief.call_async("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", "RequestName", "su",
                         (S, 0), None, None)  # waits in the queue
        thief.flush()
        self.set_setting(INSTANCE, "battery:8")
        self.assertEqual(self.service.wait_exit(), 1)
        self.assertIn("cannot come back", self.service.output)

    def test_a_taken_instance_gives_the_next(self):
        self.start("velib-test-service", "--name", S + "_2", "--id", "test_2")
        self.wait_value(S + "_2", "/DeviceInstance", 2)
        self.set_setting(INSTANCE, "battery:2")  # 2 is taken, so the service settles for another
        self.wait_value(S, "/DeviceInstance", lambda v: v is not None and v != 1)
        self.assertNotEqual(self.value(S, "/DeviceInstance"), 2)
        self.assertEqual(self.setting(INSTANCE), f"battery:{self.value(S, '/DeviceInstance')}")
        self.assertEqual(self.value(S + "_2", "/DeviceInstance"), 2)


if __name__ == "__main__":
    venus_testing.main()
