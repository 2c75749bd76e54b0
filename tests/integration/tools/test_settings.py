"""The settings service against the facts about localsettings (docs/protocols/settings-service.md), asked by foreign clients:
busctl and dbus-send for what goes over the wire, python3-dbus for the rest."""

import os
import subprocess
import xml.etree.ElementTree as ElementTree

import dbus
from gi.repository import GLib

from venus_testing import BUS_ITEM, SETTINGS, SignalLog, VenusTestCase, main, wait_until

SETTINGS_INTERFACE = "com.victronenergy.Settings"
NONE = dbus.Array([], signature="i")


class SettingsTestCase(VenusTestCase):
    def busctl(self, *arguments):
        done = subprocess.run(["busctl", "--address=" + self.bus_address, *arguments],
                              capture_output=True, text=True, timeout=30)
        return done.stdout.rstrip("\n") if done.returncode == 0 else done.stderr.strip()

    def call(self, path, interface, member, *arguments):
        return self.busctl("call", SETTINGS, path, interface, member, *arguments)

    def add(self, *entries, path="/"):
        """AddSettings with python3-dbus; returns the codes."""
        return [int(result["error"]) for result in self.add_raw(*entries, path=path)]

    def add_raw(self, *entries, path="/"):
        group = dbus.Interface(self.bus.get_object(SETTINGS, path, introspect=False), SETTINGS_INTERFACE)
        return group.AddSettings(dbus.Array(entries, signature="a{sv}"))

    def write(self, path, value):
        return self.set_value(SETTINGS, path, value)

    def log(self):
        log = SignalLog(self.bus, SETTINGS)
        self.sync()
        return log

    def sync(self):
        """Everything the service has sent so far is in the log."""
        self.bus.get_object(SETTINGS, "/", introspect=False).Ping(dbus_interface="org.freedesktop.DBus.Peer")
        # Its signals came before its answer; handing them out takes a turn of the loop.
        context = GLib.MainContext.default()
        while context.pending():
            context.iteration(False)

    def file(self, name="settings.xml"):
        return os.path.join(self.directory, name)

    def saved(self):
        """The settings in the file: {path: (type, value)}."""
        if not os.path.exists(self.file()):
            return {}
        found = {}

        def walk(element, path):
            for child in element:
                tag = child.tag[1:] if child.tag.startswith("_") else child.tag
                if "type" in child.attrib:
                    found[path + "/" + tag] = (child.attrib["type"], child.text or "")
                else:
                    walk(child, path + "/" + tag)
        walk(ElementTree.parse(self.file()).getroot(), "/Settings")
        return found


