"""Modbus discovery: units of a gateway and functions of a unit, tried one after the other by a plugged-in host."""

MALFORMED = True  # requests of functions without their bodies
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc()
    stage.hmi(30)
    stage.wait(8)
    with stage.step(
        "every unit identifier from 1 to 40 is asked for a register",
        actors=("intruder",),
        targets=("plc1",),
        techniques=("T0846", "T0888"),
        expected=("scan.units",),
        also=("scan.functions", "commands.unanswered", "availability.exception_storm"),
        evidence="modbus && ip.src == {intruder}",
    ):
        stage.done(stage.python("intruder", "attack_modbus.py", "10.40.0.11", "units", 40))
    with stage.step(
        "every function code is tried",
        actors=("intruder",),
        targets=("plc1",),
        techniques=("T0888",),
        expected=("scan.functions",),
        also=(
            "availability.exception_storm",
            "commands.new_function",
            "commands.unanswered",
            "new_writer.control",
            "new_writer.write",
            "parser_anomaly.malformed",
            "parser_anomaly.unsolicited",
        ),
        evidence="modbus && ip.src == {intruder}",
    ):
        stage.done(stage.python("intruder", "attack_modbus.py", "10.40.0.11", "functions", 1))
    stage.wait(3)
