"""What the tests of dbus-smartsolar share: a bus with the stand-in for BlueZ and the driver."""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
from venus_testing import VenusTestCase, main, wait_until  # noqa: E402,F401

SOLAR = "c7:c8:06:27:13:11"
SOLAR_KEY = "5c0102030405060708090a0b0c0d0e0f"
SHUNT = "d4:9d:a0:41:77:02"
SHUNT_KEY = "aff4d0995b7d1e176c0c33ecb9e70dcd"
REGISTRY = "com.victronenergy.ble.smartsolar"


def device_id(address):
    return "ble_" + address.replace(":", "")


def service(device_class, address):
    return f"com.victronenergy.{device_class}.{device_id(address)}"


class BluezCase(VenusTestCase):
    def start_bluez(self, *arguments):
        """The stand-in with advertisements ten times as often as in life."""
        self.bluez = self.start("bluez-simulator", "--interval", "0.1", *arguments, stdin=True)
        self.bluez.wait_line("ready")
        return self.bluez

    def start_driver(self, *arguments):
        self.driver = self.start("dbus-smartsolar", "--log-level", "debug", *arguments)
        return self.driver

    def add(self, kind, address, key, *name):
        self.bluez.command(" ".join(["add", kind, address, key, *name]))

    def device_setting(self, address, name):
        return f"/Settings/Devices/{device_id(address)}/{name}"

    def wait_setting(self, path, expected):
        wait_until(lambda: self.setting(path) == expected, lambda: f"{path} = {expected!r}, it is {self.setting(path)!r}")

    def enter_key(self, address, key):
        path = self.device_setting(address, "Key")
        wait_until(lambda: self.setting(path) is not None, f"the setting {path}")
        self.set_setting(path, key)
        self.keep_secret(key, self.driver)

    def registry(self, address, item):
        return self.value(REGISTRY, f"/Devices/{device_id(address)}/{item}")

    def wait_registry(self, address, item, expected):
        wait_until(lambda: self.registry(address, item) == expected,
                   lambda: f"{item} of {address} to be {expected!r}; it is {self.registry(address, item)!r}")