class TestAdding(SettingsTestCase):
    def test_replies_as_measured(self):
        self.assertEqual(
            self.call("/", SETTINGS_INTERFACE, "AddSettings", "aa{sv}", "3",
                      "2", "path", "s", "Settings/Q", "default", "i", "1",
                      "2", "path", "s", "/Settings/A_B", "default", "u", "1",
                      "1", "default", "i", "5"),
            'aa{sv} 3 2 "path" s "Settings/Q" "error" i -9 2 "path" s "/Settings/A_B" "error" i -3 '
            '1 "error" i -4')
        self.assertEqual(
            self.call("/", SETTINGS_INTERFACE, "AddSettings", "aa{sv}", "1",
                      "2", "path", "s", "/Settings/Rng", "default", "i", "1"),
            'aa{sv} 1 3 "path" s "/Settings/Rng" "error" i 0 "value" i 1')
        self.assertEqual(self.write("/Settings/Rng", dbus.Int32(9)), 0)
        self.assertEqual(
            self.call("/", SETTINGS_INTERFACE, "AddSettings", "aa{sv}", "1",
                      "4", "path", "s", "/Settings/Rng", "default", "i", "1", "min", "i", "0", "max", "i", "3"),
            'aa{sv} 1 3 "path" s "/Settings/Rng" "error" i 0 "value" i 9', "an out-of-range value is kept")
        self.assertEqual(
            self.call("/", SETTINGS_INTERFACE, "AddSettings", "aa{sv}", "1",
                      "2", "path", "s", "/Settings/Rng", "default", "d", "1"),
            'aa{sv} 1 2 "path" s "/Settings/Rng" "error" i -5')
        self.assertEqual(self.call("/", SETTINGS_INTERFACE, "AddSettings", "aa{sv}", "0"), "aa{sv} 0")

    def test_every_code(self):
        self.assertEqual(self.add({"path": "/Settings/G/A", "default": dbus.Int32(1)}), [0])
        for code, entry in [
                (-2, {"path": "/Settings/_A", "default": dbus.Int32(1)}),
                (-3, {"path": "/Settings/A", "default": dbus.UInt32(1)}),
                (-3, {"path": "/Settings/A", "default": True}),
                (-3, {"path": "/Settings/A", "default": dbus.Byte(1)}),
                (-3, {"path": "/Settings/A", "default": dbus.Int16(1)}),
                (-3, {"path": "/Settings/A", "default": dbus.UInt16(1)}),
                (-3, {"path": "/Settings/A", "default": dbus.Array([1], signature="i")}),
                (-3, {"path": "/Settings/A"}),
                (-4, {"default": dbus.Int32(1)}),
                (-4, {"path": dbus.Int32(5), "default": dbus.Int32(1)}),
                (-5, {"path": "/Settings/G/A", "default": 1.0}),
                (-6, {"path": "/Settings/Devices/x/ClassAndVrmInstance", "default": "battery"}),
                (-6, {"path": "/Settings/Devices/x/ClassAndVrmInstance", "default": "battery:3.5"}),
                (-7, {"path": "/Settings/A", "default": dbus.Int32(5), "min": dbus.Int32(0), "max": dbus.Int32(4)}),
                (-8, {"path": "/Settings/G", "default": dbus.Int32(1)}),
                (-8, {"path": "/Settings/Devices", "default": dbus.Int32(1)}),
                (-9, {"path": "/Settings", "default": dbus.Int32(1)}),
                (-9, {"path": "/Other/A", "default": dbus.Int32(1)})]:
            with self.subTest(code=code, entry=entry):
                self.assertEqual(self.add(entry), [code])
        self.assertEqual(self.items(SETTINGS).keys(), {"/Settings/G/A"})

    def test_a_path_that_can_be_no_object_is_a_dbus_error(self):
        self.add({"path": "/Settings/Rng", "default": dbus.Int32(1)})
        for path in ("/Settings/Rng/Sub", "/Settings/with space", "/Settings/a-b"):
            with self.subTest(path=path), self.assertRaises(dbus.DBusException):
                self.add({"path": path, "default": dbus.Int32(1)})
        self.assertEqual(self.setting("/Settings/Rng"), 1)

    def test_types_follow_the_default(self):
        self.add({"path": "/Settings/I", "default": dbus.Int32(1)},
                 {"path": "/Settings/X", "default": dbus.Int64(2)},
                 {"path": "/Settings/D", "default": dbus.Double(3)},
                 {"path": "/Settings/S", "default": "four"})
        for name, expected in (("I", "v i 1"), ("X", "v i 2"), ("D", "v d 3"), ("S", 'v s "four"')):
            self.assertEqual(self.call("/Settings/" + name, BUS_ITEM, "GetValue"), expected)

    def test_limits(self):
        self.add({"path": "/Settings/Both0", "default": dbus.Int32(5), "min": dbus.Int32(0), "max": dbus.Int32(0)},
                 {"path": "/Settings/Min", "default": dbus.Double(5), "min": dbus.Double(1)},
                 {"path": "/Settings/Text", "default": "a", "min": dbus.Int32(1), "max": dbus.Int32(2)},
                 {"path": "/Settings/Empty", "default": dbus.Int32(5), "min": "", "max": dbus.Int32(9)})
        self.assertEqual(self.call("/Settings/Both0", BUS_ITEM, "GetMin"), "v i 0")
        self.assertEqual(self.call("/Settings/Both0", BUS_ITEM, "GetMax"), "v i 0")
        self.assertEqual(self.call("/Settings/Min", BUS_ITEM, "GetMin"), "v d 1")
        self.assertEqual(self.call("/Settings/Min", BUS_ITEM, "GetMax"), "v i 0")
        self.assertEqual(self.call("/Settings/Text", BUS_ITEM, "GetMax"), "v i 0")
        self.assertEqual(self.write("/Settings/Both0", dbus.Int32(1000)), 0)
        self.assertEqual(self.write("/Settings/Min", dbus.Double(1000)), 0)
        self.assertEqual(self.write("/Settings/Min", dbus.Double(0)), -1)
        self.assertEqual(self.write("/Settings/Empty", dbus.Int32(-10)), 0)
        self.assertEqual(self.write("/Settings/Empty", dbus.Int32(10)), -1)

    def test_the_older_calls(self):
        arguments = ("ssvsvv", "Group", "Name", "i", "5", "i", "i", "0", "i", "9")
        self.assertEqual(self.call("/Settings", SETTINGS_INTERFACE, "AddSetting", *arguments), "i 0")
        self.assertEqual(self.call("/Settings/Group/Name", BUS_ITEM, "GetValue"), "v i 5")
        self.assertEqual(self.call("/Settings/Group/Name", SETTINGS_INTERFACE, "GetSilent"), "b false")
        self.assertEqual(self.call("/Settings", SETTINGS_INTERFACE, "AddSilentSetting", *arguments), "i 0")
        self.assertEqual(self.call("/Settings/Group/Name", SETTINGS_INTERFACE, "GetSilent"), "b true")
        self.assertEqual(self.call("/Settings/Group/Name", SETTINGS_INTERFACE, "GetAttributes"),
                         "vvvi i 5 i 0 i 9 1")
        for group, name, path in (("", "Plain", "/Settings/Plain"), ("/Lead", "/Slash", "/Settings/Lead/Slash"),
                                  ("Deep/Er", "X", "/Settings/Deep/Er/X")):
            self.assertEqual(
                self.call("/Settings", SETTINGS_INTERFACE, "AddSetting", "ssvsvv", group, name,
                          "s", "a", "s", "s", "", "s", ""), "i 0")
            self.assertEqual(self.setting(path), "a")
        self.assertEqual(
            self.call("/Settings", SETTINGS_INTERFACE, "AddSetting", "ssvsvv", "G", "N", "i", "5", "z", "i", "0",
                      "i", "0"), "i -3")
        self.assertEqual(
            self.call("/Settings", SETTINGS_INTERFACE, "AddSetting", "ssvsvv", "G", "N", "s", "x", "i", "i", "0",
                      "i", "0"), "i -6")
        self.assertIn("takes", self.call("/Settings", SETTINGS_INTERFACE, "AddSetting", "ss", "G", "N"))

    def test_paths_are_relative_to_the_group(self):
        self.assertEqual(self.add({"path": "A/B", "default": dbus.Int32(1)}, path="/Settings"), [0])
        self.assertEqual(self.add({"path": "/C", "default": dbus.Int32(2)}, path="/Settings/A"), [0])
        self.assertEqual(self.items(SETTINGS), {"/Settings/A/B": 1, "/Settings/A/C": 2})

    def test_silent(self):
        self.add({"path": "/Settings/Q", "default": dbus.Int32(1), "silent": dbus.Int32(1)},
                 {"path": "/Settings/L", "default": dbus.Int32(1), "silent": False})
        self.assertEqual(self.call("/Settings/Q", SETTINGS_INTERFACE, "GetSilent"), "b true")
        self.assertEqual(self.call("/Settings/L", SETTINGS_INTERFACE, "GetSilent"), "b false")
        self.write("/Settings/Q", dbus.Int32(2))
        self.assertEqual(self.set_value(SETTINGS, "/Settings/Q", "no number"), -1)
        self.write("/Settings/L", dbus.Int32(2))
        self.settings.wait_line("/Settings/L = 2")
        self.assertNotIn("/Settings/Q", self.settings.poll_output())

    def test_a_setting_that_replaces_others(self):
        self.add({"path": "/Settings/Old", "default": dbus.Int32(1)})
        self.write("/Settings/Old", dbus.Int32(7))
        reply = self.add_raw({"path": "/Settings/New", "default": dbus.Int32(2),
                              "replaces": dbus.Array(["/Settings/Old"], signature="s")})
        self.assertEqual(reply[0]["value"], 7)
        self.assertEqual(self.items(SETTINGS), {"/Settings/New": 7})


