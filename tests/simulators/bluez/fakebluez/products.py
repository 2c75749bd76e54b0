"""Victron products living through a day: what they advertise and what their registers hold."""

import math
import struct

from . import records


def sun(hour):
    """Share of full sun at an hour of the day, with some clouds after noon."""
    clear = max(0.0, math.sin(math.pi * (hour - 6) / 12)) if 6 < hour < 18 else 0.0
    return clear * (1 - 0.35 * max(0.0, math.sin(hour * 5.1)) * (hour > 12))


def yield_until(hour, peak_w):
    steps = 96
    return sum(sun(hour * i / steps) for i in range(steps)) * peak_w * hour / steps / 1000


class Product:
    """One product. `overrides` win over what the day would bring; None there is "not available"."""

    record_type = 0x01
    product_id = 0xA053
    instance = 3            # of the product proper in the register protocol
    published_service = False
    register_service = True
    firmware = 0x000159
    serial = "HQ2027LDKCU"

    def __init__(self, name, key, pin=0):
        self.name = name
        self.key = key
        self.pin = pin
        self.nonce = 0
        self.overrides = {}
        self.hour = 12.0
        self.mode = 1
        self.readout_enabled = True

    def day(self):
        return {}

    def values(self):
        return {**self.day(), **self.overrides}

    def advertise(self):
        self.nonce = self.nonce + 1 & 0xFFFF
        if not self.readout_enabled:
            return bytes([0x10, 0]) + self.product_id.to_bytes(2, "little")
        plain = records.encode(self.record_type, self.values())
        return records.advertisement(self.product_id, self.record_type, self.nonce, self.key, plain,
                                     0x80 if self.nonce % 3 == 0 else 0)

    # registers

    def registers(self):
        """{number: bytes} of the product proper."""
        return {}

    def common_registers(self):
        return {0x0100: b"\x00" + self.product_id.to_bytes(2, "little") + b"\xFF",
                0x0102: b"\x00" + self.firmware.to_bytes(3, "little"),
                0x010A: self.serial.encode(),
                0x010C: self.name.encode(),
                0x0200: bytes([self.mode])}

    def read(self, instance, number):
        if instance == 0 and self.instance != 0:
            return {0x0093: b"\x10\x27", 0xEC65: self.key, 0xEC66: self.address_bytes, 0x010E: b"\x00",
                    0x0120: struct.pack("<I", int(self.hour * 3600))}.get(number)
        if instance != self.instance:
            return None
        return {**self.common_registers(), **self.registers()}.get(number)

    def write(self, instance, number, data):
        if instance == self.instance and number == 0x0200 and len(data) == 1:
            self.mode = data[0]
            return True
        return False

    def announced(self, instance):
        """Registers that a subscription reports at once."""
        if instance != self.instance:
            return []
        return [number for number in sorted(self.registers(), reverse=True) if number >= 0xED00][:12]

    def changing(self, instance):
        return [0xED8D] if instance == self.instance and 0xED8D in self.registers() else []


def u16(value, per_unit=1):
    return struct.pack("<H", 0xFFFF if value is None else records.raw_number(value, per_unit, 0, 16))


def s16(value, per_unit=1):
    return struct.pack("<H", 0x7FFF if value is None else records.raw_number(value, per_unit, 0, 16))


def u32(value, per_unit=1):
    return struct.pack("<I", 0xFFFFFFFF if value is None else records.raw_number(value, per_unit, 0, 32))


def s32(value, per_unit=1):
    return struct.pack("<I", 0x7FFFFFFF if value is None else records.raw_number(value, per_unit, 0, 32))


