"""The 50 statements of the compatibility checklist (docs/object-model.md), each asked by foreign clients."""

import os
import signal

import dbus

import venus_testing
from foreign import (ERROR, NAME_OWNER_CHANGED, RETURN, SIGNAL, Introspected, RawClient, body, busctl, dbus_send,
                     plain)
from venus_testing import BUS_ITEM, SETTINGS, Program, wait_until

S = "com.victronenergy.battery.test"
INSTANCE = "/Settings/Devices/test_1/ClassAndVrmInstance"
NODES = ["/", "/Dc", "/Dc/0", "/Mgmt", "/History", "/History/Daily/0"]
UNKNOWN_METHOD = "org.freedesktop.DBus.Error.UnknownMethod"
UNKNOWN_OBJECT = "org.freedesktop.DBus.Error.UnknownObject"


def is_invalid(value):
    return isinstance(value, dbus.Array) and value.signature == "i" and len(value) == 0


class ObjectModel(venus_testing.VenusTestCase):
    def setUp(self):
        super().setUp()
        self.service = self.start_service()
        self.client = RawClient(self)

    def start_service(self, *arguments, ready=True):
        service = self.start("velib-test-service", *arguments, stdin=True)
        if ready:
            service.wait_line("ready")
        return service

    def restart_service(self, *arguments):
        self.assertEqual(self.service.terminate(), 0)
        self.wait_no_name(S)
        self.service = self.start_service(*arguments)

    def call(self, path, member, signature="", *arguments):
        return self.client.call(S, path, member, signature, *arguments)

    def get(self, path, member="GetValue"):
        reply = self.call(path, member)
        self.assertEqual(reply.get_type(), RETURN, reply.get_error_name())
        return body(reply)

    def error_of(self, path, member, signature="", *arguments):
        reply = self.call(path, member, signature, *arguments)
        self.assertEqual(reply.get_type(), ERROR)
        return reply.get_error_name()

    def write(self, path, signature, *arguments):
        reply = self.call(path, "SetValue", signature, *arguments)
        self.assertEqual(reply.get_type(), RETURN, reply.get_error_name())
        self.assertEqual(reply.get_signature(), "i")
        return int(body(reply))

    def bus_items(self):
        return self.get("/", "GetItems")

    def watch(self):
        """From now on signals are recorded; they are in order with the answers to calls."""
        self.client.watch_items(S)
        self.get("/Int")
        self.client.arrived.clear()

    def signals_after(self, *commands):
        """The signals that the commands to the service cause."""
        self.client.arrived.clear()
        for command in commands:
            self.service.command(command)
        self.get("/Int")  # the answer comes behind the signals
        return self.client.signals()

    # reading

    def test_01_get_value_is_a_variant_and_a_dictionary_on_nodes(self):
        reply = self.call("/Soc", "GetValue")
        self.assertEqual(reply.get_signature(), "v")
        self.assertEqual(body(reply), dbus.Double(55.5, variant_level=1))
        for node in NODES:
            reply = self.call(node, "GetValue")
            self.assertEqual(reply.get_signature(), "v", node)
            self.assertIsInstance(body(reply), dbus.Dictionary, node)
            self.assertEqual(str(body(reply).signature), "sv", node)
        self.assertEqual(busctl(self, "call", S, "/Soc", BUS_ITEM, "GetValue"), "v d 55.5")
        self.assertEqual(busctl(self, "call", S, "/Dc", BUS_ITEM, "GetValue"),
                         'v a{sv} 2 "0/Current" d 8.2 "0/Voltage" ai 0')

    def test_02_get_text_is_a_string_and_a_dictionary_of_strings_on_nodes(self):
        reply = self.call("/Soc", "GetText")
        self.assertEqual((reply.get_signature(), body(reply)), ("s", "55.5%"))
        for node in NODES:
            reply = self.call(node, "GetText")
            self.assertEqual(reply.get_signature(), "v", node)
            self.assertEqual(str(body(reply).signature), "ss", node)
        self.assertEqual(busctl(self, "call", S, "/Soc", BUS_ITEM, "GetText"), 's "55.5%"')
        self.assertEqual(busctl(self, "call", S, "/Dc", BUS_ITEM, "GetText"),
                         'v a{ss} 2 "0/Current" "8.2A" "0/Voltage" "---"')
        self.assertEqual(dbus_send(self, S, "/Soc", "GetText"), '   string "55.5%"')

    def test_03_keys_are_relative_in_nodes_and_absolute_in_get_items(self):
        self.assertEqual(set(self.get("/Dc/0")), {"Voltage", "Current"})
        self.assertEqual(set(self.get("/Dc")), {"0/Voltage", "0/Current"})
        self.assertIn("Dc/0/Voltage", self.get("/"))
        self.assertIn("/Dc/0/Voltage", self.bus_items())
        for member in ("GetValue", "GetText"):
            self.assertFalse([key for key in self.get("/", member) if key.startswith("/")])
        self.assertFalse([key for key in self.bus_items() if not key.startswith("/")])

    def test_04_every_proper_prefix_of_a_path_answers_get_value(self):
        prefixes = {"/"}
        for path in self.bus_items():
            parts = str(path).split("/")[1:-1]
            prefixes |= {"/" + "/".join(parts[:i + 1]) for i in range(len(parts))}
        self.assertGreater(len(prefixes), 30)
        whole = self.get("/")
        for prefix in prefixes:
            below = self.get(prefix)
            start = "" if prefix == "/" else prefix[1:] + "/"
            self.assertEqual({start + key: value for key, value in below.items()},
                             {key: value for key, value in whole.items() if key.startswith(start)}, prefix)

    def test_05_get_items_has_value_and_text_of_every_path(self):
        reply = self.call("/", "GetItems")
        self.assertEqual(reply.get_signature(), "a{sa{sv}}")
        self.assertGreater(len(body(reply)), 480)
        for path, entry in body(reply).items():
            self.assertLessEqual({"Value", "Text"}, set(entry), path)
            self.assertLessEqual(set(entry), {"Value", "Text", "Min", "Max", "Default"}, path)
            self.assertIsInstance(entry["Text"], dbus.String, path)
        self.assertEqual(plain(body(reply)["/Limited"]), {"Value": 4, "Text": "4", "Min": 1, "Max": 9, "Default": 4})
        self.assertTrue(busctl(self, "call", S, "/", BUS_ITEM, "GetItems").startswith("a{sa{sv}} "))

    def test_06_get_items_on_a_leaf_is_an_unknown_method(self):
        self.assertEqual(self.error_of("/Soc", "GetItems"), UNKNOWN_METHOD)
        self.assertEqual(self.error_of("/Dc", "GetItems"), UNKNOWN_METHOD)

    def test_07_invalid_is_an_empty_array_everywhere(self):
        self.assertTrue(is_invalid(self.get("/Dc/0/Voltage")))
        self.assertTrue(is_invalid(self.get("/Dc")["0/Voltage"]))
        self.assertTrue(is_invalid(self.get("/")["Dc/0/Voltage"]))
        self.assertTrue(is_invalid(self.bus_items()["/Dc/0/Voltage"]["Value"]))
        self.watch()
        [(_, _, lone)] = self.signals_after("set /Soc invalid")
        self.assertTrue(is_invalid(lone["Value"]))
        self.signals_after("batch /Real=7")
        [(_, _, batch)] = self.signals_after("silence")
        self.assertTrue(is_invalid(batch["/Dc/0/Current"]["Value"]))
        self.assertEqual(busctl(self, "call", S, "/Dc/0/Voltage", BUS_ITEM, "GetValue"), "v ai 0")
        self.assertEqual(dbus_send(self, S, "/Dc/0/Voltage", "GetValue"), "   variant       array [\n      ]")

    def test_08_the_text_of_invalid_is_three_dashes(self):
        self.assertEqual(self.get("/Dc/0/Voltage", "GetText"), "---")
        self.assertEqual(self.get("/Dc", "GetText")["0/Voltage"], "---")
        self.assertEqual(self.bus_items()["/Dc/0/Voltage"]["Text"], "---")
        self.watch()
        [(_, _, changed)] = self.signals_after("set /Soc invalid")
        self.assertEqual(changed["Text"], "---")

    def test_09_an_unknown_path_is_an_unknown_object(self):
        for member in ("GetValue", "GetText", "GetItems"):
            for path in ("/nope", "/Dc/1", "/Soc/x", "/D"):
                self.assertEqual(self.error_of(path, member), UNKNOWN_OBJECT, path)
        self.assertEqual(self.error_of("/nope", "SetValue", "v", 5), UNKNOWN_OBJECT)

    def test_10_an_unknown_method_on_a_known_path_is_an_unknown_method(self):
        for path in ("/Soc", "/Dc", "/"):
            for member in ("SetValues", "Nope", "SetDefault"):
                self.assertEqual(self.error_of(path, member), UNKNOWN_METHOD, path)
        self.assertEqual(self.error_of("/Dc", "SetValue", "v", 5), UNKNOWN_METHOD)
        self.assertEqual(self.error_of("/", "SetValue", "v", 5), UNKNOWN_METHOD)

    # writing

    def test_11_writing_a_read_only_item_is_refused_without_error_or_signal(self):
        self.watch()
        self.assertEqual(self.write("/Soc", "v", 6.0), 1)
        self.assertEqual(self.write("/Soc", "v", 55.5), 1)
        self.assertEqual(busctl(self, "call", S, "/Soc", BUS_ITEM, "SetValue", "v", "d", "6"), "i 1")
        self.assertEqual(self.get("/Soc"), 55.5)
        self.assertEqual(self.client.signals(), [])

    def test_12_an_accepted_write_is_signalled_before_its_reply(self):
        self.watch()
        self.assertEqual(self.write("/Int", "v", 6), 0)
        [signalled, answer] = self.client.arrived
        self.assertEqual((signalled.get_type(), signalled.get_member(), signalled.get_path()),
                         (SIGNAL, "PropertiesChanged", "/Int"))
        self.assertEqual(signalled.get_signature(), "a{sv}")
        self.assertEqual(plain(body(signalled)), {"Value": 6, "Text": "6"})
        self.assertEqual((answer.get_type(), body(answer)), (RETURN, 0))
        self.assertEqual(self.get("/Int"), 6)

    def test_13_writing_the_current_value_is_accepted_and_does_nothing(self):
        self.watch()
        self.assertEqual(self.write("/Int", "v", 5), 0)
        self.assertEqual(self.write("/Int", "v", "5"), 0)
        self.assertEqual(self.write("/Refusing", "v", 1), 0)  # its callback would have refused
        self.assertEqual(self.client.signals(), [])

    def test_14_a_refusing_callback_changes_nothing(self):
        self.watch()
        self.assertEqual(self.write("/Refusing", "v", 2), 2)
        self.assertEqual(self.write("/Limited", "v", 10), 2)
        self.assertEqual(self.write("/Handler/Throw", "v", 1), 2)
        self.assertEqual(self.client.signals(), [])
        self.assertEqual(self.get("/Refusing"), 1)
        self.assertEqual(self.get("/Limited"), 4)

    def test_15_writes_are_converted_and_the_type_stays(self):
        for written, expected in (("12", 12), (13.9, 13), (True, 1), (dbus.Byte(7), 7), (dbus.UInt64(8), 8)):
            self.assertEqual(self.write("/Int", "v", written), 0)
            self.assertIsInstance(self.get("/Int"), dbus.Int32)
            self.assertEqual(self.get("/Int"), expected)
        for written, expected in (("2.5", 2.5), (3, 3.0)):
            self.assertEqual(self.write("/Real", "v", written), 0)
            self.assertIsInstance(self.get("/Real"), dbus.Double)
            self.assertEqual(self.get("/Real"), expected)

    def test_16_a_string_that_is_no_number_is_refused(self):
        for text in ("abc", "", "4.5", "12 apples"):
            self.assertNotEqual(self.write("/Int", "v", text), 0, text)
        self.assertNotEqual(self.write("/Real", "v", "2,5"), 0)
        self.assertEqual(self.get("/Int"), 5)

    def test_17_every_body_that_clients_send_is_taken(self):
        bodies = (("v", dbus.Int32(20)), ("i", 21), ("d", 22.0), ("s", "23"), ("b", True), ("x", 24), ("u", 25),
                  ("y", 26), ("n", 27), ("q", 28), ("t", 29))
        for signature, value in bodies:
            self.assertEqual(self.write("/Int", signature, value), 0, signature)
            self.assertEqual(self.get("/Int"), int(value), signature)
        self.assertEqual(self.write("/Nullable", "ai", dbus.Array([], "i")), 0)
        self.assertTrue(is_invalid(self.get("/Nullable")))
        self.assertEqual(self.write("/Int", "ai", dbus.Array([], "i")), 1)
        self.assertEqual(self.write("/Text", "v", "Kühlbox"), 0)
        self.assertEqual(dbus_send(self, S, "/Int", "SetValue", "int32:1200"), "   int32 0")
        self.assertEqual(dbus_send(self, S, "/Int", "SetValue", "variant:int32:6"), "   int32 0")
        self.assertEqual(busctl(self, "call", S, "/Real", BUS_ITEM, "SetValue", "i", "7"), "i 0")

    def test_18_writing_invalid_is_for_nullable_items(self):
        nothing = dbus.Array([], "i", variant_level=1)
        self.assertNotEqual(self.write("/Int", "v", nothing), 0)
        self.assertEqual(self.get("/Int"), 5)
        self.assertEqual(self.write("/Nullable", "v", nothing), 0)
        self.assertEqual(self.write("/Nullable", "v", 3), 0)
        self.assertEqual(busctl(self, "call", S, "/Nullable", BUS_ITEM, "SetValue", "v", "ai", "0"), "i 0")
        self.assertEqual(self.get("/Nullable", "GetText"), "---")

    def test_19_a_wrong_number_of_arguments_is_an_error(self):
        self.assertTrue(self.error_of("/Int", "SetValue"))
        self.assertTrue(self.error_of("/Int", "SetValue", "vv", 1, 2))
        self.assertEqual(self.get("/Int"), 5)

    def test_20_nested_variants_are_unwrapped(self):
        self.assertEqual(self.write("/Int", "v", dbus.Int32(8, variant_level=3)), 0)
        self.assertEqual(self.get("/Int"), 8)
        self.assertEqual(self.write("/Int", "v", dbus.Array([], "i", variant_level=2)), 1)

    # introspection

    def test_21_introspection_declares_what_the_tools_need(self):
        seen = Introspected(self.client, S)
        leaf = seen.methods("/Soc")
        self.assertEqual(leaf["SetValue"], ("v", "i", []))
        self.assertEqual(leaf["GetValue"], ("", "v", []))
        self.assertEqual(leaf["GetText"], ("", "s", []))
        self.assertNotIn("GetItems", leaf)
        node = seen.methods("/Dc")
        self.assertEqual((node["GetValue"], node["GetText"]), (("", "v", []), ("", "v", [])))
        self.assertNotIn("SetValue", node)
        self.assertEqual(seen.methods("/")["GetItems"], ("", "a{sa{sv}}", []))
        rows = {line.split()[0]: line.split()[1:4]
                for line in busctl(self, "introspect", S, "/Soc", BUS_ITEM).splitlines()}
        self.assertEqual(rows[".SetValue"], ["method", "v", "i"])
        self.assertEqual(rows[".GetValue"], ["method", "-", "v"])
        self.assertEqual(rows[".PropertiesChanged"], ["signal", "a{sv}", "-"])

    def test_22_recursive_introspection_finds_exactly_the_paths_and_nodes(self):
        expected = {"/"}
        for path in self.bus_items():
            parts = str(path).split("/")[1:]
            expected |= {"/" + "/".join(parts[:i + 1]) for i in range(len(parts))}
        found = Introspected(self.client, S).paths()
        self.assertEqual(set(found), expected)
        self.assertEqual(len(found), len(expected))
        self.assertEqual(set(busctl(self, "tree", "--list", S).split()), expected)

    def test_23_the_command_line_tool_prints_the_bare_value(self):
        seen = Introspected(self.client, S)
        self.assertEqual(seen.output("/Soc", "GetValue"), "55.5")
        self.assertEqual(seen.output("/Soc", "GetText"), "'55.5%'")
        self.assertEqual(seen.output("/Text", "GetValue"), "'abc'")
        self.assertEqual(seen.output("/Dc/0/Voltage", "GetValue"), "[]")
        self.assertEqual(seen.output("/Dc", "GetValue"), "{'0/Current': 8.2, '0/Voltage': []}")
        self.assertEqual(seen.output("/Int", "SetValue", "7"), "0")
        self.assertEqual(self.get("/Int"), 7)

    # changes

    def test_24_a_batch_is_one_items_changed_with_final_values(self):
        self.watch()
        changes = self.signals_after("batch /Dc/0/Voltage=12.5 /Soc=60 /Dc/0/Voltage=13.0 /Real=2")
        [(member, path, items)] = changes
        self.assertEqual((member, path), ("ItemsChanged", "/"))
        self.assertEqual(plain(items), {"/Dc/0/Voltage": {"Value": 13.0, "Text": "13.00V"},
                                        "/Soc": {"Value": 60.0, "Text": "60.0%"},
                                        "/Real": {"Value": 2.0, "Text": "2.0"}})
        self.assertEqual(self.client.arrived[0].get_signature(), "a{sa{sv}}")

    def test_25_an_equal_value_is_not_signalled(self):
        self.watch()
        self.assertEqual(self.signals_after("set /Soc real 55.5", "set /Soc real 55.52", "set /Text text abc",
                                            "set /Dc/0/Voltage invalid", "set /Int real 5.0"), [])

    def test_26_a_batch_without_changes_is_not_signalled(self):
        self.watch()
        self.assertEqual(self.signals_after("batch", "batch /Soc=55.5 /Int=5"), [])

    def test_27_properties_changed_holds_exactly_value_and_text(self):
        self.watch()
        changes = self.signals_after("set /Soc real 56.5", "set /Text text xyz", "set /Soc invalid", "set /Text text")
        self.assertEqual([(member, path, plain(content)) for member, path, content in changes],
                         [("PropertiesChanged", "/Soc", {"Value": 56.5, "Text": "56.5%"}),
                          ("PropertiesChanged", "/Text", {"Value": "xyz", "Text": "xyz"}),
                          ("PropertiesChanged", "/Soc", {"Value": [], "Text": "---"}),
                          ("PropertiesChanged", "/Text", {"Value": "", "Text": ""})])
        self.assertEqual(self.write("/Limited", "v", 5), 0)  # limits are not repeated
        self.assertEqual(plain(self.client.signals()[-1][2]), {"Value": 5, "Text": "5"})

    def test_28_the_type_of_a_path_never_changes(self):
        def types():
            return {path: (type(entry["Value"]), str(getattr(entry["Value"], "signature", "")))
                    for path, entry in self.bus_items().items() if not is_invalid(entry["Value"])}
        before = types()
        for path in ("/Int", "/Real", "/Text", "/Limited", "/Nullable"):
            for value in ("7", 8, 9.5, True, dbus.Int64(1 << 40), dbus.UInt32(1), dbus.Array([1.5], "d"),
                          dbus.Array(["x"], "s")):
                self.write(path, "v", value)
            self.service.command(f"set {path} real 3")
            self.service.command(f"set {path} real 3.5")
            self.service.command(f"set {path} text 4")
        after = types()
        for path in set(before) & set(after):
            self.assertEqual(after[path], before[path], path)

    def test_29_nan_and_infinity_are_invalid(self):
        self.assertTrue(is_invalid(self.get("/NotANumber")))
        self.assertNotEqual(self.write("/Real", "d", float("nan")), 0)
        self.assertNotEqual(self.write("/Real", "d", float("inf")), 0)
        self.assertNotEqual(self.write("/Real", "s", "nan"), 0)
        self.assertEqual(self.get("/Real"), 1.5)

    def test_30_strings_are_valid_utf8_without_nul(self):
        self.assertEqual(self.get("/Dirty"), "ser\ufffd\ufffdial")
        self.assertEqual(self.get("/Dirty", "GetText"), "ser\ufffd\ufffdial")

    def test_31_a_path_added_at_run_time_is_announced_and_listed(self):
        self.watch()
        [(member, path, items)] = self.signals_after("add /Ac/Power 230")
        self.assertEqual((member, path), ("ItemsChanged", "/"))
        self.assertEqual(plain(items), {"/Ac/Power": {"Value": 230.0, "Text": "230W"}})
        self.assertEqual(plain(self.bus_items()["/Ac/Power"]), {"Value": 230.0, "Text": "230W"})
        self.assertEqual(plain(self.get("/Ac")), {"Power": 230.0})

    def test_32_a_removed_path_is_invalid_first_and_then_gone(self):
        self.watch()
        [(member, path, items)] = self.signals_after("remove /History/Daily/3")
        self.assertEqual((member, path), ("ItemsChanged", "/"))
        self.assertEqual(len(items), 15)
        for name, entry in items.items():
            self.assertTrue(name.startswith("/History/Daily/3/"))
            self.assertEqual(plain(entry), {"Value": [], "Text": "---"})
        self.assertEqual(self.error_of("/History/Daily/3/Yield", "GetValue"), UNKNOWN_OBJECT)
        self.assertEqual(self.error_of("/History/Daily/3", "GetValue"), UNKNOWN_OBJECT)
        self.assertEqual(self.get("/History/Daily/30/Yield"), 1.0)
        self.assertNotIn("/History/Daily/3/Yield", self.bus_items())

    # names and connections

    def test_33_when_the_name_appears_the_identity_is_valid(self):
        paths = ("/DeviceInstance", "/ProductName", "/Mgmt/Connection", "/Connected", "/ProductId")
        asked = []

        def on_message(message):
            if message.get_member() == "NameOwnerChanged":
                name, _, owner = message.get_args_list()
                if name == S and owner:
                    asked.extend((path, self.client.send(S, path, "GetValue")) for path in paths)
        self.client.watch(NAME_OWNER_CHANGED)
        self.client.on_message = on_message
        rounds = 20
        for _ in range(rounds):
            self.service.command("leave")
            self.wait_no_name(S)
            asked.clear()
            self.service.command("join")
            wait_until(lambda: len(asked) == len(paths), "the name to appear")
            for path, serial in asked:
                answer = wait_until(lambda s=serial: self.client.answer_to(s), path)
                self.assertEqual(answer.get_type(), RETURN, path)
                self.assertFalse(is_invalid(body(answer)), path)

    def test_34_a_taken_name_ends_the_program(self):
        owner = self.bus.get_name_owner(S)
        second = self.start_service(ready=False)
        self.assertNotEqual(second.wait_exit(), 0)
        self.assertIn(S, second.output)
        self.assertEqual(self.bus.get_name_owner(S), owner)
        self.assertEqual(self.get("/Soc"), 55.5)

    def test_35_two_devices_in_one_process_have_two_connections(self):
        other = "com.victronenergy.battery.other"
        self.restart_service("--second", other)
        self.assertNotEqual(self.bus.get_name_owner(S), self.bus.get_name_owner(other))
        self.assertEqual(self.bus.get_name_owner(S).count(":"), 1)
        self.assertEqual(self.value(S, "/Serial"), "T1")
        self.assertEqual(self.value(other, "/Serial"), "T2")
        self.assertNotEqual(self.value(S, "/DeviceInstance"), self.value(other, "/DeviceInstance"))
        self.assertIsNone(self.value(other, "/Soc"))
        self.assertNotEqual(set(self.items(S)), set(self.items(other)))

    def test_36_leaving_the_bus_ends_the_connection(self):
        owner = str(self.bus.get_name_owner(S))
        self.client.watch(NAME_OWNER_CHANGED)
        self.service.command("leave")

        def lost():
            changes = [[str(a) for a in m.get_args_list()] for m in self.client.arrived
                       if m.get_member() == "NameOwnerChanged"]
            return [[S, owner, ""], [owner, owner, ""]] == [c for c in changes if c[0] in (S, owner)]
        wait_until(lost, "the name, then the connection, to leave")

    def test_37_the_bus_is_chosen_as_everywhere_in_the_field(self):
        other = os.path.join(self.directory, "system")
        config = os.path.join(self.directory, "system.conf")
        with open(config, "w", encoding="utf-8") as out:
            out.write(venus_testing.BUS_CONFIG.format(socket=other))
        self.programs.append(Program(["dbus-daemon", "--config-file=" + config, "--nofork", "--nopidfile"]))
        wait_until(lambda: venus_testing.accepts(other), "the other bus")
        environment = self.environment(DBUS_SYSTEM_BUS_ADDRESS="unix:path=" + other)
        with_session = Program([os.path.join(venus_testing.TESTS, "velib-test-service"),
                                "--name", S + "_session", "--id", "test_2"], env=environment)
        self.programs.append(with_session)
        self.wait_name(S + "_session")
        del environment["DBUS_SESSION_BUS_ADDRESS"]
        for program, arguments in (("bin/velib-settings", ["--path", self.directory]),
                                   ("tests/velib-test-service", ["--name", S + "_system"])):
            self.programs.append(Program([os.path.join(venus_testing.BUILD, program), *arguments], env=environment))
        system = dbus.bus.BusConnection("unix:path=" + other)
        self.addCleanup(system.close)
        wait_until(lambda: system.name_has_owner(S + "_system"), "the service on the system bus")
        self.assertFalse(self.has_name(S + "_system"))
        self.assertFalse(system.name_has_owner(S + "_session"))

    # settings

    def test_38_the_custom_name_is_writable_and_survives(self):
        self.assertEqual(self.get("/CustomName"), "")
        self.assertEqual(self.write("/CustomName", "v", "Boat"), 0)
        self.assertEqual(self.get("/CustomName"), "Boat")
        self.wait_value(SETTINGS, "/Settings/Devices/test_1/CustomName", "Boat")
        self.restart_service()
        self.assertEqual(self.get("/CustomName"), "Boat")
        self.assertEqual(self.settings.terminate(), 0)
        self.start_settings()
        self.restart_service()
        self.assertEqual(self.get("/CustomName"), "Boat")

    def test_39_the_instance_is_the_one_from_settings(self):
        self.assertEqual(self.setting(INSTANCE), "battery:1")
        self.assertEqual(self.get("/DeviceInstance"), 1)
        self.start_service("--name", S + "_2", "--id", "test_2")
        self.assertEqual(self.setting("/Settings/Devices/test_2/ClassAndVrmInstance"), "battery:2")
        self.assertEqual(self.value(S + "_2", "/DeviceInstance"), 2)

    def test_40_without_settings_the_driver_waits(self):
        self.service.terminate()
        self.settings.terminate()
        self.wait_no_name(SETTINGS)
        self.service = self.start_service(ready=False)
        self.service.wait_line("waiting for " + SETTINGS)
        self.assertTrue(self.service.running)
        self.assertFalse(self.has_name(S))
        self.start_settings()
        self.service.wait_line("ready")
        self.assertEqual(self.get("/DeviceInstance"), 1)

    def test_41_a_changed_instance_brings_the_service_back_with_it(self):
        owner = self.bus.get_name_owner(S)
        self.client.watch(NAME_OWNER_CHANGED)
        self.set_setting(INSTANCE, "battery:7")
        self.wait_value(S, "/DeviceInstance", 7)
        self.assertNotEqual(self.bus.get_name_owner(S), owner)

        def changes():
            return [[str(a) for a in m.get_args_list()] for m in self.client.arrived
                    if m.get_member() == "NameOwnerChanged" and m.get_args_list()[0] == S]
        wait_until(lambda: len(changes()) == 2, "the name to leave and to come back")
        self.assertEqual(changes(), [[S, owner, ""], [S, "", str(self.bus.get_name_owner(S))]])
        self.assertEqual(self.get("/Soc"), 55.5)

    # devices

    def test_42_only_what_a_driver_publishes_exists(self):
        self.assertNotIn("/Info/MaxChargeVoltage", self.bus_items())
        self.assertEqual(self.error_of("/Info/MaxChargeVoltage", "GetValue"), UNKNOWN_OBJECT)
        self.service.command("add /Info/MaxChargeVoltage 56")
        self.assertIn("/Info/MaxChargeVoltage", self.bus_items())

    def test_43_versions_and_product_ids_have_the_types_consumers_compare(self):
        self.assertIsInstance(self.get("/FirmwareVersion"), dbus.Int32)
        self.assertEqual(self.get("/FirmwareVersion", "GetText"), "v1.57")
        self.assertIsInstance(self.get("/ProductId"), dbus.Int32)
        self.assertEqual(self.get("/ProductId", "GetText"), "0xBF01")
        self.restart_service("--firmware", "1.2")
        self.assertEqual(self.get("/FirmwareVersion"), "1.2")
        # There a string makes a consumer crash.
        self.restart_service("--class", "solarcharger", "--firmware", "1.2")
        self.assertTrue(is_invalid(self.get("/FirmwareVersion")))
        self.assertIn("FirmwareVersion", self.service.poll_output())

    def test_44_a_cycle_of_five_hundred_changes_is_one_signal(self):
        paths = [p for p in self.bus_items() if p.startswith("/History")]
        self.assertGreater(len(paths), 460)
        self.watch()
        [(member, _, items)] = self.signals_after("batch " + " ".join(f"{p}=2" for p in paths))
        self.assertEqual((member, len(items)), ("ItemsChanged", len(paths)))
        self.assertEqual({float(entry["Value"]) for entry in items.values()}, {2.0})
        self.assertEqual({str(self.bus_items()[p]["Text"]) for p in paths[:20]}, {"2.00kWh"})

    def test_45_on_sigterm_the_service_leaves_and_ends(self):
        owner = self.bus.get_name_owner(S)
        self.service.process.send_signal(signal.SIGTERM)
        self.assertEqual(self.service.wait_exit(), 0)
        self.assertFalse(self.has_name(S))
        self.assertFalse(self.has_name(owner))

    def test_46_a_silent_device_becomes_invalid_and_then_leaves(self):
        self.watch()
        [(member, _, items)] = self.signals_after("silence")
        self.assertEqual(member, "ItemsChanged")
        self.assertEqual({path for path, entry in items.items() if is_invalid(entry["Value"])},
                         {"/Dc/0/Current", "/Soc"})
        self.assertEqual(self.get("/Connected"), 0)
        for path in ("/DeviceInstance", "/ProductName", "/ProductId", "/CustomName"):
            self.assertFalse(is_invalid(self.get(path)), path)
        self.service.command("leave")
        self.wait_no_name(S)

    def test_47_signals_keep_their_order(self):
        self.watch()
        for value in range(1, 51):
            self.assertEqual(self.write("/Handler/Later", "v", value), 0)
        changed = wait_until(lambda: len(self.client.signals()) == 100 and self.client.signals(), "all signals")
        expected = []
        for value in range(1, 51):
            expected += [("/Handler/Later", value), ("/Soc", float(value))]
        self.assertEqual([(path, plain(content["Value"])) for _, path, content in changed], expected)

    def test_48_limits_answer_where_they_are_and_only_there(self):
        for member, expected in (("GetMin", 1), ("GetMax", 9), ("GetDefault", 4)):
            reply = self.call("/Limited", member)
            self.assertEqual((reply.get_signature(), body(reply)), ("v", expected))
            self.assertIsInstance(body(reply), dbus.Int32)
            self.assertEqual(self.error_of("/Soc", member), UNKNOWN_METHOD)
            self.assertEqual(self.error_of("/Dc", member), UNKNOWN_METHOD)

    def test_49_the_root_has_every_leaf_once(self):
        values, texts, items = self.get("/"), self.get("/", "GetText"), self.bus_items()
        self.assertEqual(len(values), len(items))
        self.assertEqual({"/" + key for key in values}, set(items))
        self.assertEqual({"/" + key: text for key, text in texts.items()},
                         {path: entry["Text"] for path, entry in items.items()})
        for key, value in values.items():
            self.assertEqual(value, items["/" + key]["Value"])

    def test_50_settings_are_added_once_and_keep_their_type(self):
        def add(path, default):
            reply = self.client.call(SETTINGS, "/", "AddSettings", "aa{sv}", [{"path": path, "default": default}],
                                     interface="com.victronenergy.Settings")
            return reply.get_error_name() if reply.get_type() == ERROR else plain(body(reply))[0]
        self.client.watch_items(SETTINGS)
        self.assertEqual(add("/Settings/Test/Q", 1), {"path": "/Settings/Test/Q", "error": 0, "value": 1})
        self.assertEqual(add("/Settings/Test/Q", 1)["error"], 0)
        self.assertEqual([path for _, path, _ in self.client.signals()], ["/Settings/Test/Q"])
        self.assertEqual(add("/Settings/Test/Q", 1.5), {"path": "/Settings/Test/Q", "error": -5})
        self.assertIsInstance(add("/Settings/Test/Q/Below", 1), str)


if __name__ == "__main__":
    venus_testing.main()
