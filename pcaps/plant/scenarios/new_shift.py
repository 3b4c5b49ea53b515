"""The late shift begins: the line is driven harder, and other people write other set points."""

SPEED = 240
EPOCH = 1793599200.0 + 6.5 * 3600  # 12:30
LOOK_ALIKE = "rogue_writer"
STANDING = ("cleartext.protocol",)
DRIFT = "benign_process"
SILENT = ("scan", "boundary", "parser_anomaly")


def play(stage):
    stage.plc()
    stage.hmi(5400, "--period", 60, "--operator", 1200)
    stage.inference(3 * 3600)
    stage.wait(5400)
    stage.learned()
    with stage.step("from 14:00 on another crew and another set point", actors=("hmi",), targets=("plc1",),
                    evidence="modbus.func_code == 6 && ip.src == {hmi}"):  # fmt: skip
        stage.done(stage.hmi(4500, "--period", 60, "--operator", 600, "--setpoint", 1500))