class SmartSolar(Product):
    record_type, product_id = 0x01, 0xA053
    peak_w = 215

    def day(self):
        light = sun(self.hour) if self.mode == 1 else 0
        power = round(light * self.peak_w)
        full = self.hour > 13
        volts = 12.6 + 1.6 * min(1, light * 2) - (0.5 if full and light > 0 else 0)
        state = 0 if power < 3 else 5 if self.hour > 15 else 4 if full else 3
        return {"device_state": state, "charger_error": 0, "battery_voltage_v": round(volts, 2),
                "battery_current_a": round(power / volts, 1), "pv_power_w": power,
                "yield_today_kwh": round(yield_until(self.hour, self.peak_w), 2), "load_current_a": 0.4}

    def history(self, back):
        share = 1 - 0.02 * back
        return struct.pack("<BIIHHB4BHHHIHHH", 0, round(100 * share * 1.2), 9, 1440, 1218, 0, 0, 0, 0, 0, 210, 95, 180,
                           round(self.peak_w * share), round(150 * share), 2150, 200 - back)

    def registers(self):
        v = self.values()
        table = {0x0201: bytes([v["device_state"]]), 0x0207: u32(0 if self.mode == 1 else 4),
                 0xED8D: s16(v["battery_voltage_v"], 100), 0xED8F: s16(v["battery_current_a"], 10),
                 0xEDEC: u16(None), 0xEDA8: b"\x01", 0xEDA9: u16(v["battery_voltage_v"], 100), 0xEDAC: b"\x00",
                 0xEDAD: u16(v["load_current_a"], 10), 0xEDB3: b"\x02" if v["pv_power_w"] else b"\x00",
                 0xEDBB: u16(18.4 if v["pv_power_w"] else 0.02, 100), 0xEDBC: u32(v["pv_power_w"], 100),
                 0xEDBD: u16(v["pv_power_w"] / 18.4, 10), 0xEDD0: u16(198), 0xEDD1: u16(1.18, 100),
                 0xEDD2: u16(self.peak_w), 0xEDD3: u16(v["yield_today_kwh"], 100),
                 0xEDDA: bytes([v["charger_error"]]), 0xEDDC: u32(317.2, 100), 0xEDDD: u32(1204.55, 100),
                 0x2211: u16(8, 100), 0x2212: u16(17.4, 100), 0xEC5A: u32(587970), 0x0202: u32(0)}
        for back in range(31):
            if back < 30:        # the oldest day is not stored
                table[0x1050 + back] = self.history(back)
        return table


class SmartShunt(Product):
    record_type, product_id = 0x02, 0xA389
    firmware = 0x0418FF

    def day(self):
        light = sun(self.hour)
        current = round(light * 13 - 2.4, 3)
        soc = min(100.0, 62 + 3.1 * max(0, min(self.hour, 18) - 6))
        go = None if current >= 0 else min(14400, round(soc / 100 * 120 / -current * 60))
        return {"time_to_go_min": go, "battery_voltage_v": round(12.7 + 1.3 * light, 2), "alarm_reason": 0,
                "aux_mode": 2, "aux_raw": 29465, "battery_current_a": current,
                "consumed_ah": round((soc - 100) * 1.2, 1), "soc_pct": round(soc, 1)}

    def registers(self):
        v = self.values()
        volts, amps = v["battery_voltage_v"], v["battery_current_a"]
        return {0x0300: s32(-61.5, 10), 0x0301: s32(-12.2, 10), 0x0302: s32(-30.1, 10), 0x0303: s32(87),
                0x0304: s32(0), 0x0305: s32(-2415.3, 10), 0x0306: s32(11.94, 100), 0x0307: s32(14.52, 100),
                0x0308: s32(40200), 0x0309: s32(63), 0x030A: s32(0), 0x030B: s32(0), 0x0310: u32(31.25, 100),
                0x0311: u32(35.5, 100), 0x031E: u16(v["alarm_reason"]), 0x0FFE: u16(v["time_to_go_min"]),
                0x0FFF: u16(v["soc_pct"], 100), 0xED8C: s32(amps, 1000), 0xED8D: s16(volts, 100),
                0xED8E: s16(volts * amps), 0xED8F: s16(amps, 10), 0xEDEC: u16(v["aux_raw"]),
                0xEEFF: s32(v["consumed_ah"], 10)}


class BatterySense(Product):
    record_type, product_id = 0x02, 0xA3A5

    def day(self):
        return {"time_to_go_min": None, "battery_voltage_v": 13.11, "alarm_reason": 0, "aux_mode": 2,
                "aux_raw": 29165, "battery_current_a": None, "consumed_ah": None, "soc_pct": None}


