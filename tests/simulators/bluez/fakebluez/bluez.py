"""org.bluez on a message bus: adapter, devices, advertisement monitors, agents, GATT; errors as the real one has them."""

import math

import dbus
import dbus.service
from gi.repository import GLib

from .vreg import RegisterServer

ADAPTER, DEVICE = "org.bluez.Adapter1", "org.bluez.Device1"
AGENT, AGENT_MANAGER = "org.bluez.Agent1", "org.bluez.AgentManager1"
MONITOR, MONITOR_MANAGER = "org.bluez.AdvertisementMonitor1", "org.bluez.AdvertisementMonitorManager1"
GATT_SERVICE, GATT_CHARACTERISTIC = "org.bluez.GattService1", "org.bluez.GattCharacteristic1"
PROPERTIES, OBJECT_MANAGER = "org.freedesktop.DBus.Properties", "org.freedesktop.DBus.ObjectManager"

VREG_SERVICE = "306b0001-b081-4037-83dc-e59fcc3cdfd0"
VREG_CHARACTERISTIC = "306b{}-b081-4037-83dc-e59fcc3cdfd0"
PUBLISHED_SERVICE = "65970000-4bda-4c1e-af4b-551c4cf74769"
PUBLISHED_CHARACTERISTIC = "6597{:04x}-4bda-4c1e-af4b-551c4cf74769"
COMPANY = 0x02E1


class Fault(dbus.DBusException):
    def __init__(self, name, text=""):
        super().__init__(text or name, name="org.bluez.Error." + name)


def byte_array(data):
    return dbus.Array([dbus.Byte(b) for b in data], signature="y")


class Exported(dbus.service.Object):
    """An object with properties of one or more interfaces, known to the object manager."""

    def __init__(self, stack, path):
        super().__init__(stack.bus, path)
        self.stack = stack
        self.path = path
        stack.objects[path] = self

    def interfaces(self):
        """{interface: {property: value}} as they stand now."""
        raise NotImplementedError

    def assign(self, interface, name, value):
        raise dbus.DBusException("read-only", name="org.freedesktop.DBus.Error.PropertyReadOnly")

    def announce(self):
        self.stack.InterfacesAdded(dbus.ObjectPath(self.path), self.interfaces_typed())

    def interfaces_typed(self):
        return dbus.Dictionary({name: dbus.Dictionary(properties, signature="sv")
                                for name, properties in self.interfaces().items()}, signature="sa{sv}")

    def withdraw(self):
        names = list(self.interfaces())
        del self.stack.objects[self.path]
        self.remove_from_connection()
        self.stack.InterfacesRemoved(dbus.ObjectPath(self.path), dbus.Array(names, signature="s"))

    def changed(self, interface, invalidated=(), **properties):
        self.PropertiesChanged(interface, dbus.Dictionary(properties, signature="sv"),
                               dbus.Array(invalidated, signature="s"))

    @dbus.service.signal(PROPERTIES, signature="sa{sv}as")
    def PropertiesChanged(self, interface, changed, invalidated):
        pass

    @dbus.service.method(PROPERTIES, in_signature="ss", out_signature="v")
    def Get(self, interface, name):
        try:
            return self.interfaces()[interface][name]
        except KeyError:
            raise dbus.DBusException("No such property", name="org.freedesktop.DBus.Error.InvalidArgs") from None

    @dbus.service.method(PROPERTIES, in_signature="s", out_signature="a{sv}")
    def GetAll(self, interface):
        return dbus.Dictionary(self.interfaces().get(interface, {}), signature="sv")

    @dbus.service.method(PROPERTIES, in_signature="ssv")
    def Set(self, interface, name, value):
        self.assign(interface, name, value)