class TestReading(SettingsTestCase):
    def setUp(self):
        super().setUp()
        self.add({"path": "/Settings/Rng", "default": dbus.Int32(1), "min": dbus.Int32(0), "max": dbus.Int32(9)},
                 {"path": "/Settings/Real", "default": dbus.Double(50)},
                 {"path": "/Settings/Devices/bms_AB12/ClassAndVrmInstance", "default": "battery:1"})

    def test_values_and_texts(self):
        self.assertEqual(self.call("/Settings/Rng", BUS_ITEM, "GetText"), 's "1"')
        self.assertEqual(self.call("/Settings/Real", BUS_ITEM, "GetText"), 's "50.0"')
        self.assertEqual(self.call("/Settings/Devices/bms_AB12/ClassAndVrmInstance", BUS_ITEM, "GetText"),
                         's "battery:1"')
        self.assertEqual(self.call("/Settings/Rng", BUS_ITEM, "GetDefault"), "v i 1")
        self.assertEqual(self.call("/Settings/Devices/bms_AB12/ClassAndVrmInstance", SETTINGS_INTERFACE,
                                   "GetAttributes"), 'vvvi s "battery:1" i 0 i 0 0')

    def test_groups(self):
        self.assertEqual(self.call("/Settings/Devices", BUS_ITEM, "GetValue"),
                         'v a{sv} 1 "bms_AB12/ClassAndVrmInstance" s "battery:1"')
        self.assertEqual(self.call("/Settings", BUS_ITEM, "GetValue"),
                         'v a{sv} 3 "Devices/bms_AB12/ClassAndVrmInstance" s "battery:1" "Real" d 50 "Rng" i 1')
        self.assertEqual(self.call("/Settings/Devices", BUS_ITEM, "GetText"),
                         'v a{ss} 1 "bms_AB12/ClassAndVrmInstance" "battery:1"')

    def test_get_items(self):
        items = self.item(SETTINGS, "/").GetItems()
        self.assertEqual(set(items), {"/Settings/Rng", "/Settings/Real",
                                      "/Settings/Devices/bms_AB12/ClassAndVrmInstance"})
        self.assertEqual(items["/Settings/Rng"], {"Value": 1, "Text": "1", "Max": 9, "Min": 0, "Default": 1})
        self.assertEqual(items["/Settings/Devices/bms_AB12/ClassAndVrmInstance"],
                         {"Value": "battery:1", "Text": "battery:1", "Default": "battery:1"})

    def test_introspection_tells_the_truth(self):
        tree = self.busctl("--list", "tree", SETTINGS).split()
        self.assertEqual(set(tree), {"/", "/Settings", "/Settings/Rng", "/Settings/Real", "/Settings/Devices",
                                     "/Settings/Devices/bms_AB12",
                                     "/Settings/Devices/bms_AB12/ClassAndVrmInstance"})
        group = self.busctl("introspect", SETTINGS, "/Settings/Devices/bms_AB12")
        for row in ("AddSetting .* ssvsvv +i", r"AddSettings .* aa\{sv\} +aa\{sv\}", "RemoveSettings .* as +ai",
                    "AddSilentSetting .* ssvsvv +i", "SetDefault .* - +i"):
            self.assertRegex(group, row)
        setting = self.busctl("introspect", SETTINGS, "/Settings/Rng")
        for row in ("SetValue .* v +i", "GetMin .* - +v", "GetDefault .* - +v", "SetDefault .* - +i",
                    "GetSilent .* - +b", "GetAttributes .* - +vvvi", "PropertiesChanged +signal"):
            self.assertRegex(setting, row)
        self.assertNotIn("AddSetting", setting)

    def test_python_proxies_work_by_introspection(self):
        group = self.bus.get_object(SETTINGS, "/Settings")
        self.assertEqual(group.AddSetting("P", "Q", 5, "i", 0, 9, dbus_interface=SETTINGS_INTERFACE), 0)
        self.assertEqual(self.bus.get_object(SETTINGS, "/Settings/P/Q").GetValue(dbus_interface=BUS_ITEM), 5)

    def test_unknown_objects_and_methods(self):
        with self.assertRaises(dbus.DBusException) as caught:
            self.item(SETTINGS, "/Settings/Nope").GetValue()
        self.assertEqual(caught.exception.get_dbus_name(), "org.freedesktop.DBus.Error.UnknownObject")
        with self.assertRaises(dbus.DBusException) as caught:
            self.item(SETTINGS, "/Settings").SetValue(5)
        self.assertEqual(caught.exception.get_dbus_name(), "org.freedesktop.DBus.Error.UnknownMethod")


