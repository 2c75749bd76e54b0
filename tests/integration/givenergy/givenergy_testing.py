"""Starting and steering the simulated adapter, the driver and a broker from the tests."""

import json
import os
import socket
import subprocess

from controlled_simulator import ControlledSimulator
from venus_testing import BIN, VenusTestCase, wait_until

SETTINGS_ROOT = "/Settings/GivEnergy/"
SERIAL = "SA2114G047"
ADAPTER = "WF2125G316"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Simulator(ControlledSimulator):
    """A givenergy-simulator process; ports are free ones."""

    def __init__(self, *arguments, port=0):
        super().__init__("givenergy-simulator", "--port", port, "--still", "--hour", 13, "--latency", 0.002, *arguments)
        self.port = self.ports["adapter"]
        self.address = f"127.0.0.1:{self.port}"

    def holding(self, register):
        return self.tell("get", register=register)["value"]

    def set_holding(self, register, value):
        self.tell("set", register=register, value=value)

    def set_input(self, register, value, address=0x11):
        self.tell("set", register=register, value=value, function=4, address=address)

    def get_input(self, register, address=0x11):
        return self.tell("get", register=register, function=4, address=address)["value"]

    def writes(self, clear=False):
        return [tuple(pair) for pair in self.tell("writes", clear=clear)["writes"]]

    def behave(self):
        self.tell("behave")

    def now(self):
        return self.tell("now")


class GivEnergyTestCase(VenusTestCase):
    """A private bus with a settings service, and, when asked for, simulators, a broker and the driver."""

    def start_simulator(self, *arguments, port=0):
        simulator = Simulator(*arguments, port=port)
        self.addCleanup(simulator.close)
        return simulator

    def start_driver(self, *simulators, control=False, **settings):
        """Starts the driver with settings for a fast test; names are those below /Settings/GivEnergy."""
        chosen = {"Adapters": ",".join(s.address for s in simulators), "PollPeriod": 0.5, "RequestGap": 20,
                  "WriteGap": 100, "WriteInterval": 0, "AllowControl": 1 if control else 0, **settings}
        self.state = os.path.join(self.directory, "state")
        self.driver = self.start("dbus-givenergy", "--state-dir", self.state, "--log-level", "debug")
        self.wait_value("com.victronenergy.settings", SETTINGS_ROOT + "Mqtt/DiscoveryPrefix", "homeassistant")
        for name, value in sorted(chosen.items(), key=lambda one: one[0] == "Adapters"):
            self.set_setting(SETTINGS_ROOT + name, value)
        return self.driver

    def service(self, kind, serial=SERIAL, suffix=""):
        return f"com.victronenergy.{kind}.givenergy_{serial}{suffix}"

    def wait_online(self, kind="grid", serial=SERIAL):
        self.wait_value(self.service(kind, serial), "/Connected", 1)

    def run_tool(self, *arguments, stdin=None):
        """Runs dbus-givenergy with a subcommand and without any bus; returns (exit status, stdout, stderr)."""
        done = subprocess.run([os.path.join(BIN, "dbus-givenergy"), *map(str, arguments)], input=stdin, text=True,
                              capture_output=True, timeout=60,
                              env={"PATH": os.environ["PATH"], "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent",
                                   "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "")})
        return done.returncode, done.stdout, done.stderr

    def start_broker(self, *extra_lines):
        """A mosquitto broker on a free port, gone with the test."""
        self.broker_port = getattr(self, "broker_port", None) or free_port()
        path = os.path.join(self.directory, "mosquitto.conf")
        with open(path, "w") as config:
            config.write(f"listener {self.broker_port} 127.0.0.1\npersistence false\nuser root\n"
                         + "\n".join(extra_lines or ["allow_anonymous true"]) + "\n")
        self.broker = self.start("/usr/sbin/mosquitto", "-c", path)

        def listening():
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", self.broker_port)) == 0
        wait_until(listening, "the broker to listen")
        return self.broker


class Listener:
    """A foreign MQTT client (python3-paho-mqtt) that remembers the last message of each topic."""

    def __init__(self, port, pattern="#", ca_file=None):
        import paho.mqtt.client as mqtt
        self.topics = {}
        self.log = []
        self.ready = False
        self.client = mqtt.Client("listener")
        self.client.on_connect = lambda client, *_: client.subscribe(pattern)
        self.client.on_subscribe = lambda *_: setattr(self, "ready", True)
        self.client.on_message = self._take
        if ca_file:
            self.client.tls_set(ca_certs=ca_file)
        self.client.connect("localhost" if ca_file else "127.0.0.1", port)
        self.wait(lambda: self.ready, "the subscription")

    def _take(self, _client, _data, message):
        text = message.payload.decode("utf-8", "replace")
        self.topics[message.topic] = text
        self.log.append((message.topic, text, bool(message.retain)))

    def wait(self, condition, what, deadline=None):
        def step():
            self.client.loop(timeout=0.02)
            return condition()
        return wait_until(step, what, deadline)

    def wait_topic(self, topic, expected=None):
        def found():
            text = self.topics.get(topic)
            return text is not None and (expected is None or text == expected or (callable(expected) and expected(text)))
        self.wait(found, lambda: f"{topic} to be {expected!r}; it is {self.topics.get(topic)!r}")
        return self.topics[topic]

    def order(self, function, payload, serial=SERIAL, root="GivEnergy", retain=False):
        """Sends a command and waits for its answer."""
        answer = f"{root}/control/{serial}/{function}/result"
        self.topics.pop(answer, None)
        self.client.publish(f"{root}/control/{serial}/{function}", payload, retain=retain)
        return json.loads(self.wait_topic(answer))["result"]

    def close(self):
        self.client.disconnect()


FAST_WRITE = ("--gap", 20, "--write-gap", 100)


class ControlTestCase(GivEnergyTestCase):
    """Simulator, broker, driver and a listener; orders by each of the three ways."""

    def setUp(self):
        super().setUp()
        self.serial = SERIAL

    def start_everything(self, *arguments, serial=SERIAL, **settings):
        self.serial = serial
        self.simulator = self.start_simulator("--serial", serial, *arguments)
        self.start_broker()
        self.start_driver(self.simulator, control=True,
                          **{"Mqtt/Host": "127.0.0.1", "Mqtt/Port": self.broker_port, **settings})
        self.wait_online("multi", serial)
        self.listener = Listener(self.broker_port)
        self.addCleanup(self.listener.close)
        self.listener.wait_topic(f"GivEnergy/{serial}/status", "online")
        self.multi = self.service("multi", serial)

    def prepare(self, before):
        for register, value in before.items():
            self.simulator.set_holding(register, value)
        self.simulator.writes(clear=True)

    def check(self, after):
        wait_until(lambda: all(self.simulator.holding(r) == v for r, v in after.items()),
                   lambda: f"{after}; there is { {r: self.simulator.holding(r) for r in after} }")

    def by_mqtt(self, function, payload):
        text = payload if isinstance(payload, str) else json.dumps(payload) if payload else ""
        return self.listener.order(function, text, self.serial)

    def by_bus_command(self, function, payload):
        text = payload if isinstance(payload, str) else json.dumps(payload) if payload else ""
        self.assertEqual(self.set_value(self.multi, "/GivEnergy/Command", f"{function} {text}".strip()), 0)

    def by_tool(self, function, payload):
        return self.run_tool("write", function, json.dumps(payload) if payload else "", "--host",
                             self.simulator.address, *FAST_WRITE)
