"""What each driver of a package costs: resident memory and start-up, also of one that only runs under qemu.

usage: footprint.py EXECUTABLE [QEMU]     the executable that is all drivers; what runs it where this processor can not

A program under qemu shares its process with the emulator, but has a range of addresses of its own there: only what is
resident in that range is counted. These pages are the same ones that a device would have in memory.
"""

import os
import re
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import time

# After the name of a driver, for one that runs without a device of its own.
ARGUMENTS = {
    "dbus-tsmppt": ["--state-dir", "{state}"],
    "dbus-serialbattery": ["--state-dir", "{state}", "{port}"],
    "dbus-gxmodbus": ["--state", "{state}"],
    "dbus-smartsolar": [],
    "dbus-givenergy": ["--state-dir", "{state}"],
}
STARTS = 11


def first_segment(executable):
    """The address of the first byte of an ELF file in memory, and how large the range of its addresses can be."""
    with open(executable, "rb") as file:
        head = file.read(4096)
    wide = head[4] == 2
    (table,) = struct.unpack_from("<Q" if wide else "<I", head, 32 if wide else 28)
    entry_size, entries = struct.unpack_from("<HH", head, 54 if wide else 42)
    for at in range(table, table + entries * entry_size, entry_size):
        (kind,) = struct.unpack_from("<I", head, at)
        if kind == 1:
            (address,) = struct.unpack_from("<Q" if wide else "<I", head, at + (16 if wide else 8))
            return address, 1 << (40 if wide else 32)
    raise ValueError(f"{executable} has nothing to load")


def resident_kb(smaps, executable, emulated):
    """What a process has in memory, and how much of that is its own, from the text of its smaps."""
    mappings = re.findall(r"^([0-9a-f]+)-[0-9a-f]+ \S+ ([0-9a-f]+) \S+ \d+ *(.*)\n((?:\w+: .*\n)+)", smaps, re.M)
    if emulated:
        address, size = first_segment(executable)
        begin = min(int(start, 16) for start, offset, path, _ in mappings
                    if os.path.basename(path) == os.path.basename(os.path.realpath(executable))) - address
        mappings = [mapping for mapping in mappings if begin <= int(mapping[0], 16) < begin + size]

    def total(field):
        return sum(int(re.search(rf"^{field}: +(\d+) kB", fields, re.M).group(1)) for *_, fields in mappings)
    return total("Rss"), total("Anonymous")


def start_up_ms(command):
    """From the command to the end of the process, when it only says its version."""
    times = []
    for _ in range(STARTS):
        begin = time.monotonic()
        subprocess.run(command + ["--version"], check=True, stdout=subprocess.DEVNULL)
        times.append(time.monotonic() - begin)
    return statistics.median(times) * 1000


def wait_quiet(pid):
    """Until a process has computed nothing for a second."""
    def computed():
        with open(f"/proc/{pid}/stat") as line:
            return line.read().rsplit(")", 1)[1].split()[11:13]
    before, since, limit = None, time.monotonic(), time.monotonic() + 60
    while time.monotonic() < since + 1:
        now = computed()
        if now != before:
            before, since = now, time.monotonic()
        if time.monotonic() > limit:
            raise TimeoutError(f"process {pid} goes on computing")
        time.sleep(0.05)


def table_head(start_up):
    return f"| driver | resident | of it not shared | {start_up} |\n| --- | --- | --- | --- |"


def table_row(driver, resident, own, milliseconds):
    return f"| `{driver}` | {resident} kB | {own} kB | {milliseconds:.0f} ms |"


def measure(executable, emulator, bus, directory):
    print(table_head("start-up under qemu" if emulator else "start-up"))
    for driver, arguments in ARGUMENTS.items():
        command = [*emulator, executable, driver]
        milliseconds = start_up_ms(command)
        controller, port = os.openpty()
        places = {"state": os.path.join(directory, driver), "port": os.ttyname(port)}
        running = subprocess.Popen(command + [word.format(**places) for word in arguments], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, env={**os.environ, "DBUS_SESSION_BUS_ADDRESS": bus})
        try:
            wait_quiet(running.pid)
            with open(f"/proc/{running.pid}/smaps") as smaps:
                resident, own = resident_kb(smaps.read(), executable, bool(emulator))
        finally:
            running.send_signal(signal.SIGKILL)
            running.wait()
            os.close(controller)
            os.close(port)
        print(table_row(driver, resident, own, milliseconds), flush=True)


def main():
    executable = os.path.realpath(sys.argv[1])
    with tempfile.TemporaryDirectory() as directory:
        bus = subprocess.Popen(["dbus-daemon", "--session", f"--address=unix:path={directory}/bus", "--nofork",
                                "--nopidfile", "--print-address"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            address = bus.stdout.readline().strip()
            if not address:
                sys.exit("dbus-daemon did not start")
            measure(executable, sys.argv[2:], address, directory)
        finally:
            bus.kill()
            bus.wait()


if __name__ == "__main__":
    main()