class TestWriting(SettingsTestCase):
    def setUp(self):
        super().setUp()
        self.add({"path": "/Settings/I", "default": dbus.Int32(0), "min": dbus.Int32(-100), "max": dbus.Int32(100)},
                 {"path": "/Settings/F", "default": dbus.Double(0), "min": dbus.Double(-9), "max": dbus.Double(9)},
                 {"path": "/Settings/S", "default": ""})

    def test_conversions(self):
        for path, written, stored in [
                ("/Settings/I", dbus.Int32(7), 7), ("/Settings/I", "8", 8), ("/Settings/I", dbus.Double(3.9), 3),
                ("/Settings/I", True, 1), ("/Settings/I", " 12 ", 12), ("/Settings/F", dbus.Int32(3), 3.0),
                ("/Settings/F", "2.5", 2.5), ("/Settings/S", "any string", "any string")]:
            with self.subTest(written=written):
                self.assertEqual(self.write(path, written), 0)
                self.assertEqual(self.setting(path), stored)

    def test_the_type_on_the_wire_stays(self):
        self.write("/Settings/I", "8")
        self.assertEqual(self.call("/Settings/I", BUS_ITEM, "GetValue"), "v i 8")
        self.write("/Settings/F", dbus.Int32(3))
        self.assertEqual(self.call("/Settings/F", BUS_ITEM, "GetValue"), "v d 3")

    def test_refusals_change_nothing(self):
        log = self.log()
        for path, written in [("/Settings/I", "4.5"), ("/Settings/I", NONE), ("/Settings/I", dbus.Int32(101)),
                              ("/Settings/F", dbus.Double(-9.5)), ("/Settings/F", "x"), ("/Settings/S", NONE),
                              ("/Settings/F", dbus.Double("nan"))]:
            with self.subTest(path=path, written=written):
                self.assertEqual(self.write(path, written), -1)
        self.assertEqual(self.items(SETTINGS), {"/Settings/I": 0, "/Settings/F": 0.0, "/Settings/S": ""})
        self.sync()
        self.assertEqual(log.signals, [])

    def test_plain_bodies(self):
        def send(*argument):
            done = subprocess.run(["dbus-send", "--bus=" + self.bus_address, "--print-reply=literal",
                                   "--dest=" + SETTINGS, "/Settings/I", BUS_ITEM + ".SetValue", *argument],
                                  capture_output=True, text=True, timeout=30)
            return done.stdout.split() or done.stderr
        self.assertEqual(send("int32:42"), ["int32", "0"])
        self.assertEqual(send("variant:string:43"), ["int32", "0"])
        self.assertEqual(self.setting("/Settings/I"), 43)
        self.assertIn("InvalidArgs", send())
        self.assertIn("InvalidArgs", send("int32:1", "int32:2"))
        self.assertEqual(self.setting("/Settings/I"), 43)

    def test_beyond_32_bits(self):
        self.add({"path": "/Settings/Large", "default": dbus.Int32(0)})
        self.assertEqual(self.write("/Settings/Large", dbus.Int64(1 << 40)), 0)
        self.assertEqual(self.call("/Settings/Large", BUS_ITEM, "GetValue"), "v x 1099511627776")

    def test_the_security_profile_belongs_to_the_platform(self):
        path = "/Settings/System/SecurityProfile"
        self.add({"path": path, "default": dbus.Int32(0)})
        self.assertEqual(self.write(path, dbus.Int32(1)), -1)
        platform = self.connect()
        platform.request_name("com.victronenergy.platform")
        item = dbus.Interface(platform.get_object(SETTINGS, path, introspect=False), BUS_ITEM)
        self.assertEqual(item.SetValue(dbus.Int32(1)), 0)
        self.assertEqual(self.write(path, dbus.Int32(2)), -1)
        platform.release_name("com.victronenergy.platform")
        self.assertEqual(item.SetValue(dbus.Int32(2)), -1)

    def test_defaults(self):
        self.add({"path": "/Settings/Devices/a/ClassAndVrmInstance", "default": "battery:1"})
        self.write("/Settings/I", dbus.Int32(5))
        self.assertEqual(self.call("/Settings/I", BUS_ITEM, "SetDefault"), "i 0")
        self.assertEqual(self.setting("/Settings/I"), 0)
        self.write("/Settings/I", dbus.Int32(5))
        self.write("/Settings/S", "x")
        self.write("/Settings/Devices/a/ClassAndVrmInstance", "battery:9")
        self.assertEqual(self.call("/Settings", BUS_ITEM, "SetDefault"), "i 0")
        self.assertEqual(self.items(SETTINGS), {"/Settings/I": 0, "/Settings/F": 0.0, "/Settings/S": "",
                                                "/Settings/Devices/a/ClassAndVrmInstance": "battery:9"})
        with self.assertRaises(dbus.DBusException):
            self.item(SETTINGS, "/Settings/Devices/a/ClassAndVrmInstance").SetDefault()


