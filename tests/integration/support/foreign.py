"""Clients of the bus that are not ours: python3-dbus message by message, busctl and dbus-send."""

import subprocess
import xml.etree.ElementTree

import dbus
import dbus.bus
import dbus.lowlevel

from venus_testing import BUS_ITEM, wait_until

RETURN = dbus.lowlevel.MESSAGE_TYPE_METHOD_RETURN
ERROR = dbus.lowlevel.MESSAGE_TYPE_ERROR
SIGNAL = dbus.lowlevel.MESSAGE_TYPE_SIGNAL
INTROSPECTABLE = "org.freedesktop.DBus.Introspectable"
NAME_OWNER_CHANGED = "type='signal',sender='org.freedesktop.DBus',member='NameOwnerChanged'"


def body(message):
    """The only argument of a message."""
    arguments = message.get_args_list()
    assert len(arguments) == 1, arguments
    return arguments[0]


class RawClient:
    """A connection whose messages are seen one by one, in the order in which they arrive."""

    def __init__(self, test):
        self.connection = test.connect()
        self.arrived = []
        self.on_message = None
        self.connection.add_message_filter(self._take)

    def _take(self, _connection, message):
        self.arrived.append(message)
        if self.on_message:
            self.on_message(message)
        return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED

    def watch(self, rule):
        self.connection.add_match_string(rule)

    def watch_items(self, service):
        self.watch(f"type='signal',sender='{service}',interface='{BUS_ITEM}'")

    def send(self, service, path, member, signature="", *arguments, interface=BUS_ITEM):
        """Sends a call and returns its serial; the answer arrives among the other messages."""
        message = dbus.lowlevel.MethodCallMessage(service, path, interface, member)
        if signature:
            message.append(*arguments, signature=signature)
        return self.connection.send_message(message)

    def answer_to(self, serial):
        return next((m for m in self.arrived
                     if m.get_type() in (RETURN, ERROR) and m.get_reply_serial() == serial), None)

    def call(self, service, path, member, signature="", *arguments, interface=BUS_ITEM):
        """The answer as a message, return or error."""
        serial = self.send(service, path, member, signature, *arguments, interface=interface)
        return wait_until(lambda: self.answer_to(serial), f"an answer to {member} of {service}{path}")

    def signals(self, after=0):
        """(member, path, body) of the BusItem signals that arrived, from the given position on."""
        return [(m.get_member(), m.get_path(), body(m)) for m in self.arrived[after:]
                if m.get_type() == SIGNAL and m.get_interface() == BUS_ITEM]


class Introspected:
    """A service as seen by tools that know it only by introspection, like the `dbus` tool of a GX."""

    def __init__(self, client, service):
        self.client = client
        self.service = service

    def document(self, path):
        reply = self.client.call(self.service, path, "Introspect", interface=INTROSPECTABLE)
        assert reply.get_type() == RETURN, reply.get_error_name()
        return xml.etree.ElementTree.fromstring(str(body(reply)))

    def paths(self, path="/"):
        """Every object, found by walking child nodes."""
        found = [path]
        for child in self.document(path).findall("node"):
            found += self.paths((path if path != "/" else "") + "/" + child.get("name"))
        return found

    def methods(self, path):
        """name -> (in signature, out signature, names of the out-arguments) of all interfaces."""
        found = {}
        for method in self.document(path).findall("interface/method"):
            arguments = method.findall("arg")
            found[method.get("name")] = (
                "".join(a.get("type") for a in arguments if a.get("direction", "in") == "in"),
                "".join(a.get("type") for a in arguments if a.get("direction") == "out"),
                [a.get("name") for a in arguments if a.get("direction") == "out" and a.get("name")])
        return found

    def output(self, path, member, *arguments):
        """What the `dbus` tool prints for a call."""
        signature, _, names = self.methods(path)[member]
        reply = self.client.call(self.service, path, member, signature, *arguments)
        assert reply.get_type() == RETURN, reply.get_error_name()
        value = repr(plain(body(reply)))
        return f"{names[0]} = {value}" if names else value


def plain(value):
    """A python3-dbus value without its types."""
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    for kind in (str, bool, int, float):
        if isinstance(value, kind):
            return bool(value) if isinstance(value, dbus.Boolean) else kind(value)
    raise TypeError(type(value))


def busctl(test, *arguments):
    """What busctl prints; for an error the text on its error output."""
    done = subprocess.run(["busctl", "--address=" + test.bus_address, *arguments],
                          capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr).strip()


def dbus_send(test, service, path, method, *arguments):
    """What dbus-send prints of the reply: the arguments, without the header line."""
    done = subprocess.run(["dbus-send", "--bus=" + test.bus_address, "--print-reply", "--dest=" + service, path,
                           f"{BUS_ITEM}.{method}", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        return done.stderr.strip()
    return "\n".join(done.stdout.splitlines()[1:])