class Stack(dbus.service.Object):
    """The root: object manager, agents, and the passing of time."""

    def __init__(self, bus, log, monitors=True, temporary_timeout=30.0):
        super().__init__(bus, "/")
        self.bus = bus
        self.log = log
        self.objects = {}
        self.agents = {}                # sender: path
        self.with_monitors = monitors
        self.temporary_timeout = temporary_timeout
        self.manager = AgentManager(self)
        self.adapter = None
        bus.add_signal_receiver(self.owner_changed, "NameOwnerChanged", "org.freedesktop.DBus",
                                "org.freedesktop.DBus")

    def owner_changed(self, name, old, new):
        if name.startswith(":") and not new:
            self.agents.pop(name, None)
            if self.adapter:
                self.adapter.client_gone(name)

    @dbus.service.method(OBJECT_MANAGER, out_signature="a{oa{sa{sv}}}")
    def GetManagedObjects(self):
        return dbus.Dictionary({dbus.ObjectPath(path): item.interfaces_typed()
                                for path, item in sorted(self.objects.items())}, signature="oa{sa{sv}}")

    @dbus.service.signal(OBJECT_MANAGER, signature="oa{sa{sv}}")
    def InterfacesAdded(self, path, interfaces):
        pass

    @dbus.service.signal(OBJECT_MANAGER, signature="oas")
    def InterfacesRemoved(self, path, interfaces):
        pass


class AgentManager(Exported):
    def __init__(self, stack):
        super().__init__(stack, "/org/bluez")

    def interfaces(self):
        return {AGENT_MANAGER: {}}

    @dbus.service.method(AGENT_MANAGER, in_signature="os", sender_keyword="sender")
    def RegisterAgent(self, path, capability, sender=None):
        if sender in self.stack.agents:
            raise Fault("AlreadyExists", "Already Exists")
        if capability not in ("", "DisplayOnly", "DisplayYesNo", "KeyboardOnly", "NoInputNoOutput", "KeyboardDisplay"):
            raise Fault("InvalidArguments", "Invalid arguments in method call")
        self.stack.agents[sender] = path
        self.stack.log(f"agent registered {capability}")

    @dbus.service.method(AGENT_MANAGER, in_signature="o", sender_keyword="sender")
    def RequestDefaultAgent(self, path, sender=None):
        self.stack.log("default agent requested")

    @dbus.service.method(AGENT_MANAGER, in_signature="o", sender_keyword="sender")
    def UnregisterAgent(self, path, sender=None):
        if self.stack.agents.pop(sender, None) is None:
            raise Fault("DoesNotExist", "Does Not Exist")