class TestSignals(SettingsTestCase):
    def test_creation_attributes_values_and_removal(self):
        log = self.log()
        entry = {"path": "/Settings/Rng", "default": dbus.Int32(1)}
        self.add(entry)
        self.sync()
        self.assertEqual(log.signals, [("PropertiesChanged", "/Settings/Rng",
                                        {"Value": 1, "Text": "1", "Default": 1, "Min": 0, "Max": 0})])
        log.clear()
        self.assertEqual(self.add(entry, entry), [0, 0])
        self.sync()
        self.assertEqual(log.signals, [], "equal attributes: no signal")

        self.write("/Settings/Rng", dbus.Int32(9))
        self.write("/Settings/Rng", dbus.Int32(9))
        self.sync()
        self.assertEqual(log.signals, [("PropertiesChanged", "/Settings/Rng", {"Value": 9, "Text": "9"})])
        log.clear()

        self.add(dict(entry, min=dbus.Int32(0), max=dbus.Int32(3)))
        self.sync()
        self.assertEqual(log.signals, [("PropertiesChanged", "/Settings/Rng",
                                        {"Value": 9, "Text": "9", "Default": 1, "Min": 0, "Max": 3})])
        log.clear()

        self.assertEqual(self.call("/Settings", SETTINGS_INTERFACE, "RemoveSettings", "as", "2", "Rng", "Nope"),
                         "ai 2 0 -1")
        self.sync()
        self.assertEqual(log.signals, [("PropertiesChanged", "/Settings/Rng", {"Value": NONE, "Text": ""})])

    def test_strings_have_no_limits(self):
        log = self.log()
        self.add({"path": "/Settings/S", "default": "abc"})
        self.sync()
        self.assertEqual(log.signals, [("PropertiesChanged", "/Settings/S",
                                        {"Value": "abc", "Text": "abc", "Default": "abc"})])

    def test_the_signal_is_before_the_reply(self):
        self.add({"path": "/Settings/I", "default": dbus.Int32(0)})
        order = []
        self.bus.add_signal_receiver(lambda body: order.append("signal"), "PropertiesChanged", BUS_ITEM)
        self.sync()
        self.bus.call_async(SETTINGS, "/Settings/I", BUS_ITEM, "SetValue", "v", (dbus.Int32(5),),
                            lambda code: order.append("reply"), lambda error: order.append(str(error)))
        wait_until(lambda: len(order) == 2, "signal and reply")
        self.assertEqual(order, ["signal", "reply"])

    def test_groups_come_and_go(self):
        self.add({"path": "/Settings/A/B/C", "default": dbus.Int32(0)})
        self.assertEqual(self.call("/Settings/A/B", BUS_ITEM, "GetValue"), 'v a{sv} 1 "C" i 0')
        self.call("/Settings/A", SETTINGS_INTERFACE, "RemoveSettings", "as", "1", "B/C")
        for gone in ("/Settings/A", "/Settings/A/B", "/Settings/A/B/C"):
            with self.assertRaises(dbus.DBusException) as caught:
                self.item(SETTINGS, gone).GetValue()
            self.assertEqual(caught.exception.get_dbus_name(), "org.freedesktop.DBus.Error.UnknownObject")
        self.assertEqual(self.call("/Settings", BUS_ITEM, "GetValue"), "v a{sv} 0")
        self.assertEqual(self.call("/Settings/Devices", BUS_ITEM, "GetValue"), "v a{sv} 0")


