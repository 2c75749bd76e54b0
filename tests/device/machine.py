"""A GX to install on: a root file system nobody can write to, /data that stays, /run that a power cut empties.

The root is the device's firmware (tests/device/firmware and a version) over a Debian: an unpacked one of the
architecture, or this machine's own. Everything happens in namespaces of the calling process (see enter_namespaces), so
nothing of it is left when that ends, however it ends.
"""

import hashlib
import os
import pty
import shutil
import stat
import subprocess
import sys
import tempfile

import dbus.bus

from venus_testing import accepts, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
FIRMWARE = os.path.join(HERE, "firmware")
APPLETS = ("ash awk basename cat chmod cmp cp cut dd df dirname du env false find grep head id kill ln ls mkdir mktemp "
           "mount mv od printf ps pwd readlink rm rmdir sed seq sh sha256sum sleep sort stat sync tail tar touch tr true "
           "umount uname uniq wc").split()
PATH = "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def enter_namespaces():
    """Starts this program again as the first process of namespaces of its own; returns in that one."""
    if os.environ.get("VENUS_NAMESPACES") == "entered":
        return
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        command += ["--map-root-user"]
    os.environ["VENUS_NAMESPACES"] = "entered"
    os.execvp("unshare", command + [sys.executable, "-B"] + sys.argv)


def can_have_namespaces():
    """Whether this kernel and user may do what a Machine over this machine's own root needs."""
    extra = [] if os.geteuid() == 0 else ["--map-root-user"]
    with tempfile.TemporaryDirectory() as place:
        trial = (f"mount -t tmpfs none {place} && mkdir {place}/layer {place}/root && "
                 f"mount -t overlay -o lowerdir={place}/layer:/ none {place}/root")
        return subprocess.run(["unshare", "--mount", "--pid", "--fork", *extra, "sh", "-c", trial],
                              capture_output=True).returncode == 0


def mount(*arguments):
    subprocess.run(["mount", *arguments], check=True)