class Adapter(Exported):
    def __init__(self, stack):
        super().__init__(stack, "/org/bluez/hci0")
        self.powered = True
        self.busy = False               # StartDiscovery: InProgress, as when someone scans behind BlueZ's back
        self.discoverers = {}           # sender: filter
        self.filters = {}
        self.monitors = {}              # (sender, root): [patterns]
        self.devices = {}               # address: Device
        stack.adapter = self

    def interfaces(self):
        known = {ADAPTER: {"Address": "00:1A:7D:DA:71:13", "AddressType": "public", "Name": "gx", "Alias": "gx",
                           "Powered": dbus.Boolean(self.powered), "Discovering": dbus.Boolean(bool(self.discoverers)),
                           "Discoverable": dbus.Boolean(False), "Pairable": dbus.Boolean(False)}}
        if self.stack.with_monitors:
            known[MONITOR_MANAGER] = {
                "SupportedMonitorTypes": dbus.Array(["or_patterns"], signature="s"),
                "SupportedFeatures": dbus.Array([], signature="s")}
        return known

    def assign(self, interface, name, value):
        if (interface, name) != (ADAPTER, "Powered"):
            super().assign(interface, name, value)
        self.set_powered(bool(value))

    def set_powered(self, powered):
        if self.powered == powered:
            return
        self.powered = powered
        if not powered:
            self.discoverers.clear()
            for device in list(self.devices.values()):
                device.link_lost()
            self.changed(ADAPTER, Discovering=dbus.Boolean(False))
        self.changed(ADAPTER, Powered=dbus.Boolean(powered))

    def remove(self):
        for device in list(self.devices.values()):
            device.link_lost()
            device.vanish()
        self.stack.adapter = None
        self.withdraw()

    def client_gone(self, sender):
        was = bool(self.discoverers)
        self.discoverers.pop(sender, None)
        self.filters.pop(sender, None)
        self.monitors = {key: value for key, value in self.monitors.items() if key[0] != sender}
        self.discovery_changed(was)

    def discovery_changed(self, was):
        if was != bool(self.discoverers):
            self.changed(ADAPTER, Discovering=dbus.Boolean(bool(self.discoverers)))
            if was:
                for device in self.devices.values():
                    device.forget_rssi()

    def need_power(self):
        if not self.powered:
            raise Fault("NotReady", "Resource Not Ready")

    @dbus.service.method(ADAPTER, in_signature="a{sv}", sender_keyword="sender")
    def SetDiscoveryFilter(self, settings, sender=None):
        self.need_power()
        known = {"UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern"}
        if set(settings) - known:
            raise Fault("InvalidArguments", "Invalid arguments in method call")
        self.filters[sender] = dict(settings)

    @dbus.service.method(ADAPTER, out_signature="as")
    def GetDiscoveryFilters(self):
        return ["UUIDs", "RSSI", "Pathloss", "Transport", "DuplicateData", "Discoverable", "Pattern"]

    @dbus.service.method(ADAPTER, sender_keyword="sender")
    def StartDiscovery(self, sender=None):
        self.need_power()
        if self.busy or sender in self.discoverers:
            self.stack.log("discovery refused")
            raise Fault("InProgress", "Operation already in progress")
        was = bool(self.discoverers)
        self.discoverers[sender] = self.filters.get(sender, {})
        self.stack.log("discovery started")
        self.discovery_changed(was)

    @dbus.service.method(ADAPTER, sender_keyword="sender")
    def StopDiscovery(self, sender=None):
        self.need_power()
        if sender not in self.discoverers:
            raise Fault("Failed", "No discovery started")
        del self.discoverers[sender]
        self.stack.log("discovery stopped")
        self.discovery_changed(True)

    @dbus.service.method(ADAPTER, in_signature="o")
    def RemoveDevice(self, path):
        for device in self.devices.values():
            if device.path == path:
                device.paired = False
                device.link_lost()
                device.vanish()
                self.stack.log(f"removed {device.address}")
                return
        raise Fault("DoesNotExist", "Does Not Exist")

    @dbus.service.method(MONITOR_MANAGER, in_signature="o", sender_keyword="sender")
    def RegisterMonitor(self, root, sender=None):
        if not self.stack.with_monitors:
            raise dbus.DBusException("No such interface", name="org.freedesktop.DBus.Error.UnknownMethod")
        if (sender, root) in self.monitors:
            raise Fault("AlreadyExists", "Already Exists")
        self.monitors[(sender, root)] = []
        client = self.stack.bus.get_object(sender, root, introspect=False)
        client.GetManagedObjects(dbus_interface=OBJECT_MANAGER,
                                 reply_handler=lambda found: self.activate(sender, root, found),
                                 error_handler=lambda fault: self.stack.log(f"monitor unreadable: {fault}"))

    def activate(self, sender, root, found):
        for path, interfaces in found.items():
            if MONITOR not in interfaces or (sender, root) not in self.monitors:
                continue
            monitor = interfaces[MONITOR]
            client = self.stack.bus.get_object(sender, path, introspect=False)
            good = monitor.get("Type") == "or_patterns" and len(monitor.get("Patterns", [])) > 0
            ignored = lambda *_: None
            if not good:
                client.Release(dbus_interface=MONITOR, reply_handler=ignored, error_handler=ignored)
                continue
            self.monitors[(sender, root)] += [(int(start), int(kind), bytes(content))
                                              for start, kind, content in monitor["Patterns"]]
            client.Activate(dbus_interface=MONITOR, reply_handler=ignored, error_handler=ignored)
            self.stack.log("monitor active")

    @dbus.service.method(MONITOR_MANAGER, in_signature="o", sender_keyword="sender")
    def UnregisterMonitor(self, root, sender=None):
        if self.monitors.pop((sender, root), None) is None:
            raise Fault("DoesNotExist", "Does Not Exist")

    # What is received depends on who listens.

    def receives(self, manufacturer):
        """(received at all, duplicates wanted)"""
        if not self.powered:
            return False, False
        if self.discoverers:
            return True, any(f.get("DuplicateData") for f in self.discoverers.values())
        data = b"".join(company.to_bytes(2, "little") + content for company, content in manufacturer.items())
        matched = any(kind == 0xFF and data[start:start + len(content)] == content
                      for patterns in self.monitors.values() for start, kind, content in patterns)
        return matched, False