class TestInstances(SettingsTestCase):
    def add_device(self, name, wanted):
        return self.call("/", SETTINGS_INTERFACE, "AddSettings", "aa{sv}", "1", "4",
                         "path", "s", f"/Settings/Devices/{name}/ClassAndVrmInstance", "default", "s", wanted,
                         "min", "s", "", "max", "s", "")

    def instance(self, name):
        return self.setting(f"/Settings/Devices/{name}/ClassAndVrmInstance")

    def ask(self, name, wanted):
        return self.write(f"/Settings/Devices/{name}/ClassAndVrmInstance", wanted)

    def test_as_measured(self):
        self.assertEqual(
            self.add_device("bms_AB12", "battery:1"),
            'aa{sv} 1 3 "path" s "/Settings/Devices/bms_AB12/ClassAndVrmInstance" "error" i 0 "value" s "battery:1"')
        self.assertEqual(
            self.add_device("bms_AB13", "battery:1"),
            'aa{sv} 1 3 "path" s "/Settings/Devices/bms_AB13/ClassAndVrmInstance" "error" i 0 "value" s "battery:2"')
        self.assertEqual(
            self.call("/Settings/Devices", SETTINGS_INTERFACE, "AddSetting", "ssvsvv", "bms_AB14",
                      "ClassAndVrmInstance", "s", "battery:1", "s", "s", "", "s", ""), "i 0")
        self.assertEqual(self.instance("bms_AB14"), "battery:3")
        log = self.log()
        self.assertEqual(self.ask("bms_AB14", "battery:2"), 0, "2 is taken, 3 is its own")
        self.assertEqual(self.instance("bms_AB14"), "battery:3")
        self.sync()
        self.assertEqual(log.signals, [])

    def test_a_user_may_change_number_and_class(self):
        for name in ("a", "b", "c"):
            self.add_device(name, "battery:1")
        self.assertEqual(self.ask("a", "battery:2"), 0)
        self.assertEqual(self.instance("a"), "battery:4")
        self.assertEqual(self.ask("a", "tank:2"), 0)
        self.assertEqual(self.instance("a"), "tank:2")
        self.assertEqual(self.ask("a", "battery:007"), 0)
        self.assertEqual(self.instance("a"), "battery:7")
        self.assertEqual(self.ask("a", "battery:-1"), 0)
        self.assertEqual(self.instance("a"), "battery:-1")
        for wrong in ("battery", "battery:3.5", "battery:", ":1", dbus.Int32(5)):
            self.assertEqual(self.ask("a", wrong), -1)
        self.assertEqual(self.instance("a"), "battery:-1")

    def test_the_value_is_kept_when_added_again(self):
        self.add_device("a", "battery:1")
        self.ask("a", "battery:5")
        self.assertIn('"value" s "battery:5"', self.add_device("a", "battery:9"))
        self.assertEqual(self.call("/Settings/Devices/a/ClassAndVrmInstance", BUS_ITEM, "GetDefault"),
                         'v s "battery:9"')


