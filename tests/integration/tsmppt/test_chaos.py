"""Everything around the history is killed, restarted, delayed or misled; what was counted stays counted."""

import json
import os
import random
import time

import dbus
from tristar_testing import ROOT, SERVICE, TristarTestCase
from venus_testing import SETTINGS, SignalLog, main, wait_until


class KilledInTurn(TristarTestCase):
    def test_history_survives_a_kill_of_the_driver(self):
        self.begin()
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 1.62, near=0.0005)
        for scene, expected in (("F", 2.81), ("G", 3.37)):
            self.driver.kill()
            self.wait_no_name(SERVICE)
            self.simulator.command("scene " + scene)
            self.driver = self.start_driver()
            self.wait_value(SERVICE, "/History/Daily/0/Yield", expected, near=0.0005)
        self.assertAlmostEqual(float(self.value(SERVICE, "/Yield/System")), 2604 + 3.37 - 1.62, 2)

    def test_the_day_with_a_restart_at_every_step(self):
        self.simulator = self.start_simulator(scene="A")
        self.driver = self.start_driver()
        self.configure(self.simulator.port, hour=3)
        self.wait_value(SERVICE, "/History/Daily/1/Yield", 3.31, near=0.0005)
        steps = (("B", 6, 30, 0), ("C", 7, 0, 0), ("D", 7, 5, 0), ("E", 11, 30, 1.62), ("F", 13, 30, 2.81),
                 ("G", 16, 0, 3.37), ("I", 20, 0, 3.40))
        for scene, hour, minute, today in steps:
            with self.subTest(scene):
                self.driver.kill()
                self.wait_no_name(SERVICE)
                self.today_is(hour, minute)
                self.simulator.command("scene " + scene)
                self.driver = self.start_driver()
                self.wait_value(SERVICE, "/History/Daily/0/Yield", today, near=0.0005)
                self.wait_value(SERVICE, "/History/Daily/1/Yield", 3.31, near=0.0005)

    def test_the_simulator_comes_back(self):
        self.begin()
        self.wait_value(SERVICE, "/State", 3)
        port = self.simulator.port
        self.simulator.kill()
        self.wait_value(SERVICE, "/Connected", 0)
        self.simulator = self.start_simulator(port=port, scene="F")
        self.wait_value(SERVICE, "/State", 4)

    def test_the_settings_service_comes_back(self):
        self.begin()
        self.settings.kill()
        self.wait_no_name(SETTINGS)
        self.simulator.command("scene F")
        self.wait_value(SERVICE, "/State", 4)
        self.start_settings()
        # Killed before it wrote its file it may have lost the latest changes; the driver registers its settings again.
        self.configure(self.simulator.port)
        self.wait_value(SERVICE, "/State", 4)
        self.set_setting(ROOT + "IPAddress", "")
        self.wait_no_name(SERVICE)

    def test_the_bus_comes_back(self):
        self.begin()
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 1.62, near=0.0005)
        self.bus_daemon.kill()
        self.assertEqual(self.driver.wait_exit(), 1)
        self.settings.wait_exit()
        self.simulator.command("scene F")
        self.start_bus()
        self.start_settings()
        self.driver = self.start_driver()
        # The settings service may have had no time to write down what it was told last.
        self.configure(self.simulator.port)
        self.wait_value(SERVICE, "/State", 4)
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 2.81, near=0.0005)