class Inverter(Product):
    record_type, product_id = 0x03, 0xA261

    def day(self):
        return {"device_state": 9, "alarm_reason": 0, "battery_voltage_v": 12.51, "ac_apparent_power_va": 782,
                "ac_voltage_v": 230.1, "ac_current_a": 3.4}


class OrionSmart(Product):
    record_type, product_id, instance = 0x04, 0xA3C8, 0

    def day(self):
        return {"device_state": 3, "charger_error": 0, "input_voltage_v": 13.9, "output_voltage_v": 14.1,
                "off_reason": 0}

    def registers(self):
        v = self.values()
        return {0x0201: bytes([v["device_state"]]), 0x0207: u32(v["off_reason"]), 0xEC66: self.address_bytes,
                0x010E: b"\x00", 0xED8D: s16(v["output_voltage_v"], 100), 0xEDBB: u16(v["input_voltage_v"], 100),
                0x0120: u32(1810)}


class SmartLithium(Product):
    record_type, product_id = 0x05, 0xA0E0

    def day(self):
        cells = {f"cell_{n}_v": 3.31 for n in range(1, 5)}
        return {"bms_flags": 0x06000000, "error_flags": 0, **cells, "battery_voltage_v": 13.24, "balancer_status": 1,
                "temperature_c": 13}


class InverterRs(Product):
    record_type, product_id = 0x06, 0xA401

    def day(self):
        return {"device_state": 9, "charger_error": 0, "battery_voltage_v": 53.04, "battery_current_a": -12.3,
                "pv_power_w": 1234, "yield_today_kwh": 0.71, "ac_out_power_w": 987}


class AcCharger(Product):
    record_type, product_id = 0x08, 0xA330

    def day(self):
        return {"device_state": 6, "charger_error": 0, "battery_voltage_1_v": 13.49, "battery_current_1_a": 0.4,
                "temperature_c": 21}


class BatteryProtect(Product):
    record_type, product_id = 0x09, 0xA3B0

    def day(self):
        return {"device_state": 249, "output_state": 1, "error_code": 0, "input_voltage_v": 13.07,
                "output_voltage_v": 13.07}


class LynxBms(Product):
    record_type, product_id = 0x0A, 0xA3E5

    def day(self):
        return {"error": 0, "time_to_go_min": 14400, "battery_voltage_v": 26.99, "battery_current_a": -0.6,
                "io_status": 5525, "warnings_alarms": 5205, "soc_pct": 99.5, "consumed_ah": -4.4}


class MultiRs(Product):
    record_type, product_id = 0x0B, 0xA443

    def day(self):
        return {"device_state": 9, "charger_error": 0, "battery_current_a": -12.8, "battery_voltage_v": 51.71,
                "active_ac_in": 2, "ac_in_power_w": 0, "ac_out_power_w": 722, "pv_power_w": 0, "yield_today_kwh": 5.32}


class VeBus(Product):
    record_type, product_id = 0x0C, 0x2780

    def day(self):
        return {"device_state": 5, "vebus_error": 0, "battery_current_a": 23.2, "battery_voltage_v": 14.45,
                "active_ac_in": 0, "ac_in_power_w": 1459, "ac_out_power_w": 1046, "alarm": 0, "temperature_c": 32}


class DcMeter(Product):
    record_type, product_id = 0x0D, 0xA389

    def day(self):
        return {"monitor_mode": -1, "battery_voltage_v": 26.71, "alarm_reason": 0, "aux_mode": 3, "aux_raw": 0,
                "battery_current_a": 4.25}


class OrionXs(Product):
    record_type, product_id = 0x0F, 0xA3F0

    def day(self):
        return {"device_state": 3, "charger_error": 0, "output_voltage_v": 14.2, "output_current_a": 30.5,
                "input_voltage_v": 13.8, "input_current_a": 32.2, "off_reason": 0}


KINDS = {"smartsolar": SmartSolar, "smartshunt": SmartShunt, "sense": BatterySense, "inverter": Inverter,
         "orion": OrionSmart, "lithium": SmartLithium, "rs": InverterRs, "charger": AcCharger,
         "protect": BatteryProtect, "bms": LynxBms, "multi": MultiRs, "vebus": VeBus, "meter": DcMeter,
         "orionxs": OrionXs}
