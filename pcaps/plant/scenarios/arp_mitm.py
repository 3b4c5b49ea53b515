"""A man in the middle by ARP alters the vibration on its way to the model.

The intruder stands between the sensor and its router; the sensor's readings are raised by half, in as many
characters, so that both TCP ends notice nothing. The mirror sees each altered packet twice: as it was sent and as
it was passed on. The model reports wear that is not there.
"""

SPEED = 120
STANDING = ("cleartext.protocol",)
DRIFT = "input_manipulation"


def play(stage):
    hours = 2
    stage.host("intruder")
    stage.inference(3600 * hours, period=24)
    stage.wait(3600)
    stage.learned()
    with stage.step(
        "the router's and the sensor's addresses are announced by another host",
        actors=("intruder",),
        targets=("sensor1",),
        techniques=("T0830", "T1692.002", "AML.T0043"),
        expected=("spoofing.arp_move",),
        also=("spoofing.arp_storm", "parser_anomaly.evasion", "feeds.altered"),
        evidence="arp.opcode == 2 && eth.src == {mac[intruder]}",
    ):
        work = stage.python("intruder", "attack_mitm.py", "10.40.0.41", "10.40.0.1", 2700, "mqtt", 1.5)
        stage.wait(600)
    with stage.step(
        "altered readings",
        actors=("intruder",),
        targets=("broker",),
        techniques=("T1692.002", "AML.T0043"),
        expected=("spoofing.arp_move", "values.step", "values.range", "spoofing.sequence"),
        also=("spoofing.arp_storm", "parser_anomaly.evasion", "feeds.altered"),
        evidence="tcp.len > 0 && tcp.dstport == 1883 && eth.src == {mac[intruder]}",
    ):
        stage.done(work)
    stage.wait(300)
