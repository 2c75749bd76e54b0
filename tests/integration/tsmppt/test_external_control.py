"""What comes with time and by settings: control by the GX, a stuck network processor, the night, a long absence."""

import dbus
from tristar_testing import ROOT, SERVICE, TristarTestCase
from venus_testing import main, wait_until

# /Link/NetworkMode: external control, with the charge voltage set from outside.
EXTERNAL, WITH_VOLTAGE = 0x01, 0x04


def volts_word(volts):
    return round(volts * 32768 / 180)


def amps_word(amps):
    return round(amps * 32768 / 80)


class ExternalControl(TristarTestCase):
    def begin_controlled(self, **settings):
        self.begin(ExternalControl=1, **settings)
        self.wait_value(SERVICE, "/Custom/SystemVoltage", 24)
        self.assertEqual(self.value(SERVICE, "/Settings/ChargeCurrentLimit"), 60)

    def link(self, mode=EXTERNAL | WITH_VOLTAGE, volts=27.0, amps=20.0):
        self.assertEqual(self.set_value(SERVICE, "/Link/NetworkMode", dbus.Int32(mode)), 0)
        self.assertEqual(self.set_value(SERVICE, "/Link/ChargeVoltage", dbus.Double(volts)), 0)
        self.assertEqual(self.set_value(SERVICE, "/Link/ChargeCurrent", dbus.Double(amps)), 0)

    def wait_registers(self, volts, amps, deadline=None):
        found = {}

        def there():
            found.update(volts=self.word(89), amps=self.word(88))
            return (found["volts"], found["amps"]) == (volts, amps)
        wait_until(there, lambda: f"{volts} and {amps} in the controller; it has {found}", deadline)

    def test_set_points_reach_the_controller(self):
        self.begin_controlled()
        self.link()
        self.wait_registers(volts_word(27), amps_word(20))
        self.wait_value(SERVICE, "/State", 252)
        self.assertEqual(self.value(SERVICE, "/Link/ChargeVoltage"), 27.0)
        self.link(volts=26.5, amps=10.0)
        self.wait_registers(volts_word(26.5), amps_word(10))

    def test_the_limits_of_the_installation_hold(self):
        self.begin_controlled()
        self.link(volts=45.0, amps=500.0)
        self.wait_registers(volts_word(28.8), amps_word(60))
        self.link(volts=1.0, amps=0.0)  # no charging: 0 would end the override instead
        self.wait_registers(volts_word(20), 1)

    def test_a_current_alone_leaves_the_voltage_to_the_controller(self):
        self.begin_controlled()
        self.link(mode=EXTERNAL, volts=21.0, amps=15.0)
        self.wait_registers(2 * 2621, amps_word(15))  # its absorption voltage, for 24 V

    def test_a_person_comes_first(self):
        self.begin_controlled()
        self.link()
        self.wait_registers(volts_word(27), amps_word(20))
        self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", 28.4), 0)
        self.wait_registers(volts_word(28.4), amps_word(60))
        self.wait_value(SERVICE, "/Control/VoltageOverride", 28.4, near=0.01)
        self.assertEqual(self.set_value(SERVICE, "/Control/VoltageOverride", 0.0), 0)
        self.wait_registers(volts_word(27), amps_word(20))

    def test_switched_off_it_is_released_and_gone(self):
        self.begin_controlled()
        self.link()
        self.wait_registers(volts_word(27), amps_word(20))
        controlled = self.bus.get_name_owner(SERVICE)
        self.set_setting(ROOT + "ExternalControl", dbus.Int32(0))
        self.wait_registers(0xFFF0, 0xFFF0)
        self.wait_no_name(controlled)
        self.wait_value(SERVICE, "/State", 3)
        self.assertNotIn("/Link/ChargeVoltage", self.items(SERVICE))

    def test_a_killed_driver_releases_what_it_left_behind(self):
        self.begin_controlled()
        self.link()
        self.wait_registers(volts_word(27), amps_word(20))
        self.restart_driver()
        self.wait_registers(0xFFF0, 0xFFF0)
        self.wait_value(SERVICE, "/State", 3)

    def test_set_points_are_repeated_and_run_out(self):
        self.begin_controlled(interval=60000)  # however rarely the user wants it read
        self.simulator.command("slave-limit 50")  # 30 to 40 s between two writes, and room for a busy machine
        self.link()
        self.wait_registers(volts_word(27), amps_word(20))
        self.wait_value(SERVICE, "/State", 252)
        states = set()

        def released():
            states.add(self.word(50))
            return self.value(SERVICE, "/Link/ChargeVoltage") is None
        wait_until(released, "the set points to run out", 120)
        self.assertNotIn(4, states, "the controller was not told again in time")
        self.wait_registers(0xFFF0, 0xFFF0)
        self.wait_value(SERVICE, "/State", 3)