class Machine:
    def __init__(self, base, directory, shown=()):
        """`shown`: directories of this machine that are also in the device, at the same place."""
        self.base = base
        self.shown = shown
        self.directory = directory
        self.root = os.path.join(directory, "root")
        self.data = os.path.join(directory, "data")
        self.adapters = {}
        self.power = None
        self.layers = os.path.join(directory, "layers")
        for place in (self.root, self.data, self.layers):
            os.makedirs(place)
        # As large as that of the smallest device. The layers are apart because the base may be what holds them.
        mount("-t", "tmpfs", "-o", "size=32m,mode=755", "none", self.data)
        mount("-t", "tmpfs", "-o", "mode=755", "none", self.layers)
        shutil.copytree(FIRMWARE, os.path.join(self.layers, "firmware"))

    # power

    def power_on(self, firmware):
        """Boots; with another firmware the whole root is another one, and /data is the same."""
        layer = os.path.join(self.layers, firmware)
        if not os.path.isdir(layer):
            self._make_layer(layer, firmware)
        mount("-t", "overlay", "-o", f"lowerdir={layer}:{self.layers}/firmware:{self.base}", "none", self.root)
        for place in ("run", "tmp", "var/volatile", "dev"):
            mount("-t", "tmpfs", "-o", "mode=1777" if place == "tmp" else "mode=755", "none", self._in(place))
        mount("--bind", self.data, self._in("data"))
        for node in ("null", "zero", "full", "random", "urandom", "tty"):
            open(self._in("dev/" + node), "w").close()
            mount("--bind", "/dev/" + node, self._in("dev/" + node))
        os.mkdir(self._in("dev/pts"))
        mount("--rbind", "/dev/pts", self._in("dev/pts"))
        self._show_adapters()
        for place in self.shown:
            os.makedirs(self._in(place.lstrip("/")), exist_ok=True)
            mount("--bind", place, self._in(place.lstrip("/")))
        with open(os.path.join(self.directory, "console.log"), "ab") as log:
            self.power = subprocess.Popen(
                ["unshare", "--pid", "--fork", "--kill-child", "chroot", self.root, "/opt/victronenergy/boot"],
                env=self._environment(), stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        wait_until(lambda: os.path.exists(self._in("run/booted")), self.console)
        wait_until(lambda: accepts(self.socket), "the device's message bus")

    def power_off(self):
        """A power cut: nothing gets a chance to tidy up."""
        self.power.kill()
        self.power.wait()
        wait_until(lambda: not self._has_processes(), "every process of the device to be gone")
        subprocess.run(["umount", "--recursive", "--lazy", self.root], check=True)

    def close(self):
        if self.power and self.power.poll() is None:
            self.power_off()
        subprocess.run(["umount", self.data, self.layers], check=True)

    def _has_processes(self):
        for entry in os.listdir("/proc"):
            try:
                if entry.isdigit() and os.readlink(f"/proc/{entry}/root") == self.root:
                    return True
            except OSError:
                pass  # ended meanwhile
        return False

    def _first_process(self):
        with open(f"/proc/{self.power.pid}/task/{self.power.pid}/children") as children:
            return children.read().split()[0]

    def _make_layer(self, layer, firmware):
        for place in ("data", "service", "run", "tmp", "dev", "proc", "var/volatile", "usr/local/bin",
                      "opt/victronenergy", *(place.lstrip("/") for place in self.shown)):
            os.makedirs(os.path.join(layer, place), exist_ok=True)
        for link, target in (("log", "/data/log"), ("run", "/run"), ("lock", "/run/lock")):
            os.symlink(target, os.path.join(layer, "var", link))
        with open(os.path.join(layer, "opt/victronenergy/version"), "w") as out:
            out.write(f"{firmware}\nVictron Energy\n20260101000000\n")
        for applet in APPLETS:
            os.symlink("/bin/busybox", os.path.join(layer, "usr/local/bin", applet))

    # what is in it

    def _in(self, path):
        return os.path.join(self.root, path)

    @property
    def socket(self):
        return self._in("run/dbus/system_bus_socket")

    @property
    def address(self):
        return "unix:path=" + self.socket

    def connect(self):
        connection = dbus.bus.BusConnection(self.address)
        connection.set_exit_on_disconnect(False)
        return connection

    def console(self):
        with open(os.path.join(self.directory, "console.log"), errors="replace") as text:
            return "the device to boot; its console said:\n" + text.read()

    def exists(self, path):
        return os.path.lexists(self._in(path.lstrip("/")))

    def read(self, path):
        with open(self._in(path.lstrip("/")), errors="replace") as text:
            return text.read()

    def write(self, path, content, mode=0o644):
        path = self._in(path.lstrip("/"))
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(content)
        os.chmod(path, mode)

    def copy_in(self, source, path):
        shutil.copy(source, self._in(path.lstrip("/")))

    def plug_in(self, tty, device, number=None, **properties):
        """A serial adapter, from now on also at every boot: its port is `device`, its serial number `number`."""
        known = {"ID_BUS": "usb", "ID_MODEL": "FT232R", "ID_USB_INTERFACE_NUM": "00", "ID_PATH": f"platform-usb-0:{tty}:1.0"}
        if number:
            known["ID_SERIAL_SHORT"] = number
        self.adapters[tty] = (device, {**known, **properties})
        self._show_adapters()
        self.run("udevadm trigger --action=add")

    def _show_adapters(self):
        for tty, (device, properties) in self.adapters.items():
            if not self.exists("/dev/" + tty):
                os.symlink(device, self._in("dev/" + tty))
                self.write("/run/udev/adapters/" + tty, "".join(f"{key}={value}\n" for key, value in properties.items()))

    # commands

    @staticmethod
    def _environment():
        return {"PATH": PATH, "HOME": "/data/home/root", "LC_ALL": "C"}

    def run(self, command, check=True, answer=None):
        """A line typed by root; its output, and with check=False also its exit status. An answer is typed at a terminal."""
        terminal, stdin = pty.openpty() if answer else (None, subprocess.DEVNULL)
        if answer:
            os.write(terminal, answer.encode())
        done = subprocess.run(["nsenter", "--target", self._first_process(), "--pid", "chroot", self.root, "/bin/sh", "-c",
                               "cd /tmp; " + command], env=self._environment(), stdin=stdin,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if answer:
            os.close(terminal)
            os.close(stdin)
        if not check:
            return done.stdout, done.returncode
        if done.returncode:
            raise AssertionError(f"{command!r} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    # comparison

    def snapshot(self, *places, without=()):
        """Every file below the places: {path: kind, mode, content}, times aside."""
        found = {}
        for place in places:
            for directory, folders, files in os.walk(self._in(place.lstrip("/"))):
                for name in folders + files:
                    path = os.path.join(directory, name)
                    shown = "/" + os.path.relpath(path, self.root)
                    if any(shown == skip or shown.startswith(skip + "/") for skip in without):
                        continue
                    found[shown] = self._describe(path)
        return found

    @staticmethod
    def _describe(path):
        info = os.lstat(path)
        mode = stat.filemode(info.st_mode)
        if stat.S_ISLNK(info.st_mode):
            return mode + " -> " + os.readlink(path)
        if stat.S_ISREG(info.st_mode):
            with open(path, "rb") as content:
                return mode + " " + hashlib.sha256(content.read()).hexdigest()
        return mode

    def mounts(self):
        with open("/proc/self/mounts") as table:
            return sorted(line.split()[1] for line in table if line.split()[1].startswith(self.root + "/"))
