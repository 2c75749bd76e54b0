"""What the quick test of the scripts and the walk share: a package, the device it goes to, and asking both."""

import hashlib
import os
import re
import shutil
import tarfile

from machine import Machine
from venus_testing import VenusTestCase, wait_until

REPOSITORY = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
HOME = "/data/apps/venus-drivers"
CONF = "/data/conf/venus-drivers"


def typed_lines(page, heading):
    """The lines a person types, from the code blocks below a heading of a page in docs."""
    with open(os.path.join(REPOSITORY, "docs", page)) as text:
        section = re.search(rf"^#+ {re.escape(heading)}\n(.*?)(?=^#+ |\Z)", text.read(), re.M | re.S)
    if not section:
        raise AssertionError(f"docs/{page} has no heading {heading!r}")
    blocks = re.findall(r"^```sh\n(.*?)^```", section.group(1), re.M | re.S)
    if not blocks:
        raise AssertionError(f"docs/{page} shows nothing to type below {heading!r}")
    return [line for block in blocks for line in block.splitlines() if line]


def write_checksums(tree):
    names = sorted(os.path.relpath(os.path.join(folder, name), tree)
                   for folder, _, files in os.walk(tree) for name in files)
    with open(os.path.join(tree, "SHA256SUMS"), "w") as out:
        for name in names:
            path = os.path.join(tree, name)
            if name != "SHA256SUMS" and not os.path.islink(path):
                with open(path, "rb") as content:
                    out.write(f"{hashlib.sha256(content.read()).hexdigest()}  ./{name}\n")


def pack(tree, archive):
    with tarfile.open(archive, "w:gz") as out:
        out.add(tree, "venus-drivers")


class DeviceCase(VenusTestCase):
    """A device that is switched on, with a settings service on its bus; `base` says what lies below its firmware."""

    base = "/"
    shown = ()
    firmware = "v3.67"

    def setUp(self):
        self.machine = None
        super().setUp()

    def start_bus(self):
        """The bus is the device's own."""
        self.machine = Machine(self.base, os.path.join(self.directory, "device"), self.shown)
        self.addCleanup(self.machine.close)
        self.power_on()

    def power_on(self):
        self.machine.power_on(self.firmware)
        self.bus_address = self.machine.address
        self.bus = self.machine.connect()

    def power_cycle(self, firmware=None):
        """A power cut, and the next boot: of another firmware where it says which."""
        self.settings.kill()
        self.bus.close()
        self.machine.power_off()
        self.firmware = firmware or self.firmware
        self.power_on()
        self.start_settings()

    # the package

    def unpack(self, archive):
        """As a person does: the archive is copied to the device and unpacked in RAM."""
        shutil.rmtree(os.path.join(self.machine.root, "tmp/venus-drivers"), ignore_errors=True)
        with tarfile.open(archive) as content:
            content.extractall(os.path.join(self.machine.root, "tmp"))

    # asking

    def service_state(self, name):
        return self.machine.run(f"svstat /service/{name} 2>&1", check=False)[0]

    def wait_up(self, name, pid_before=None):
        """Waits until a service runs, as another process than before; its process id on the device."""
        def pid():
            found = re.search(r": up \(pid (\d+)\)", self.service_state(name))
            return found and int(found.group(1)) != pid_before and int(found.group(1))
        return wait_until(pid, lambda: f"{name} to run; svstat said: {self.service_state(name)}\n{self.log_of(name)}")

    def wait_down(self, name):
        wait_until(lambda: ": down" in self.service_state(name), lambda: f"{name} to be down: {self.service_state(name)}")

    def log_of(self, name):
        path = f"/data/log/{name}/current"
        return self.machine.read(path) if self.machine.exists(path) else ""

    def kept(self):
        """What an installation must leave as it was; the logs, the drivers' data and the device's own doings aside."""
        return self.machine.snapshot("/data", "/service", "/run",
                                     without=("/data/log", "/data/var", "/run/dbus", "/run/booted", "/run/lock",
                                              "/run/overlays", "/run/serial-starter", "/run/udev/adapters",
                                              "/run/udev/data", "/service/serial-starter"))

    def assert_same(self, found, expected):
        differing = {path: (expected.get(path), found.get(path)) for path in sorted(found.keys() | expected.keys())
                     if found.get(path) != expected.get(path)}
        self.assertEqual(differing, {}, "path: (before, after)")