class TestFile(SettingsTestCase):
    def test_written_as_localsettings_does(self):
        self.add({"path": "/Settings/Devices/bms_AB12/ClassAndVrmInstance", "default": "battery:1"},
                 {"path": "/Settings/Rng", "default": dbus.Int32(1)},
                 {"path": "/Settings/3rd/Key", "default": "a <&"})
        self.write("/Settings/Rng", dbus.Int32(9))
        self.add({"path": "/Settings/Rng", "default": dbus.Int32(1), "min": dbus.Int32(0), "max": dbus.Int32(3)})
        self.assertEqual(self.settings.terminate(), 0)
        with open(self.file()) as text:
            self.assertEqual(text.read(), """<?xml version='1.0' encoding='UTF-8'?>
<Settings version="19" unique-id="">
  <Devices>
    <bms_AB12>
      <ClassAndVrmInstance type="s" default="battery:1" silent="False">battery:1</ClassAndVrmInstance>
    </bms_AB12>
  </Devices>
  <Rng type="i" min="0" max="3" default="1" silent="False">9</Rng>
  <_3rd>
    <Key type="s" default="a &lt;&amp;" silent="False">a &lt;&amp;</Key>
  </_3rd>
</Settings>
""")

    def test_saved_two_seconds_after_the_first_change(self):
        # Silent, because nobody reads so much log.
        self.add({"path": "/Settings/A", "default": dbus.Int32(0), "silent": True})
        self.assertEqual(self.saved(), {})
        count = [0]

        def keep_changing():
            # Later changes do not put the saving off.
            count[0] += 1
            self.write("/Settings/A", dbus.Int32(count[0]))
            return self.saved().get("/Settings/A")
        wait_until(keep_changing, "the settings to be saved", deadline=15)
        self.assertFalse(os.path.exists(self.file("settings.xml.new")))
        self.assertEqual(os.stat(self.file()).st_mode & 0o777, 0o600)

    def test_everything_is_there_after_a_restart(self):
        self.add({"path": "/Settings/I", "default": dbus.Int32(1), "min": dbus.Int32(0), "max": dbus.Int32(9),
                  "silent": True},
                 {"path": "/Settings/F", "default": dbus.Double(0.1)},
                 {"path": "/Settings/G/S", "default": "grün\n <b>"})
        self.write("/Settings/I", dbus.Int32(5))
        before = self.item(SETTINGS, "/").GetItems()
        self.assertEqual(self.settings.terminate(), 0)
        self.start_settings()
        self.assertEqual(self.item(SETTINGS, "/").GetItems(), before)
        self.assertEqual(self.call("/Settings/I", SETTINGS_INTERFACE, "GetAttributes"), "vvvi i 1 i 0 i 9 1")
        log = self.log()
        self.add({"path": "/Settings/I", "default": dbus.Int32(1), "min": dbus.Int32(0), "max": dbus.Int32(9),
                  "silent": True})
        self.sync()
        self.assertEqual(log.signals, [], "read back with equal attributes")

    def test_interrupt_saves_too(self):
        self.add({"path": "/Settings/A", "default": dbus.Int32(7)})
        self.settings.process.send_signal(2)
        self.assertEqual(self.settings.wait_exit(), 0)
        self.assertEqual(self.saved(), {"/Settings/A": ("i", "7")})

    def test_killed_while_saving_leaves_a_whole_file(self):
        """Whenever it is killed, the file is the old one or the new one, never half of one."""
        values = [f"value {n} " + "x" * 20000 for n in range(3)]
        self.add({"path": "/Settings/A", "default": values[0]})
        for delay in range(20):
            self.write("/Settings/A", values[delay % 3])
            # A termination saves at once; the kill comes a little later each time.
            self.settings.process.terminate()
            try:
                self.settings.process.wait(timeout=delay * 0.0003)
            except subprocess.TimeoutExpired:
                pass
            self.settings.kill()
            if os.path.exists(self.file()):
                self.assertIn(self.saved()["/Settings/A"], [("s", value) for value in values])
            self.start_settings()
            self.add({"path": "/Settings/A", "default": values[0]})

    def test_a_broken_file_is_kept_aside(self):
        self.settings.terminate()
        with open(self.file(), "w") as broken:
            broken.write("<Settings><A type=")
        settings = self.start_settings()
        settings.wait_line("broken")
        self.assertEqual(self.items(SETTINGS), {})
        with open(self.file("settings.xml.broken")) as kept:
            self.assertEqual(kept.read(), "<Settings><A type=")
        self.assertEqual(self.add({"path": "/Settings/A", "default": dbus.Int32(7)}), [0])

    def test_a_file_of_a_gx_is_read(self):
        self.settings.terminate()
        with open(self.file(), "w") as out:
            out.write("""<?xml version='1.0' encoding='UTF-8'?>
<Settings version="23" unique-id="c0619ab12345">
  <Canbus><can0><Profile type="i" min="0" max="10" default="0" silent="False">1</Profile></can0></Canbus>
  <System>
    <LogLevel type="s" default="DEBUG" silent="False">INFO</LogLevel>
    <_3G type="f" default="0.0">1.5</_3G>
    <Bad type="i" default="4">x</Bad>
  </System>
</Settings>
""")
        settings = self.start_settings()
        settings.wait_line("/Settings/System/Bad")
        self.assertEqual(self.items(SETTINGS), {"/Settings/Canbus/can0/Profile": 1, "/Settings/System/LogLevel": "INFO",
                                                "/Settings/System/3G": 1.5, "/Settings/System/Bad": 4})
        self.write("/Settings/System/LogLevel", "ERROR")
        self.settings.terminate()
        root = ElementTree.parse(self.file()).getroot()
        self.assertEqual(root.attrib, {"version": "23", "unique-id": "c0619ab12345"})
        self.assertEqual(root.find("System/_3G").text, "1.5")

    def test_an_import_is_taken_over(self):
        self.add({"path": "/Settings/A", "default": dbus.Int32(7)})
        self.settings.terminate()
        with open(self.file("settings.xml.import"), "w") as out:
            out.write('<Settings version="19" unique-id=""><B type="i">8</B></Settings>')
        self.start_settings()
        self.assertEqual(self.items(SETTINGS), {"/Settings/B": 8})
        self.assertFalse(os.path.exists(self.file("settings.xml.import")))
        self.settings.kill()
        self.start_settings()
        self.assertEqual(self.items(SETTINGS), {"/Settings/B": 8})

    def test_presets(self):
        self.settings.terminate()
        presets = os.path.join(self.directory, "settings.d")
        os.mkdir(presets)
        with open(os.path.join(presets, "10-gui"), "w") as out:
            out.write('# ours\nGui/Brightness 80 i 0 100\nSystem/Name "a name" s\nGui/Wrong 500 i 0 100\nrubbish\n')
        self.settings = self.start("velib-settings", "--path", self.directory, "--presets", presets)
        self.wait_name(SETTINGS)
        self.settings.wait_line("line 5")
        self.settings.wait_line("/Settings/Gui/Wrong")
        self.assertEqual(self.items(SETTINGS), {"/Settings/Gui/Brightness": 80, "/Settings/System/Name": "a name"})
        self.write("/Settings/Gui/Brightness", dbus.Int32(50))
        self.settings.terminate()
        self.settings = self.start("velib-settings", "--path", self.directory, "--presets", presets)
        self.wait_name(SETTINGS)
        self.assertEqual(self.setting("/Settings/Gui/Brightness"), 50)

    def test_a_directory_that_cannot_be_used(self):
        with open(self.file("file"), "w"):
            pass
        program = self.start("velib-settings", "--path", self.file("file"))
        self.assertEqual(program.wait_exit(), 1)
        self.assertIn("file", program.output)

    def test_a_second_service_gives_up(self):
        second = self.start("velib-settings", "--path", self.directory)
        self.assertEqual(second.wait_exit(), 1)
        self.assertIn("com.victronenergy.settings", second.output)
        self.assertTrue(self.settings.running)

    def test_a_full_disk_is_said_and_outlived(self):
        self.settings.terminate()
        self.settings = self.start("velib-settings", "--path", self.directory)
        self.wait_name(SETTINGS)
        os.mkdir(self.file("settings.xml.new"))  # as good as a disk that takes no file
        self.add({"path": "/Settings/A", "default": dbus.Int32(7)})
        self.settings.wait_line("not saved")
        self.assertEqual(self.setting("/Settings/A"), 7)
        os.rmdir(self.file("settings.xml.new"))
        self.assertEqual(self.settings.terminate(), 0)
        self.assertEqual(self.saved(), {"/Settings/A": ("i", "7")})


