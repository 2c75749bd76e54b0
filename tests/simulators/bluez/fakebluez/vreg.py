"""The register protocol, the product's side: CBOR requests in, values and refusals out."""

import struct


class NotComplete(Exception):
    pass


def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for info, code, limit in ((24, ">B", 1 << 8), (25, ">H", 1 << 16), (26, ">I", 1 << 32)):
        if number < limit:
            return bytes([major << 5 | info]) + struct.pack(code, number)
    raise ValueError(number)


def read_head(data, at):
    if at >= len(data):
        raise NotComplete
    major, info = data[at] >> 5, data[at] & 31
    if info < 24:
        return major, info, at + 1
    width = {24: 1, 25: 2, 26: 4}[info]
    if at + 1 + width > len(data):
        raise NotComplete
    return major, int.from_bytes(data[at + 1:at + 1 + width], "big"), at + 1 + width


def read_item(data, at):
    major, number, at = read_head(data, at)
    if major == 0:
        return number, at
    if major == 2:
        if at + number > len(data):
            raise NotComplete
        return bytes(data[at:at + number]), at + number
    if major == 4:
        items = []
        for _ in range(number):
            item, at = read_item(data, at)
            items.append(item)
        return items, at
    raise ValueError(f"unexpected item of major type {major}")


def parse_commands(data):
    """The commands of one complete message: (name, instance, content)."""
    at = 0
    while at < len(data):
        command, at = read_item(data, at)
        if command == 1:
            yield "open", None, None
            continue
        instance, at = read_item(data, at)
        if command == 3:
            yield "subscribe", instance, None
        elif command in (5, 6):
            content, at = read_item(data, at)
            yield ("get" if command == 5 else "set"), instance, content
        else:
            raise ValueError(f"unknown command {command}")


def value_message(instance, number, data):
    return head(0, 8) + head(0, instance) + head(0, number) + head(2, len(data)) + data


def status_message(instance, number, code):
    return head(0, 9) + head(0, instance) + head(0, number) + head(0, code)


class RegisterServer:
    """One connection's conversation. `registers` answers reads and writes, `notify(char, bytes)` sends."""

    KEEP_ALIVE = 0x0093

    def __init__(self, registers, notify, set_keep_alive, log, fragment_size=20):
        self.registers = registers
        self.notify = notify
        self.set_keep_alive = set_keep_alive
        self.log = log
        self.fragment_size = fragment_size
        self.incoming = b""
        self.outgoing = []          # (characteristic, fragment), waiting for credits
        self.credits = 0
        self.subscribed = set()

    def write(self, characteristic, data):
        if characteristic == "0002":
            if data[:1] == b"\xF9":
                self.credits += data[1]
            elif data[:1] == b"\xFA":
                self.credits = 0
            self.flush()
            return
        self.notify("0002", b"\xF9\x01")
        self.incoming += data
        if characteristic == "0003":
            message, self.incoming = self.incoming, b""
            self.handle(message)

    def handle(self, message):
        reply = b""
        try:
            for name, instance, content in parse_commands(message):
                if name == "subscribe":
                    self.subscribed.add(instance)
                    for number in self.registers.announced(instance):
                        reply += self.answer(instance, number)
                elif name == "get":
                    for number in content:
                        reply += self.answer(instance, number)
                elif name == "set":
                    reply += self.change(instance, *content)
        except (ValueError, KeyError, NotComplete, TypeError) as fault:
            self.log(f"bad request {message.hex()}: {fault!r}")
        if reply:
            self.send(reply)

    def answer(self, instance, number):
        data = self.registers.read(instance, number)
        if data is None:
            return status_message(instance, number, 1)
        return value_message(instance, number, data)

    def change(self, instance, number, data):
        if number == self.KEEP_ALIVE and len(data) == 2:
            self.set_keep_alive(int.from_bytes(data, "little") / 1000)
            return b""
        self.log(f"set {instance} {number:04X} {data.hex()}")
        if not self.registers.write(instance, number, data):
            return status_message(instance, number, 1)
        reply = status_message(instance, number, 0)
        return reply + self.answer(instance, number) if instance in self.subscribed else reply

    def push(self):
        """What changes by itself, to those who subscribed."""
        reply = b"".join(self.answer(instance, number) for instance in sorted(self.subscribed)
                         for number in self.registers.changing(instance))
        if reply and not self.outgoing:
            self.send(reply)

    def send(self, message):
        while len(message) > self.fragment_size:
            self.outgoing.append(("0004", message[:self.fragment_size]))
            message = message[self.fragment_size:]
        self.outgoing.append(("0003", message))
        self.flush()

    def flush(self):
        while self.outgoing and self.credits > 0:
            self.credits -= 1
            self.notify(*self.outgoing.pop(0))
