"""What a broker sees, by foreign clients: python3-paho-mqtt and mosquitto_sub."""

import json
import subprocess

from givenergy_testing import ADAPTER, SERIAL, GivEnergyTestCase, Listener
from venus_testing import main, wait_until

STATUS = f"GivEnergy/{SERIAL}/status"
COMPAT = f"GivEnergy/{ADAPTER}/"
V3 = f"GivEnergy/{SERIAL}/"


class Mqtt(GivEnergyTestCase):

    def start_everything(self, *broker_lines, listen=True, **settings):
        self.simulator = self.start_simulator()
        self.start_broker(*broker_lines)
        self.start_driver(self.simulator, **{"Mqtt/Host": "127.0.0.1", "Mqtt/Port": self.broker_port, **settings})
        if listen:
            self.listen()

    def listen(self):
        self.listener = Listener(self.broker_port)
        self.addCleanup(self.listener.close)
        self.listener.wait_topic(STATUS, "online")
        return self.listener

    def test_both_topic_sets(self):
        self.start_everything()
        now = self.simulator.now()
        topic = self.listener.wait_topic
        topic(COMPAT + "Power/Grid Power", str(int(now["grid"])))
        topic(COMPAT + "Power/Load Power", str(int(now["load"])))
        topic(COMPAT + "Energy/Total/Import Energy Total kWh", "28657.3")
        topic(COMPAT + "Control/Mode", "1")
        topic(COMPAT + "Timeslots/Charge end time slot1(95)", "0530")
        topic(V3 + "Power/Power/Grid_Power", str(int(now["grid"])))
        topic(V3 + "Power/Power/SOC", "50")
        topic(V3 + "Control/Mode", "Eco")
        topic(V3 + "Timeslots/Charge_end_time_slot_1", "05:30:00")
        topic(V3 + "Invertor_Type", "HYBRID_GEN1")
        topic(V3 + "Battery_Details/Battery_Stack_1/BG2134G001/Battery_Cell_16_Voltage", "3.191")
        topic(V3 + "Energy/Total/Import_Energy_Total_kWh", "28657.3")
        flows = {name: float(topic(V3 + "Power/Flows/" + name)) for name in
                 ("Solar_to_House", "Solar_to_Battery", "Solar_to_Grid", "Battery_to_House", "Grid_to_House")}
        self.assertEqual(flows["Solar_to_House"] + flows["Solar_to_Battery"] + flows["Solar_to_Grid"], now["pv"])
        self.assertFalse([t for t, _, retained in self.listener.log if retained and t != STATUS])

    def test_one_set_and_retained(self):
        self.start_everything(**{"Mqtt/TopicSet": 1, "Mqtt/Retain": 1, "Mqtt/Root": "energy/giv"}, listen=False)
        first = Listener(self.broker_port)
        self.addCleanup(first.close)
        first.wait_topic(f"energy/giv/{SERIAL}/Power/Power/SOC", "50")
        # mosquitto_sub as another foreign client: a retained value is there for who comes later.
        out = subprocess.run(["mosquitto_sub", "-p", str(self.broker_port), "-C", "1", "-W", "20", "-t",
                              f"energy/giv/{SERIAL}/Power/Power/SOC"], capture_output=True, text=True, timeout=30)
        self.assertEqual(out.stdout, "50\n")
        self.assertFalse([topic for topic in first.topics if ADAPTER in topic])

    def test_last_will(self):
        self.start_everything()
        self.driver.kill()
        self.listener.wait_topic(STATUS, "offline")

    def test_leaving_in_order(self):
        self.start_everything()
        self.assertEqual(self.driver.terminate(), 0)
        self.listener.wait_topic(STATUS, "offline")

    def test_inverter_away(self):
        self.start_everything()
        self.simulator.misbehave(silence=True)
        self.listener.wait_topic(STATUS, "offline")
        self.simulator.behave()
        self.listener.wait_topic(STATUS, "online")

    def test_broker_away_costs_nothing_but_time(self):
        self.start_everything()
        self.broker.kill()
        self.driver.wait_line("MQTT: 127.0.0.1")
        reads = self.simulator.counters()["reads"]
        wait_until(lambda: self.simulator.counters()["reads"] > reads + 10, "polls without a broker")
        self.assertEqual(self.value(self.service("grid"), "/Connected"), 1)
        self.start_broker()
        listener = self.listen()
        listener.wait_topic(V3 + "Power/Power/SOC", "50")

    def test_broker_that_comes_later_and_settings_live(self):
        self.simulator = self.start_simulator()
        self.start_driver(self.simulator)
        self.wait_online()
        self.start_broker()
        self.set_setting("/Settings/GivEnergy/Mqtt/Port", self.broker_port)
        self.set_setting("/Settings/GivEnergy/Mqtt/Host", "localhost")
        listener = self.listen()
        self.set_setting("/Settings/GivEnergy/Mqtt/Host", "")
        listener.wait_topic(STATUS, "offline")

    def test_login(self):
        passwords = self.directory + "/passwords"
        right, wrong = "7531-right-one", "7531-wrong-one"
        subprocess.run(["mosquitto_passwd", "-b", "-c", passwords, "venus", right], check=True)
        import os
        os.chmod(passwords, 0o644)
        self.start_everything("allow_anonymous false", f"password_file {passwords}", listen=False,
                              **{"Mqtt/User": "venus", "Mqtt/Password": wrong})
        for password in (right, wrong):
            self.keep_secret(password, self.driver, self.state)
        self.driver.wait_line("refuses")
        self.set_setting("/Settings/GivEnergy/Mqtt/Password", right)
        self.driver.wait_line("MQTT: connected")

    def start_tls_broker(self):
        """A broker that speaks TLS and asks for a login; its certificate says localhost. Returns the CA's file."""
        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=self.directory, check=True, capture_output=True)
        for name in ("ca", "stranger"):
            openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN=test {name}",
                    "-keyout", f"{name}.key", "-out", f"{name}.pem")
        openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-keyout", "broker.key",
                "-out", "broker.csr")
        with open(self.directory + "/names", "w") as names:
            names.write("subjectAltName=DNS:localhost\n")
        openssl("x509", "-req", "-in", "broker.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "names", "-out", "broker.pem")
        self.start_broker(f"certfile {self.directory}/broker.pem", f"keyfile {self.directory}/broker.key",
                          "allow_anonymous true")
        return self.directory + "/ca.pem"

    def test_tls(self):
        ca_file = self.start_tls_broker()
        self.simulator = self.start_simulator()
        self.start_driver(self.simulator, **{"Mqtt/Port": self.broker_port, "Mqtt/Tls": 1, "Mqtt/CaFile": ca_file,
                                             "Mqtt/Host": "localhost"})
        listener = Listener(self.broker_port, ca_file=ca_file)
        self.addCleanup(listener.close)
        listener.wait_topic(STATUS, "online")
        listener.wait_topic(V3 + "Power/Power/SOC", "50")

    def test_tls_refuses_whom_it_cannot_trust(self):
        ca_file = self.start_tls_broker()
        listener = Listener(self.broker_port, ca_file=ca_file)
        self.addCleanup(listener.close)
        self.simulator = self.start_simulator()
        self.start_driver(self.simulator, **{
            "Mqtt/Port": self.broker_port, "Mqtt/Tls": 1, "Mqtt/CaFile": self.directory + "/stranger.pem",
            "Mqtt/Host": "localhost"})
        self.driver.wait_line("MQTT: localhost")
        # The right authority, but a name that the certificate does not hold.
        self.set_setting("/Settings/GivEnergy/Mqtt/CaFile", ca_file)
        self.set_setting("/Settings/GivEnergy/Mqtt/Host", "127.0.0.1")
        self.driver.wait_line("MQTT: 127.0.0.1")
        # No file, no connection: never a login in the clear.
        self.set_setting("/Settings/GivEnergy/Mqtt/CaFile", self.directory + "/nowhere.pem")
        self.driver.wait_line("nowhere.pem cannot be read")
        self.assertEqual(listener.topics, {})
        self.set_setting("/Settings/GivEnergy/Mqtt/CaFile", ca_file)
        self.set_setting("/Settings/GivEnergy/Mqtt/Host", "localhost")
        listener.wait_topic(STATUS, "online")

    def test_discovery(self):
        self.start_everything(AllowControl=1, **{"Mqtt/Discovery": 1})
        topic = f"homeassistant/sensor/givenergy_{SERIAL}/Power_Power_Grid_Power/config"
        config = json.loads(self.listener.wait_topic(topic))
        self.assertEqual(config["state_topic"], V3 + "Power/Power/Grid_Power")
        self.assertEqual(config["unit_of_measurement"], "W")
        self.assertEqual(config["availability_topic"], STATUS)
        energy = json.loads(self.listener.wait_topic(
            f"homeassistant/sensor/givenergy_{SERIAL}/Energy_Total_Import_Energy_Total_kWh/config"))
        self.assertEqual(energy["state_class"], "total_increasing")
        number = json.loads(self.listener.wait_topic(
            f"homeassistant/number/givenergy_{SERIAL}/setChargeTarget/config"))
        self.assertEqual((number["min"], number["max"]), (4, 100))
        self.assertEqual(number["command_topic"], f"GivEnergy/control/{SERIAL}/setChargeTarget")
        late = Listener(self.broker_port)
        self.addCleanup(late.close)
        late.wait_topic(topic)
        self.assertTrue(all(retained for t, _, retained in late.log if t == topic))


if __name__ == "__main__":
    main()