class Device(Exported):
    """A remote device: a Victron product, or (product None) somebody else's thing."""

    def __init__(self, stack, address, product, name=""):
        self.address = address
        self.product = product
        self.name = product.name if product else name
        self.rssi = -60
        self.sent_rssi = None
        self.manufacturer = {}
        self.company = COMPANY
        self.known = False              # as an object on the bus
        self.paired = self.trusted = self.connected = self.resolved = False
        self.silent = False
        self.vesmart = False            # alternates with VE.Smart Networking broadcasts
        self.last_heard = 0.0
        self.connect_delay = 0.05
        self.connect_fault = None
        self.cut_after = None
        self.flags = ["write", "write-without-response", "notify"]
        self.services = []
        self.stack = stack
        self.path = f"/org/bluez/hci0/dev_{address.upper().replace(':', '_')}"
        self.sent = 0
        self.keep_alive = None
        self.conversation = None
        self.ticks = 0
        if product:
            product.address_bytes = bytes.fromhex(address.replace(":", ""))

    # the bus side

    def interfaces(self):
        properties = {"Address": self.address.upper(), "AddressType": "random", "Alias": self.name or self.address,
                      "Paired": dbus.Boolean(self.paired), "Bonded": dbus.Boolean(self.paired),
                      "Trusted": dbus.Boolean(self.trusted), "Blocked": dbus.Boolean(False),
                      "Connected": dbus.Boolean(self.connected), "ServicesResolved": dbus.Boolean(self.resolved),
                      "UUIDs": dbus.Array([], signature="s"), "Adapter": dbus.ObjectPath("/org/bluez/hci0")}
        if self.name:
            properties["Name"] = self.name
        if self.sent_rssi is not None:
            properties["RSSI"] = dbus.Int16(self.sent_rssi)
        if self.manufacturer:
            properties["ManufacturerData"] = self.manufacturer_typed()
        return {DEVICE: properties}

    def manufacturer_typed(self):
        return dbus.Dictionary({dbus.UInt16(company): byte_array(content)
                                for company, content in self.manufacturer.items()}, signature="qv")

    def assign(self, interface, name, value):
        if (interface, name) != (DEVICE, "Trusted"):
            super().assign(interface, name, value)
        self.trusted = bool(value)
        self.changed(DEVICE, Trusted=dbus.Boolean(self.trusted))

    def appear(self):
        if not self.known:
            self.known = True
            Exported.__init__(self, self.stack, self.path)
            self.announce()

    def vanish(self):
        if self.known:
            self.known = False
            self.manufacturer = {}
            self.sent_rssi = None
            self.withdraw()

    def forget_rssi(self):
        if self.known and self.sent_rssi is not None:
            self.sent_rssi = None
            self.changed(DEVICE, invalidated=["RSSI"])

    # advertising

    def tick(self, now):
        """One advertising interval."""
        if self.connected:
            self.last_heard = now
            if self.conversation:
                self.conversation.push()
            return
        if not self.silent:
            self.advertise(now)
        if self.known and not self.paired and now - self.last_heard > self.stack.temporary_timeout:
            self.vanish()

    def advertise(self, now):
        self.ticks += 1
        if self.product is None:
            content = {self.company: bytes([self.ticks & 0xFF, 2, 3, 4, 5, 6])}
        elif self.vesmart and self.ticks % 2 == 0:
            content = {COMPANY: bytes.fromhex("01bc1898a598b9f901040000f884fa25c3b26afdd0065625")}
        else:
            content = {COMPANY: self.product.advertise()}
        received, duplicates = self.stack.adapter.receives(content)
        # While a passive scan runs for a monitor, a device that is known is kept up to date whatever it sends.
        updated = self.known and self.stack.adapter.powered and bool(self.stack.adapter.monitors)
        if not received and not updated:
            return
        self.last_heard = now
        different = content != self.manufacturer
        self.manufacturer = content
        if not self.known:
            self.sent_rssi = self.rssi
            self.appear()
        elif different or duplicates:
            news = {"ManufacturerData": self.manufacturer_typed()}
            if self.sent_rssi is None or abs(self.rssi - self.sent_rssi) >= 8:
                self.sent_rssi = self.rssi
                news["RSSI"] = dbus.Int16(self.rssi)
            self.changed(DEVICE, **news)

    # connecting

    @dbus.service.method(DEVICE, async_callbacks=("done", "failed"))
    def Connect(self, done, failed):
        self.stack.log(f"connect {self.address}")
        if not self.stack.adapter or not self.stack.adapter.powered:
            failed(Fault("NotReady", "Resource Not Ready"))
            return
        if self.connected:
            failed(Fault("AlreadyConnected", "Already Connected"))
            return
        fault, self.connect_fault = self.connect_fault, None
        if fault or self.silent:
            failed(fault or Fault("Failed", "le-connection-abort-by-local"))
            return

        def finish():
            if not self.known:
                failed(Fault("Failed", "Operation aborted"))
                return False
            self.connected = True
            self.changed(DEVICE, Connected=dbus.Boolean(True))
            done()
            GLib.timeout_add(20, self.resolve)
            return False
        GLib.timeout_add(max(1, int(self.connect_delay * 1000)), finish)

    def resolve(self):
        if not self.connected or not self.product:
            return False
        if not self.services:
            self.services = build_services(self)
            for item in self.services:
                item.announce()
        self.resolved = True
        self.conversation = RegisterServer(self.product, self.notify, self.set_keep_alive,
                                           lambda text: self.stack.log(f"{self.address} {text}"))
        self.changed(DEVICE, ServicesResolved=dbus.Boolean(True))
        return False

    @dbus.service.method(DEVICE)
    def Disconnect(self):
        self.stack.log(f"disconnect {self.address}")
        self.link_lost()

    def link_lost(self):
        if not self.connected:
            return
        self.connected = self.resolved = False
        self.conversation = None
        if self.keep_alive:
            GLib.source_remove(self.keep_alive)
            self.keep_alive = None
        for item in self.services:
            item.notifying = False
        if not self.paired:
            for item in self.services:
                item.withdraw()
            self.services = []
        self.changed(DEVICE, ServicesResolved=dbus.Boolean(False), Connected=dbus.Boolean(False))
        self.stack.log(f"link down {self.address}")

    def set_keep_alive(self, seconds):
        if self.keep_alive:
            GLib.source_remove(self.keep_alive)

        def expired():
            self.keep_alive = None
            self.stack.log(f"keep-alive expired {self.address}")
            self.link_lost()
            return False
        self.keep_alive = GLib.timeout_add(int(seconds * 1000), expired)

    # pairing

    @dbus.service.method(DEVICE, async_callbacks=("done", "failed"), sender_keyword="sender")
    def Pair(self, done, failed, sender=None):
        self.stack.log(f"pair {self.address}")
        if self.paired:
            failed(Fault("AlreadyExists", "Already Exists"))
            return
        agent = self.stack.agents.get(sender)
        if agent is None:
            failed(Fault("AuthenticationFailed", "Authentication Failed"))
            return

        def answered(passkey):
            if int(passkey) != self.product.pin:
                self.stack.log(f"wrong passkey {self.address}")
                failed(Fault("AuthenticationFailed", "Authentication Failed"))
                return
            self.paired = True
            self.changed(DEVICE, Paired=dbus.Boolean(True), Bonded=dbus.Boolean(True))
            self.stack.log(f"paired {self.address}")
            done()

        def refused(fault):
            failed(Fault("AuthenticationRejected", str(fault)))
        client = self.stack.bus.get_object(sender, agent, introspect=False)
        client.RequestPasskey(dbus.ObjectPath(self.path), dbus_interface=AGENT, reply_handler=answered,
                              error_handler=refused)

    @dbus.service.method(DEVICE)
    def CancelPairing(self):
        raise Fault("DoesNotExist", "Does Not Exist")

    # notifications

    def notify(self, characteristic, data):
        for item in self.services:
            if isinstance(item, Characteristic) and item.short == characteristic and item.notifying:
                item.notify(data)
        if characteristic != "0002":
            self.sent += 1
            if self.cut_after is not None and self.sent >= self.cut_after:
                self.cut_after = None
                GLib.idle_add(lambda: self.link_lost())


