"""Another product: the line runs the thicker medium, every reading moves together as physics wants."""

SPEED = 240
LOOK_ALIKE = "arp_mitm"
STANDING = ("cleartext.protocol",)
DRIFT = "benign_process"
SILENT = ("scan", "boundary", "parser_anomaly")


def play(stage):
    stage.plc()
    stage.hmi(3 * 3600, "--period", 60, "--operator", 1200)
    stage.inference(3 * 3600)
    stage.wait(5400)
    stage.learned()
    with stage.step("product B: every reading moves", actors=("sensor1",), targets=("broker",),
                    evidence="mqtt.msgtype == 3 && ip.src == {sensor1}"):  # fmt: skip
        stage.line(product="B")
        stage.wait(4500)