class StuckNetwork(TristarTestCase):
    def test_a_reset_after_failures_wakes_it(self):
        self.begin(ResetCommAfterFailures=3, ResponseTimeout=200)
        self.wait_value(SERVICE, "/State", 3)
        self.simulator.command("misbehave silence 1000000")
        self.driver.wait_line("resetting its network processor")
        self.wait_value(SERVICE, "/Connected", 1)
        self.wait_value(SERVICE, "/Custom/Stats/ConsecutiveFailures", 0)

    def test_nothing_is_reset_unless_asked_for(self):
        self.begin(ResponseTimeout=200)
        self.wait_value(SERVICE, "/State", 3)
        self.simulator.command("misbehave silence 1000000")
        self.wait_value(SERVICE, "/Custom/Stats/ConsecutiveFailures", lambda n: n is not None and n > 4)
        self.assertEqual(self.value(SERVICE, "/Connected"), 0)
        self.assertNotIn("resetting", self.driver.poll_output())


class Pace(TristarTestCase):
    def test_the_night_is_asked_less_often(self):
        self.begin(interval=400)
        self.wait_readings(1)
        day = self.wait_readings(5)
        self.simulator.command("scene I")
        self.wait_value(SERVICE, "/State", 0)
        self.wait_readings(1)
        night = self.wait_readings(5)
        self.assertGreater(night, 5 * 3 * 0.4 * 0.9)
        self.assertLess(day, night)

    def test_a_silent_controller_is_asked_less_often(self):
        self.begin(interval=200)
        self.wait_readings(1)
        self.simulator.command("close-port")
        self.wait_value(SERVICE, "/Connected", 0)
        self.wait_value(SERVICE, "/Custom/Stats/BackoffFactor", 4)
        self.simulator.command("open-port")
        self.wait_value(SERVICE, "/Connected", 1)
        self.assertEqual(self.value(SERVICE, "/Custom/Stats/BackoffFactor"), 1)


class LongAbsence(TristarTestCase):
    def test_it_leaves_the_bus_and_comes_back(self):
        self.begin(options=("--leave-after", 2))
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 1.62, near=0.0005)
        instance = self.value(SERVICE, "/DeviceInstance")
        self.simulator.command("close-port")
        self.wait_no_name(SERVICE)
        self.driver.wait_line("leaving the bus")
        self.assertTrue(self.driver.running)
        self.simulator.command("scene F")
        self.simulator.command("open-port")
        self.wait_value(SERVICE, "/State", 4)
        self.assertEqual(self.value(SERVICE, "/DeviceInstance"), instance)
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 2.81, near=0.0005)

    def test_a_short_absence_is_waited_for(self):
        self.begin(options=("--leave-after", 60))
        self.wait_value(SERVICE, "/State", 3)
        self.simulator.command("close-port")
        self.wait_value(SERVICE, "/Connected", 0)
        self.wait_value(SERVICE, "/Custom/Stats/ConsecutiveFailures", lambda n: n is not None and n > 5)
        self.assertTrue(self.has_name(SERVICE))


if __name__ == "__main__":
    main()
