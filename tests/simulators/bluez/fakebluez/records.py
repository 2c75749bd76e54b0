"""Instant Readout records, the sending side: values to bits."""

import math

from .aes import counter_mode

# key: (start, bits, steps per unit, bias, raw value of "not available")
VOLTS, AMPS = 100, 10
STATE = {"device_state": (0, 8, 1, 0, 0xFF), "charger_error": (8, 8, 1, 0, 0xFF)}
RECORDS = {
    0x01: (12, {**STATE,
                "battery_voltage_v": (16, 16, 100, 0, 0x7FFF), "battery_current_a": (32, 16, 10, 0, 0x7FFF),
                "yield_today_kwh": (48, 16, 100, 0, 0xFFFF), "pv_power_w": (64, 16, 1, 0, 0xFFFF),
                "load_current_a": (80, 9, 10, 0, 0x1FF)}),
    0x02: (15, {"time_to_go_min": (0, 16, 1, 0, 0xFFFF), "battery_voltage_v": (16, 16, 100, 0, 0x7FFF),
                "alarm_reason": (32, 16, 1, 0, 0), "aux_raw": (48, 16, 1, 0, 0xFFFF), "aux_mode": (64, 2, 1, 0, 3),
                "battery_current_a": (66, 22, 1000, 0, 0x1FFFFF), "consumed_ah": (88, 20, -10, 0, 0xFFFFF),
                "soc_pct": (108, 10, 10, 0, 0x3FF)}),
    0x03: (11, {"device_state": (0, 8, 1, 0, 0xFF), "alarm_reason": (8, 16, 1, 0, 0),
                "battery_voltage_v": (24, 16, 100, 0, 0x7FFF), "ac_apparent_power_va": (40, 16, 1, 0, 0xFFFF),
                "ac_voltage_v": (56, 15, 100, 0, 0x7FFF), "ac_current_a": (71, 11, 10, 0, 0x7FF)}),
    0x04: (10, {**STATE, "input_voltage_v": (16, 16, 100, 0, 0xFFFF), "output_voltage_v": (32, 16, 100, 0, 0x7FFF),
                "off_reason": (48, 32, 1, 0, 0)}),
    0x05: (16, {"bms_flags": (0, 32, 1, 0, 0), "error_flags": (32, 16, 1, 0, 0),
                **{f"cell_{n + 1}_v": (48 + 7 * n, 7, 100, -260, 0x7F) for n in range(8)},
                "battery_voltage_v": (104, 12, 100, 0, 0xFFF), "balancer_status": (116, 4, 1, 0, 0xF),
                "temperature_c": (120, 7, 1, 40, 0x7F)}),
    0x06: (12, {**STATE, "battery_voltage_v": (16, 16, 100, 0, 0x7FFF),
                "battery_current_a": (32, 16, 10, 0, 0x7FFF), "pv_power_w": (48, 16, 1, 0, 0xFFFF),
                "yield_today_kwh": (64, 16, 100, 0, 0xFFFF), "ac_out_power_w": (80, 16, 1, 0, 0x7FFF)}),
    0x08: (13, {**STATE, "battery_voltage_1_v": (16, 13, 100, 0, 0x1FFF),
                "battery_current_1_a": (29, 11, 10, 0, 0x7FF), "battery_voltage_2_v": (40, 13, 100, 0, 0x1FFF),
                "battery_current_2_a": (53, 11, 10, 0, 0x7FF), "battery_voltage_3_v": (64, 13, 100, 0, 0x1FFF),
                "battery_current_3_a": (77, 11, 10, 0, 0x7FF), "temperature_c": (88, 7, 1, 40, 0x7F),
                "ac_current_a": (95, 9, 10, 0, 0x1FF)}),
    0x09: (15, {"device_state": (0, 8, 1, 0, 0xFF), "output_state": (8, 8, 1, 0, 0xFF),
                "error_code": (16, 8, 1, 0, 0xFF), "alarm_reason": (24, 16, 1, 0, 0),
                "warning_reason": (40, 16, 1, 0, 0), "input_voltage_v": (56, 16, 100, 0, 0x7FFF),
                "output_voltage_v": (72, 16, 100, 0, 0xFFFF), "off_reason": (88, 32, 1, 0, 0)}),
    0x0A: (16, {"error": (0, 8, 1, 0, 0), "time_to_go_min": (8, 16, 1, 0, 0xFFFF),
                "battery_voltage_v": (24, 16, 100, 0, 0x7FFF), "battery_current_a": (40, 16, 10, 0, 0x7FFF),
                "io_status": (56, 16, 1, 0, 0), "warnings_alarms": (72, 18, 1, 0, 0),
                "soc_pct": (90, 10, 10, 0, 0x3FF), "consumed_ah": (100, 20, -10, 0, 0xFFFFF),
                "temperature_c": (120, 7, 1, 40, 0x7F)}),
    0x0B: (14, {**STATE, "battery_current_a": (16, 16, 10, 0, 0x7FFF), "battery_voltage_v": (32, 14, 100, 0, 0x3FFF),
                "active_ac_in": (46, 2, 1, 0, 3), "ac_in_power_w": (48, 16, 1, 0, 0x7FFF),
                "ac_out_power_w": (64, 16, 1, 0, 0x7FFF), "pv_power_w": (80, 16, 1, 0, 0xFFFF),
                "yield_today_kwh": (96, 16, 100, 0, 0xFFFF)}),
    0x0C: (13, {"device_state": (0, 8, 1, 0, 0xFF), "vebus_error": (8, 8, 1, 0, 0xFF),
                "battery_current_a": (16, 16, 10, 0, 0x7FFF), "battery_voltage_v": (32, 14, 100, 0, 0x3FFF),
                "active_ac_in": (46, 2, 1, 0, 3), "ac_in_power_w": (48, 19, 1, 0, 0x3FFFF),
                "ac_out_power_w": (67, 19, 1, 0, 0x3FFFF), "alarm": (86, 2, 1, 0, 3),
                "temperature_c": (88, 7, 1, 40, 0x7F), "soc_pct": (95, 7, 1, 0, 0x7F)}),
    0x0D: (11, {"monitor_mode": (0, 16, 1, 0, 0), "battery_voltage_v": (16, 16, 100, 0, 0x7FFF),
                "alarm_reason": (32, 16, 1, 0, 0), "aux_raw": (48, 16, 1, 0, 0xFFFF), "aux_mode": (64, 2, 1, 0, 3),
                "battery_current_a": (66, 22, 1000, 0, 0x1FFFFF)}),
    0x0F: (14, {**STATE, "output_voltage_v": (16, 16, 100, 0, 0xFFFF), "output_current_a": (32, 16, 10, 0, 0xFFFF),
                "input_voltage_v": (48, 16, 100, 0, 0xFFFF), "input_current_a": (64, 16, 10, 0, 0xFFFF),
                "off_reason": (80, 32, 1, 0, 0)}),
}


def raw_number(value, per_unit, bias, bits):
    return math.floor(value * per_unit + 0.5) + bias & (1 << bits) - 1


def encode(record_type, values):
    """The payload; unused bits are 1, missing values "not available"."""
    size, fields = RECORDS[record_type]
    word = (1 << 8 * size) - 1
    for key, (start, bits, per_unit, bias, absent) in fields.items():
        value = values.get(key)
        raw = absent if value is None else raw_number(value, per_unit, bias, bits)
        mask = (1 << bits) - 1
        word = word & ~(mask << start) | raw << start
    return word.to_bytes(size, "little")


def advertisement(product_id, record_type, nonce, key, plain, second_byte=0):
    """The manufacturer data after the company id."""
    head = bytes([0x10, second_byte]) + product_id.to_bytes(2, "little") + bytes([record_type])
    return head + nonce.to_bytes(2, "little") + key[:1] + counter_mode(key, nonce, plain)
