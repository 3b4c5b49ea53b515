"""The vibration sensor ages: its reading creeps upwards, and the score with it. Nobody did anything."""

SPEED = 240
LOOK_ALIKE = "arp_mitm"
STANDING = ("cleartext.protocol",)
DRIFT = "sensor_fault"
SILENT = ("new_writer", "scan", "boundary", "parser_anomaly")


def play(stage):
    stage.inference(3 * 3600)
    stage.wait(4800)
    stage.learned()
    with stage.step("the reading creeps upwards by 1.2 mm/s in an hour and a half", actors=("sensor1",), targets=("edge",),
                    evidence="mqtt.msgtype == 3 && ip.src == {sensor1}"):  # fmt: skip
        for turn in range(54):
            stage.line(fault__vibration=turn * 0.0222)
            stage.wait(100)