class Service(Exported):
    def __init__(self, device, number, uuid):
        self.device, self.uuid, self.notifying = device, uuid, False
        super().__init__(device.stack, f"{device.path}/service{number:04x}")

    def interfaces(self):
        return {GATT_SERVICE: {"UUID": self.uuid, "Primary": dbus.Boolean(True),
                               "Device": dbus.ObjectPath(self.device.path)}}


class Characteristic(Exported):
    """One of the register protocol's three, or a value of the published service."""

    def __init__(self, service, number, uuid, short):
        self.service, self.uuid, self.short, self.notifying = service, uuid, short, False
        self.device = service.device
        super().__init__(service.stack, f"{service.path}/char{number:04x}")

    def interfaces(self):
        return {GATT_CHARACTERISTIC: {"UUID": self.uuid, "Service": dbus.ObjectPath(self.service.path),
                                      "Flags": dbus.Array(self.device.flags, signature="s"),
                                      "Notifying": dbus.Boolean(self.notifying), "MTU": dbus.UInt16(23)}}

    def need_link(self):
        if not self.device.connected:
            raise Fault("Failed", "Not connected")
        if not self.device.paired:
            raise Fault("NotPermitted", "Not paired")

    @dbus.service.method(GATT_CHARACTERISTIC, in_signature="aya{sv}")
    def WriteValue(self, data, options):
        self.need_link()
        self.device.stack.log(f"write {self.device.address} {self.short} {bytes(data).hex()}")
        if len(self.short) == 4:
            self.device.conversation.write(self.short, bytes(data))

    @dbus.service.method(GATT_CHARACTERISTIC, in_signature="a{sv}", out_signature="ay")
    def ReadValue(self, options):
        self.need_link()
        number = int(self.uuid[4:8], 16)
        data = self.device.product.registers().get(number)
        if data is None:
            raise Fault("Failed", "Operation failed with ATT error: 0x0e")
        return byte_array(data)

    @dbus.service.method(GATT_CHARACTERISTIC)
    def StartNotify(self):
        self.need_link()
        self.notifying = True
        self.changed(GATT_CHARACTERISTIC, Notifying=dbus.Boolean(True))

    @dbus.service.method(GATT_CHARACTERISTIC)
    def StopNotify(self):
        self.notifying = False

    def notify(self, data):
        self.changed(GATT_CHARACTERISTIC, Value=byte_array(data))


def build_services(device):
    items = []
    if device.product.register_service:
        vreg = Service(device, 0x1F, VREG_SERVICE)
        items.append(vreg)
        for offset, short in ((1, "0002"), (4, "0003"), (7, "0004")):
            items.append(Characteristic(vreg, 0x1F + offset, VREG_CHARACTERISTIC.format(short), short))
    if device.product.published_service:
        published = Service(device, 0x40, PUBLISHED_SERVICE)
        items.append(published)
        for offset, number in enumerate((0xFFFF, 0xED8D, 0xED8C, 0xED8E, 0xEEFF, 0x0FFF, 0x0FFE, 0xED7D, 0xEDEC)):
            items.append(Characteristic(published, 0x41 + offset, PUBLISHED_CHARACTERISTIC.format(number),
                                        f"6597{number:04x}"))
    return items
