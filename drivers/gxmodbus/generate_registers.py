#!/usr/bin/env python3
"""Turns gx-registers.csv into the rows of the constexpr register table (registers.inc).

usage: generate_registers.py gx-registers.csv registers.inc

Every row is checked against the rules the code relies on; a row that breaks one stops the build.
"""

import csv
import re
import sys
from fractions import Fraction

RAW_RANGE = {  # what the server can express; the integer maximum is never sent by newer servers
    "uint16": (0, 0xFFFE),
    "int16": (-0x8000, 0x7FFE),
    "uint32": (0, 0xFFFFFFFE),
    "int32": (-0x80000000, 0x7FFFFFFE),
    "uint64": (0, 0xFFFFFFFFFFFFFFFF),
}
ENCODING = {"uint16": "u16", "int16": "i16", "uint32": "u32", "int32": "i32", "uint64": "u64"}
WIDTH = {"uint16": 1, "int16": 1, "uint32": 2, "int32": 2, "uint64": 4}


def fail(row, reason):
    sys.exit(f"gx-registers.csv, address {row['address']}: {reason}")


def encoding_of(row):
    """The Encoding enumerator of a row, after checking that its width is the row's count."""
    kind = row["modbus_type"]
    count = int(row["count"])
    if kind in WIDTH:
        if WIDTH[kind] != count:
            fail(row, f"{kind} takes {WIDTH[kind]} registers, not {count}")
        return ENCODING[kind]
    match = re.fullmatch(r"(string|reserved)\[(\d+)\]", kind)
    if not match or int(match[2]) != count:
        fail(row, f"unknown type {kind}")
    if (match[1] == "reserved") != (row["path"] == "RESERVED"):
        fail(row, "only fillers have no path")
    return "text" if match[1] == "string" else "filler"


def scale_of(row, encoding):
    """(numerator, step): value = raw * step / numerator, both whole, so that no digit is lost."""
    scale = Fraction(row["scale"])
    numerator, step = scale.numerator, scale.denominator
    if encoding in ("text", "filler") or not row["min_value"]:
        return 1, 1
    low, high = RAW_RANGE[row["modbus_type"]]
    bounds = sorted(float(raw * step / numerator) for raw in (low, high))
    if abs(bounds[0] - float(row["min_value"])) > 1e-6 or abs(bounds[1] - float(row["max_value"])) > 1e-6:
        fail(row, f"limits {row['min_value']}..{row['max_value']} do not follow from type and scale {bounds}")
    return numerator, step


def text(string):
    return '"' + string.replace("\\", "\\\\").replace('"', '\\"') + '"'


def emit(row):
    encoding = encoding_of(row)
    numerator, step = scale_of(row, encoding)
    alternate = re.fullmatch(r"alternate of (\d+)", row["variant"])
    version = ", ".join(row["since_server"].split("."))
    return "{%s, %s, ServiceType::%s, Encoding::%s, '%s', %s, %d, %d, %s, {%s}, %s, %s, %s}," % (
        row["address"],
        row["count"],
        row["service"].removeprefix("com.victronenergy."),
        encoding,
        row["dbus_type"],
        "true" if row["writable"] == "yes" else "false",
        numerator,
        step,
        alternate[1] if alternate else "0",
        version,
        text("" if encoding == "filler" else row["path"]),
        text(row["unit"]),
        text(row["enum"]),
    )


def check_paths(rows):
    """Every path of a service has exactly one row that is no alternate of another."""
    preferred = set()
    for row in rows:
        key = (row["service"], row["path"])
        if row["path"] == "RESERVED" or row["variant"].startswith("alternate"):
            continue
        if key in preferred:
            fail(row, f"{row['path']} has two preferred rows")
        preferred.add(key)


def main():
    source, target = sys.argv[1:]
    with open(source, newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    check_paths(rows)
    lines = [emit(row) for row in rows]
    with open(target, "w", encoding="utf-8") as file:
        file.write("// Generated from gx-registers.csv by generate_registers.py.\n")
        file.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
