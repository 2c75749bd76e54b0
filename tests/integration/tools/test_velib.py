"""The command line tool: the outputs of the `dbus` tool of a GX, the errors, the live view."""

import fcntl
import json
import os
import pprint
import pty
import re
import signal
import struct
import subprocess
import termios

import dbus
import dbus.service

from venus_testing import BIN, BUS_ITEM, SETTINGS, VenusTestCase, main, wait_until

DEVICE = "com.victronenergy.battery.test"


def plain(value):
    """A dbus-python value as Python's own, as the `dbus` tool converts before it prints."""
    if isinstance(value, tuple):
        return tuple(plain(v) for v in value)
    if isinstance(value, (dbus.Array, bytes)):
        return [plain(v) for v in value]
    if isinstance(value, dbus.Dictionary):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, float):
        return float(value)
    if isinstance(value, (dbus.Boolean, bool)):
        return bool(value)
    if isinstance(value, str):
        return str(value)
    return int(value)


class Exotic(dbus.service.Object):
    """What no service of a GX has, but any may have one day. Results have names, as those of Qt services do."""

    VALUE = dbus.Dictionary({
        "bytes": dbus.ByteArray(b"\x00\x01\xff"), "bool": True, "deep": dbus.Dictionary(
            {"list": dbus.Array([dbus.Int64(1 << 40), dbus.Int64(2)]), "quotes": "it's", "back": "a\\b\n",
             "unicode": "grün ☀", "double": 1e-7, "whole": 3.0, "struct": dbus.Struct((1, "two", False)),
             "long": "a text that does not fit into what is left of the line, so that it is broken into pieces",
             "unsigned": dbus.UInt64(18446744073709551615)}, signature="sv"),
        "empty": dbus.Array([], signature="i"), "variants": dbus.Array([1, "x", 2.5], signature="v")},
        signature="sv")

    @dbus.service.method(BUS_ITEM, out_signature="v")
    def GetValue(self):
        return self.VALUE

    @dbus.service.method("test.Exotic", in_signature="ybnqiuxtdsoga{sv}(is)ab", out_signature="s")
    def Take(self, y, b, n, q, i, u, x, t, d, s, o, g, entries, structure, flags):
        return repr([plain(a) for a in (y, b, n, q, i, u, x, t, d, s, o, g, entries, structure, flags)])

    @dbus.service.method("test.Exotic", in_signature="v", out_signature="s")
    def SignatureOf(self, value):
        def signature(v):
            if isinstance(v, dbus.Array):
                return "a" + (str(v.signature) if v.signature else signature(v[0]) if v else "?")
            if isinstance(v, dbus.Dictionary):
                return "a{" + str(v.signature) + "}"
            if isinstance(v, dbus.Struct):
                return "(" + "".join(signature(x) for x in v) + ")"
            return {dbus.Int32: "i", dbus.Int64: "x", dbus.UInt64: "t", dbus.Double: "d", dbus.Boolean: "b",
                    dbus.String: "s"}[type(v)]
        return signature(value)

    @dbus.service.method("test.Exotic", out_signature="")
    def Nothing(self):
        pass

    @dbus.service.method("test.Exotic", out_signature="is")
    def Two(self):
        return 5, "five"

    @dbus.service.method("test.Exotic", out_signature="s")
    def Fail(self):
        raise dbus.DBusException("it is broken", name="test.Exotic.Broken")