class KilledAtAnyMoment(TristarTestCase):
    """History after kill -9 at random moments: of starting, reading, rolling over, writing the file, and obeying."""

    ROUNDS = 12

    def test_history_is_intact(self):
        chance = random.Random(20180821)
        self.simulator = self.start_simulator(scene="A")
        self.driver = self.start_driver()
        self.configure(self.simulator.port, hour=3)
        self.wait_value(SERVICE, "/History/Daily/1/Yield", 3.31, near=0.0005)
        self.driver.kill()
        self.today_is(11, 30)
        self.simulator.command("scene E")
        watt_hours = 1620
        for number in range(self.ROUNDS):
            with self.subTest(round=number):
                watt_hours += 10 * chance.randrange(1, 20)
                self.driver = self.start_driver()
                moment = time.monotonic() + chance.uniform(0.02, 1.2)
                self.simulator.command(f"set 68 {watt_hours}")
                while time.monotonic() < moment and self.driver.running:
                    self.disturb(chance)
                self.driver.kill()
                self.wait_no_name(SERVICE)
                self.assert_file_is_whole()
        self.driver = self.start_driver()
        self.wait_value(SERVICE, "/History/Daily/0/Yield", watt_hours / 1000, near=0.0005)
        self.assertAlmostEqual(float(self.value(SERVICE, "/History/Daily/1/Yield")), 3.31, 3)
        self.assertAlmostEqual(float(self.value(SERVICE, "/Yield/System")), 2604 + watt_hours / 1000, 2)

    def disturb(self, chance):
        """Makes the driver write its file: an override is kept there, and so is a change of state."""
        self.simulator.command("set 50 " + chance.choice(("5", "6")))
        if self.has_name(SERVICE):
            try:
                self.item(SERVICE, "/Control/VoltageOverride").SetValue(chance.choice((0.0, 28.0, 28.4)))
            except dbus.DBusException:
                pass  # it has just left, or has not begun

    def assert_file_is_whole(self):
        """Each file is complete, and none was found damaged and set aside."""
        for name in os.listdir(self.state):
            self.assertFalse(name.endswith(".damaged"), name)
            if name.endswith(".json"):
                with open(os.path.join(self.state, name)) as state:
                    json.load(state)


class Trouble(TristarTestCase):
    def test_a_restart_of_the_controller_takes_nothing_away(self):
        self.begin()
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 1.62, near=0.0005)
        voltages = SignalLog(self.bus, SERVICE)
        self.simulator.command("reboot 1")  # registers of today begin anew, scaling reads 0 for a second
        self.wait_value(SERVICE, "/Connected", 0)
        self.wait_value(SERVICE, "/Connected", 1)
        self.assertAlmostEqual(float(self.value(SERVICE, "/History/Daily/0/Yield")), 1.62, 3)
        self.simulator.command("scene F")
        self.wait_value(SERVICE, "/History/Daily/0/Yield", 2.81, near=0.0005)
        self.assertAlmostEqual(float(self.value(SERVICE, "/Yield/System")), 2604 + 2.81 - 1.62, 2)
        seen = [changes["/Dc/0/Voltage"]["Value"] for member, _path, changes in voltages.signals
                if member == "ItemsChanged" and "/Dc/0/Voltage" in changes]
        self.assertTrue(all(isinstance(value, dbus.Array) or value > 26 for value in seen), seen)

    def test_a_slow_controller_does_not_make_the_driver_slow(self):
        self.begin()
        self.wait_value(SERVICE, "/State", 3)
        self.simulator.command("delay 1500")
        reads = lambda: self.value(SERVICE, "/Custom/Stats/SuccessfulReads")
        before = reads()
        wait_until(lambda: reads() > before, "a slow reading")
        # It goes on answering: much more often than the controller answers it.
        answers = []
        before = reads()
        wait_until(lambda: answers.append(self.value(SERVICE, "/State")) or reads() > before, "another reading")
        self.assertGreater(len(answers), 5)
        self.assertEqual(set(answers), {3})
        self.assertEqual(self.value(SERVICE, "/Connected"), 1)

    def test_a_controller_slower_than_the_limit_is_lost_until_it_is_fast_again(self):
        self.begin(ResponseTimeout=300)
        self.wait_value(SERVICE, "/State", 3)
        self.simulator.command("delay 900")
        self.wait_value(SERVICE, "/Connected", 0)
        self.assertIn("no answer in time", str(self.value(SERVICE, "/Custom/Stats/LastError")))
        self.simulator.command("delay 0")
        self.wait_value(SERVICE, "/Connected", 1)
        self.wait_value(SERVICE, "/State", 3)

    def test_a_wrong_unit_is_nobody(self):
        self.simulator = self.start_simulator()
        self.driver = self.start_driver()
        self.configure(self.simulator.port, SlaveID=7, ResponseTimeout=200)
        self.driver.wait_line("no controller: no answer in time")
        self.assertFalse(self.has_name(SERVICE))
        self.set_setting(ROOT + "SlaveID", dbus.Int32(1))
        self.wait_value(SERVICE, "/State", 3)
        self.set_setting(ROOT + "SlaveID", dbus.Int32(8))
        self.wait_no_name(SERVICE)
        self.assertTrue(self.driver.running)


if __name__ == "__main__":
    main()