class TestWithDevices(SettingsTestCase):
    """The statements of the compatibility checklist that a driver and the settings service fulfil together."""

    DEVICE = "com.victronenergy.battery.test"
    SETTING = "/Settings/Devices/test_1/"

    def start_device(self):
        self.device = self.start("velib-test-service", stdin=True)
        self.device.wait_line("ready")

    def test_38_the_custom_name_survives_a_restart(self):
        self.start_device()
        self.assertEqual(self.value(self.DEVICE, "/CustomName"), "")
        self.assertEqual(self.set_value(self.DEVICE, "/CustomName", "Bank A"), 0)
        self.wait_value(SETTINGS, self.SETTING + "CustomName", "Bank A")
        self.wait_value(self.DEVICE, "/CustomName", "Bank A")
        self.device.terminate()
        self.settings.terminate()
        self.start_settings()
        self.start_device()
        self.assertEqual(self.value(self.DEVICE, "/CustomName"), "Bank A")

    def test_39_the_instance_is_the_one_that_was_given(self):
        self.add({"path": "/Settings/Devices/other/ClassAndVrmInstance", "default": "battery:1"})
        self.start_device()
        self.assertEqual(self.setting(self.SETTING + "ClassAndVrmInstance"), "battery:2")
        self.assertEqual(self.value(self.DEVICE, "/DeviceInstance"), 2)

    def test_40_a_driver_waits_for_the_settings(self):
        self.settings.terminate()
        self.wait_no_name(SETTINGS)
        self.device = self.start("velib-test-service", stdin=True)
        self.device.wait_line("waiting for com.victronenergy.settings")
        self.assertFalse(self.has_name(self.DEVICE))
        self.start_settings()
        self.device.wait_line("ready")
        self.assertEqual(self.value(self.DEVICE, "/DeviceInstance"), 1)

    def test_41_a_changed_instance_makes_the_service_come_back(self):
        self.start_device()
        owner = self.bus.get_name_owner(self.DEVICE)
        self.set_setting(self.SETTING + "ClassAndVrmInstance", "battery:9")
        self.wait_no_name(owner)
        self.wait_name(self.DEVICE)
        self.assertEqual(self.value(self.DEVICE, "/DeviceInstance"), 9)
        self.assertFalse(self.has_name(owner))

    def test_50_the_stand_in(self):
        log = self.log()
        entry = {"path": "/Settings/X", "default": dbus.Int32(1)}
        self.assertEqual(self.add(entry) + self.add(entry), [0, 0])
        self.sync()
        self.assertEqual(len(log.signals), 1)
        self.assertEqual(self.add({"path": "/Settings/X", "default": dbus.Double(1)}), [-5])
        with self.assertRaises(dbus.DBusException):
            self.add({"path": "/Settings/X/Y", "default": dbus.Int32(1)})


if __name__ == "__main__":
    main()