class VelibTestCase(VenusTestCase):
    def run_velib(self, *arguments, **env):
        """Runs velib while the loop of the test serves its own objects; (stdout, stderr, exit code)."""
        process = subprocess.Popen([os.path.join(BIN, "velib"), *arguments], env=self.environment(**env),
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        out, err = b"", b""
        for stream in (process.stdout, process.stderr):
            os.set_blocking(stream.fileno(), False)

        def ended():
            nonlocal out, err
            done = process.poll() is not None
            out += process.stdout.read() or b""
            err += process.stderr.read() or b""
            return done
        wait_until(ended, f"velib {' '.join(arguments)} to end")
        process.stdout.close()
        process.stderr.close()
        return out.decode(), err.decode(), process.returncode

    def prints(self, expected, *arguments):
        self.assertEqual(self.run_velib(*arguments), (expected + "\n", "", 0))

    def fails(self, expected, *arguments, out="", code=1):
        """One line on stderr that matches, and a non-zero exit."""
        said, error, returned = self.run_velib(*arguments)
        self.assertRegex(error, "^velib: " + expected + "\n$")
        self.assertEqual((said, returned), (out, code))

    def start_device(self):
        self.device = self.start("velib-test-service", stdin=True)
        self.device.wait_line("ready")


class TestCalls(VelibTestCase):
    def setUp(self):
        super().setUp()
        self.start_device()

    def test_names(self):
        self.prints("com.victronenergy.battery.test\ncom.victronenergy.settings\norg.freedesktop.DBus")

    def test_objects(self):
        out, _, code = self.run_velib(SETTINGS)
        self.assertEqual(code, 0)
        self.assertEqual(out.splitlines(), [
            "/", "/Settings", "/Settings/Devices", "/Settings/Devices/test_1",
            "/Settings/Devices/test_1/ClassAndVrmInstance", "/Settings/Devices/test_1/CustomName"])
        paths = self.run_velib(DEVICE)[0].splitlines()
        leaves = {path for path in paths if not any(other.startswith(path.rstrip("/") + "/") for other in paths)}
        self.assertEqual(leaves, set(self.items(DEVICE)))

    def test_methods(self):
        out, _, code = self.run_velib(DEVICE, "/Soc")
        self.assertEqual(code, 0)
        self.assertIn("Interface com.victronenergy.BusItem:\n Variant GetValue()\n String GetText()\n "
                      "Int32 SetValue(Variant)\n\n", out)
        out = self.run_velib(SETTINGS, "/Settings")[0]
        self.assertIn(" Int32 AddSetting(String, String, Variant, String, Variant, Variant)\n", out)
        self.assertIn(" Dictionary {String, Variant}[] AddSettings(Dictionary {String, Variant}[])\n", out)

    def test_reading(self):
        self.prints("55.5", DEVICE, "/Soc", "GetValue")
        self.prints("'55.5%'", DEVICE, "/Soc", "GetText")
        self.prints("5", DEVICE, "/Int", "GetValue")
        self.prints("'abc'", DEVICE, "/Text", "GetValue")
        self.prints("[]", DEVICE, "/Dc/0/Voltage", "GetValue")
        self.prints("'---'", DEVICE, "/Dc/0/Voltage", "GetText")
        self.prints("{'0/Current': 8.2, '0/Voltage': []}", DEVICE, "/Dc", "GetValue")
        self.prints("{'0/Current': '8.2A', '0/Voltage': '---'}", DEVICE, "/Dc", "GetText")
        self.prints("[1, 2]", DEVICE, "/Numbers", "GetValue")
        self.prints("1099511627776", DEVICE, "/Large", "GetValue")

    def test_a_method_with_its_interface(self):
        self.prints("55.5", DEVICE, "/Soc", "com.victronenergy.BusItem.GetValue")
        self.fails(".*/Soc has no method org.other.GetValue; it has: .*GetValue.*",
                   DEVICE, "/Soc", "org.other.GetValue")

    def test_writing(self):
        self.prints("0", DEVICE, "/Int", "SetValue", "%7")
        self.prints("7", DEVICE, "/Int", "GetValue")
        self.prints("0", DEVICE, "/Int", "SetValue", "8")
        self.prints("8", DEVICE, "/Int", "GetValue")
        self.prints("0", DEVICE, "/Int", "SetValue", "-9")
        self.prints("-9", DEVICE, "/Int", "GetValue")
        self.prints("0", DEVICE, "/Text", "SetValue", "hello")
        self.prints("'hello'", DEVICE, "/Text", "GetValue")
        self.prints("0", DEVICE, "/Text", "SetValue", "5")
        self.prints("'5'", DEVICE, "/Text", "GetValue")
        self.prints("0", DEVICE, "/Text", "SetValue", "%%5")
        self.prints("'%5'", DEVICE, "/Text", "GetValue")
        self.prints("0", DEVICE, "/Text", "SetValue", "%'x y'")
        self.prints("'x y'", DEVICE, "/Text", "GetValue")
        for nothing in ("%[]", "%None"):
            self.prints("0", DEVICE, "/Nullable", "SetValue", "%4")
            self.prints("0", DEVICE, "/Nullable", "SetValue", nothing)
            self.prints("[]", DEVICE, "/Nullable", "GetValue")

    def test_settings(self):
        self.prints("0", SETTINGS, "/Settings/Devices", "AddSetting", "dev1", "ClassAndVrmInstance", "battery:1", "s",
                    "", "")
        self.prints("'battery:2'", SETTINGS, "/Settings/Devices/dev1/ClassAndVrmInstance", "GetValue")
        self.prints("[{'error': 0, 'path': '/Settings/X/Y', 'value': 5}]", SETTINGS, "/", "AddSettings",
                    '%[{"path":"/Settings/X/Y","default":5}]')
        self.prints("0", SETTINGS, "/Settings/X/Y", "SetValue", "%6")
        self.prints("0", SETTINGS, "/Settings/X/Y", "SetDefault")
        self.prints("5", SETTINGS, "/Settings/X/Y", "GetValue")
        self.fails("there is no setting 'Z' to remove", SETTINGS, "/Settings/X", "RemoveSettings", "%['Y', 'Z']",
                   out="[0, -1]\n")

    def test_the_tree_prints_as_pprint_does(self):
        for service, path in ((SETTINGS, "/"), (DEVICE, "/")):
            expected = pprint.pformat(plain(self.item(service, path).GetItems()))
            self.assertEqual(self.run_velib(service, path, "GetItems")[0], expected + "\n")
            expected = pprint.pformat(plain(self.item(service, path).GetValue()))
            self.assertEqual(self.run_velib(service, path, "GetValue")[0], expected + "\n")

    def test_json(self):
        self.prints("55.5", DEVICE, "/Soc", "GetValue", "--json")
        self.prints("null", "--json", DEVICE, "/Dc/0/Voltage", "GetValue")
        self.prints('{"0/Current":8.2,"0/Voltage":null}', DEVICE, "/Dc", "GetValue", "--json")
        self.prints('["grid","pvinverter"]', DEVICE, "/Texts", "GetValue", "--json")
        items = json.loads(self.run_velib(DEVICE, "/", "GetItems", "--json")[0])
        self.assertEqual(items["/Soc"], {"Value": 55.5, "Text": "55.5%"})
        self.assertEqual(json.loads(self.run_velib("--json")[0]),
                         ["com.victronenergy.battery.test", "com.victronenergy.settings", "org.freedesktop.DBus"])
        self.assertIn("/Dc/0", json.loads(self.run_velib(DEVICE, "--json")[0]))
        self.assertEqual(json.loads(self.run_velib(DEVICE, "/Soc", "--json")[0])[BUS_ITEM]["SetValue"],
                         {"in": ["v"], "out": ["i"]})


class TestErrors(VelibTestCase):
    def setUp(self):
        super().setUp()
        self.start_device()

    def test_wrong_service(self):
        self.fails("there is no service com.victronenergy.nope on the bus", "com.victronenergy.nope", "/", "GetValue")
        self.fails("there is no service com.victronenergy.nope on the bus", "com.victronenergy.nope")
        self.fails("'com..nope' is not a service name", "com..nope", "/", "GetValue")

    def test_wrong_path(self):
        self.fails("com.victronenergy.battery.test has no /Nope", DEVICE, "/Nope", "GetValue")
        self.fails("'Soc' is not an object path.*", DEVICE, "Soc", "GetValue")
        self.fails("'/Soc/' is not an object path.*", DEVICE, "/Soc/")

    def test_wrong_method(self):
        self.fails(".* /Soc has no method GetFoo; it has: .*GetValue, GetText, SetValue", DEVICE, "/Soc", "GetFoo")
        self.fails("SetValue takes 1 argument, 0 given", DEVICE, "/Int", "SetValue")
        self.fails("GetValue takes 0 arguments, 1 given", DEVICE, "/Int", "GetValue", "5")

    def test_wrong_value(self):
        self.fails("/Soc refused with 1: it is read-only.*", DEVICE, "/Soc", "SetValue", "%6", out="1\n")
        self.fails("/Int refused with 1: .*type", DEVICE, "/Int", "SetValue", "hello", out="1\n")
        self.fails("/Limited refused with 2: .*range.*", DEVICE, "/Limited", "SetValue", "%99", out="2\n")
        self.fails("argument '%\\[1,': expected .* at character 4, found the end", DEVICE, "/Int", "SetValue", "%[1,")
        self.fails("argument '%five': expected .*", DEVICE, "/Int", "SetValue", "%five")
        self.fails("argument 1 of RemoveSettings: 'Y' is not a list", SETTINGS, "/Settings", "RemoveSettings", "Y")
        self.fails("/Settings refused with -3: the type must be i, f or s", SETTINGS, "/Settings", "AddSetting", "A",
                   "B", "%5", "z", "%0", "%0", out="-3\n")
        self.fails("/Settings/_A refused with -2: .*", SETTINGS, "/", "AddSettings",
                   '%[{"path": "/Settings/_A", "default": 5}]', out="[{'error': -2, 'path': '/Settings/_A'}]\n")
        self.assertEqual(self.value(DEVICE, "/Int"), 5)

    def test_wrong_command_line(self):
        for wrong in (("--nonsense",), ("watch", "--nonsense"), ("watch", "a", "nonsense")):
            out, error, code = self.run_velib(*wrong)
            self.assertEqual((out, code), ("", 2))
            self.assertIn("nonsense", error)
        self.fails("'nonsense' is not a service name", "nonsense")

    def test_no_bus(self):
        out, error, code = self.run_velib(DBUS_SESSION_BUS_ADDRESS="unix:path=" + self.directory + "/nope")
        self.assertEqual((out, code), ("", 1))
        self.assertRegex(error, "^velib: cannot connect to the session bus: .*\n$")

    def test_which_bus(self):
        """-y is the system bus, here another one; --session and --dbus lead back."""
        environment = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=" + self.directory + "/nope"}
        for option in ("-y", "--system"):
            error = self.run_velib(option, **environment)[1]
            self.assertIn("cannot connect to the system bus", error)
        self.assertEqual(self.run_velib("--session", DEVICE, "/Soc", "GetValue", **environment)[0], "55.5\n")
        self.assertEqual(self.run_velib("--dbus", self.bus_address, DEVICE, "/Soc", "GetValue",
                                        DBUS_SESSION_BUS_ADDRESS="unix:path=/nope")[0], "55.5\n")

    def test_a_service_that_hangs_does_not_hide_the_others(self):
        self.device.process.send_signal(signal.SIGSTOP)
        out, _, code = self.run_velib("list")
        self.device.process.send_signal(signal.SIGCONT)
        self.assertEqual(code, 0)
        self.assertRegex(out, r"com\.victronenergy\.battery\.test +- +- +- +no answer\n"
                              r"com\.victronenergy\.settings +- +- +- +2\n")


class TestExotic(VelibTestCase):
    with_settings = False

    def setUp(self):
        super().setUp()
        self.bus.request_name("test.exotic")
        self.exotic = Exotic(self.bus, "/It")
        self.addCleanup(self.exotic.remove_from_connection)

    def test_every_kind_of_value_prints_as_pprint_does(self):
        out, _, code = self.run_velib("test.exotic", "/It", "GetValue")
        self.assertEqual(code, 0)
        self.assertEqual(out, pprint.pformat(plain(Exotic.VALUE)) + "\n")
        value = json.loads(self.run_velib("test.exotic", "/It", "GetValue", "--json")[0])
        self.assertEqual(value["bytes"], [0, 1, 255])
        self.assertIsNone(value["empty"])
        self.assertEqual(value["deep"]["unsigned"], 18446744073709551615)

    def test_every_type_of_argument(self):
        arguments = ["%255", "%True", "%-5", "%5", "6", "%7", "%1099511627776", "%18446744073709551615", "2.5", "text",
                     "/a/path", "a{sv}", "%{'k': [1, {'n': 'm'}]}", "%(1, 'x')", "%[True, False]"]
        out, error, code = self.run_velib("test.exotic", "/It", "Take", *arguments)
        self.assertEqual((error, code), ("", 0))
        self.assertEqual(eval(eval(out)), [255, True, -5, 5, 6, 7, 1099511627776, 18446744073709551615, 2.5, "text",
                                           "/a/path", "a{sv}", {"k": [1, {"n": "m"}]}, (1, "x"), [True, False]])
        for place, wrong in ((0, "%256"), (1, "maybe"), (2, "%40000"), (3, "%-1"), (4, "six"), (5, "%-1"), (8, "x"),
                             (9, "%5"), (10, "no path"), (11, "a{"), (12, "%5"), (13, "%(1,)"), (14, "%[['x']]")):
            with self.subTest(place=place, wrong=wrong):
                changed = arguments[:place] + [wrong] + arguments[place + 1:]
                self.fails(f"argument {place + 1} of Take: .*", "test.exotic", "/It", "Take", *changed)

    def test_types_in_variants(self):
        for literal, signature in (("%5", "i"), ("%1099511627776", "x"), ("%2.5", "d"), ("%True", "b"), ("text", "s"),
                                   ("%[1, 2]", "ai"), ("%[1, 2.5]", "ad"), ("%[1, 1099511627776]", "ax"),
                                   ("%['a']", "as"), ("%[1, 'a']", "av"), ("%{'a': 1}", "a{si}"),
                                   ("%{'a': 1, 'b': 'c'}", "a{sv}"), ("%(1, 'a')", "(is)"), ("%[]", "ai"),
                                   ("%None", "ai")):
            with self.subTest(literal=literal):
                self.prints(f"'{signature}'", "test.exotic", "/It", "SignatureOf", literal)

    def test_results_and_errors(self):
        self.assertEqual(self.run_velib("test.exotic", "/It", "Nothing"), ("", "", 0))
        self.prints("5\n'five'", "test.exotic", "/It", "Two")
        self.prints('[5,"five"]', "test.exotic", "/It", "Two", "--json")
        self.fails(r"test.exotic /It Fail: it is broken \(test.Exotic.Broken\)", "test.exotic", "/It", "Fail")


class TestList(VelibTestCase):
    def test_list(self):
        self.start_device()
        self.set_value(DEVICE, "/CustomName", "Bank A")
        self.wait_value(DEVICE, "/CustomName", "Bank A")
        items = len(self.items(DEVICE))
        self.prints("com.victronenergy.battery.test  1  Bank A  0  %d\n"
                    "com.victronenergy.settings      -  -       -  2" % items, "list")
        self.assertEqual(json.loads(self.run_velib("list", "--json")[0]), [
            {"service": DEVICE, "instance": 1, "name": "Bank A", "connected": 0, "items": items},
            {"service": SETTINGS, "instance": None, "name": None, "connected": None, "items": 2}])


class TestWatch(VelibTestCase):
    def setUp(self):
        super().setUp()
        self.start_device()

    def test_once(self):
        out, error, code = self.run_velib("watch", "--once")
        self.assertEqual((error, code), ("", 0))
        lines = [line.split() for line in out.splitlines()]
        self.assertIn([DEVICE, "/Soc", "55.5", "55.5%"], lines)
        self.assertIn([DEVICE, "/Dc/0/Voltage", "--", "---"], lines)
        self.assertIn([SETTINGS, "/Settings/Devices/test_1/ClassAndVrmInstance", "battery:1", "battery:1"], lines)
        self.assertEqual(len(lines), len(self.items(DEVICE)) + len(self.items(SETTINGS)))

    def test_once_in_json(self):
        tree = json.loads(self.run_velib("watch", "--once", "--json", "battery")[0])
        self.assertEqual(set(tree), {DEVICE})
        self.assertEqual(tree[DEVICE]["/Soc"], {"value": 55.5, "text": "55.5%"})
        self.assertEqual(tree[DEVICE]["/Dc/0/Voltage"], {"value": None, "text": "---"})
        self.assertEqual(tree[DEVICE]["/Numbers"]["value"], [1, 2])

    def test_a_service_that_is_not_there(self):
        self.fails("there is no service com.victronenergy.grid on the bus", "watch", "--once", "grid")
        self.fails("'soon' is not a duration .*", "watch", "--for", "soon")
        missing = "there is no service com.victronenergy.grid on the bus"
        self.fails(missing, "watch", "--for", "0.3s", "grid", out="\n")
        self.fails(missing, "watch", "--json", "--for", "0.3s", "grid")
        self.assertEqual(self.run_velib("watch", "--for", "0.3s", "battery")[1:], ("", 0))
        waiting = self.start("velib", "watch", "grid")
        waiting.wait_line(missing + " yet")

    def test_lines_follow_what_happens(self):
        watch = self.start("velib", "watch", "battery")
        watch.wait_line("/Text ")
        self.device.command("batch /Soc=60 /Dc/0/Voltage=12.5")
        watch.wait_line("12.50V")
        self.device.command("leave")
        watch.wait_line(DEVICE + " left")
        self.device.command("join")
        wait_until(lambda: watch.poll_output().count(" appeared") == 2, "the service's return")
        self.device.kill()
        wait_until(lambda: watch.poll_output().count(" left") == 2, "the service's end")
        self.assertEqual(watch.terminate(), 0)
        self.assertIn("/Soc                             60.0           60.0%\n", watch.output)

    def test_lines_of_json(self):
        watch = self.start("velib", "watch", "battery", "--json")
        watch.wait_line('"/Text"')
        self.device.command("batch /Soc=60")
        watch.wait_line("60.0%")
        self.device.kill()
        watch.wait_line('"left"')
        lines = [json.loads(line) for line in watch.poll_output().splitlines()]
        self.assertEqual(lines[0], {"service": DEVICE, "event": "appeared"})
        self.assertEqual(lines[-2:], [{"service": DEVICE, "path": "/Soc", "value": 60.0, "text": "60.0%"},
                                      {"service": DEVICE, "event": "left"}])

    def test_for_a_while(self):
        out, error, code = self.run_velib("watch", "--for", "0.5s", "battery")
        self.assertEqual((error, code), ("", 0))
        live, snapshot = out.split("\n\n")
        self.assertTrue(live.startswith(DEVICE + " appeared\n"))
        self.assertIn("/Soc ", snapshot)

    def test_the_bus_goes(self):
        watch = self.start("velib", "watch")
        watch.wait_line("/Text ")
        self.bus_daemon.kill()
        self.assertEqual(watch.wait_exit(), 1)


class Screen:
    """velib on a terminal of its own; keeps the picture that it draws."""

    def __init__(self, test, *arguments, columns=100, rows=80, **env):
        self.master, slave = pty.openpty()
        self.slave = slave
        self.resize(columns, rows)
        self.before = termios.tcgetattr(slave)
        environment = test.environment(**dict({"TERM": "xterm", "LC_ALL": "C.UTF-8", "NO_COLOR": ""}, **env))
        # A session of its own, with this terminal: keys and Ctrl-C arrive as they do for a person.
        self.process = subprocess.Popen(
            [os.path.join(BIN, "velib"), *arguments], env=environment, stdin=slave, stdout=slave, stderr=slave,
            start_new_session=True, preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.set_blocking(self.master, False)
        self.raw = ""
        test.addCleanup(self.close)

    def resize(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def read(self):
        try:
            while True:
                chunk = os.read(self.master, 65536)
                if not chunk:
                    break
                self.raw += chunk.decode("utf-8", "replace")
        except OSError:
            pass
        return self.raw

    def picture(self):
        """The lines of the last complete frame, without colours."""
        frames = re.findall("\x1b\\[\\?2026h\x1b\\[H(.*?)\x1b\\[J\x1b\\[\\?2026l", self.read(), re.S)
        if not frames:
            return []
        return [re.sub("\x1b\\[[0-9;]*[mK]", "", line) for line in frames[-1].replace("\r", "").split("\n")]

    def wait(self, text):
        wait_until(lambda: any(text in line for line in self.picture()),
                   lambda: f"{text!r} on the screen:\n" + "\n".join(self.picture()))
        return next(line for line in self.picture() if text in line)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def wait_exit(self):
        wait_until(lambda: self.read() is not None and self.process.poll() is not None, "velib to end")
        return self.process.returncode

    def is_restored(self):
        self.read()
        return termios.tcgetattr(self.slave) == self.before and "\x1b[?1049l" in self.raw and "\x1b[?25h" in self.raw

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


class TestScreen(VelibTestCase):
    def setUp(self):
        super().setUp()
        self.start_device()

    def test_values_are_redrawn_in_place(self):
        screen = Screen(self, "watch", "--title", "what this is", columns=110, rows=80)
        screen.wait("/Text")
        self.assertEqual(screen.picture()[0], "what this is")
        self.assertRegex(screen.picture()[1], r"^2 services, \d+ items$")
        self.assertIn("Test battery · instance 1 · not connected", screen.wait(DEVICE))
        self.device.command("batch /Soc=60")
        line = screen.wait("60.0%")
        self.assertEqual(line.split(), ["/Soc", "60.0", "60.0%"])
        self.assertIn("\x1b[1;33m60.0\x1b[0m", screen.read(), "changes stand out")
        wait_until(lambda: "60.0\x1b[0m" not in screen.read().rsplit("\x1b[?2026h", 1)[1], "the highlight's end")
        self.device.command("leave")
        wait_until(lambda: not any(DEVICE in line for line in screen.picture()), "the service's end")
        self.device.command("join")
        screen.wait(DEVICE)
        screen.press("q")
        self.assertEqual(screen.wait_exit(), 0)
        self.assertTrue(screen.is_restored())

    def test_nothing_is_drawn_while_nothing_changes(self):
        screen = Screen(self, "watch")
        screen.wait("/Text")
        self.device.command("batch /Soc=61")
        screen.wait("61.0%")
        wait_until(lambda: "61.0\x1b[0m" not in screen.read().rsplit("\x1b[?2026h", 1)[1], "the highlight's end")
        frames = screen.read().count("\x1b[?2026h")
        self.device.command("batch /Soc=61")  # no change, no signal
        self.assertEqual(self.value(DEVICE, "/Soc"), 61)
        self.assertEqual(screen.read().count("\x1b[?2026h"), frames)

    def test_keys_and_sizes(self):
        screen = Screen(self, "watch", columns=60, rows=12)
        screen.wait("more below")
        self.assertEqual(len(screen.picture()), 12)
        first = screen.picture()[1]
        screen.press("\x1b[6~")
        wait_until(lambda: screen.picture()[1] != first, "the page below")
        screen.press("\x1b[H")
        wait_until(lambda: screen.picture()[1] == first, "the top")
        screen.press("\x1b[F")
        screen.wait("/Settings/Devices/test_1/CustomName"[:20])
        screen.press("\x1b[H")
        screen.press("h")
        screen.wait(f"{len(self.items(DEVICE)) + 5 - 10} more below")
        screen.resize(200, 50)
        screen.process.send_signal(signal.SIGWINCH)
        wait_until(lambda: len(screen.picture()) == 50, "a higher picture")
        self.assertTrue(all(len(line) <= 200 for line in screen.picture()))

    def test_interrupts_give_the_terminal_back(self):
        for how in (lambda s: s.press("\x03"), lambda s: s.process.terminate()):
            screen = Screen(self, "watch")
            screen.wait(DEVICE)
            how(screen)
            self.assertEqual(screen.wait_exit(), 0)
            self.assertTrue(screen.is_restored())

    def test_suspended_and_back(self):
        screen = Screen(self, "watch")
        screen.wait(DEVICE)
        frames = screen.read().count("\x1b[?1049h")
        screen.process.send_signal(signal.SIGTSTP)
        wait_until(lambda: "\x1b[?1049l" in screen.read(), "the terminal to be given back")
        screen.process.send_signal(signal.SIGCONT)
        wait_until(lambda: screen.read().count("\x1b[?1049h") == frames + 1, "the view to come back")
        screen.press("q")
        self.assertEqual(screen.wait_exit(), 0)

    def test_for_a_while_leaves_a_picture(self):
        screen = Screen(self, "watch", "--for", "0.5", columns=100)
        self.assertEqual(screen.wait_exit(), 0)
        after = screen.read().rsplit("\x1b[?1049l", 1)[1]
        self.assertIn("/Soc", after)
        self.assertIn(DEVICE, after)

    def test_a_terminal_without_unicode_and_colours(self):
        screen = Screen(self, "watch", LC_ALL="C", NO_COLOR="1")
        screen.wait(DEVICE)
        self.device.command("batch /Soc=62")
        self.assertTrue(screen.wait("62.0%").startswith("* "))
        drawn = screen.read()
        self.assertTrue(drawn.isascii())
        self.assertNotRegex(drawn, "\x1b\\[[0-9;]*m")

    def test_a_dumb_terminal_gets_lines(self):
        screen = Screen(self, "watch", TERM="dumb")
        wait_until(lambda: DEVICE + " appeared" in screen.read(), "lines")
        self.assertNotIn("\x1b", screen.read())

    def test_the_bus_goes(self):
        screen = Screen(self, "watch")
        screen.wait(DEVICE)
        self.bus_daemon.kill()
        self.assertEqual(screen.wait_exit(), 1)
        self.assertTrue(screen.is_restored())
        self.assertIn("lost the message bus", screen.read())


if __name__ == "__main__":
    main()
