"""A fuzzer throws broken Modbus messages at a PLC: wrong lengths, wrong protocol ids, cut PDUs."""

STANDING = ("cleartext.protocol",)
MALFORMED = True


def play(stage):
    stage.plc()
    stage.hmi(30)
    stage.wait(8)
    with stage.step(
        "forty malformed messages",
        actors=("intruder",),
        targets=("plc1",),
        techniques=("T0814", "T0866"),
        expected=("parser_anomaly.malformed",),
        also=(
            "availability.exception_storm",
            "commands.range",
            "commands.unanswered",
            "new_writer.control",
            "new_writer.write",
            "scan.functions",
            "parser_anomaly.unsolicited",
        ),
        evidence="tcp.len > 0 && ip.src == {intruder}",
    ):
        stage.done(stage.python("intruder", "attack_fuzz.py", "10.40.0.11", 40))
    stage.wait(5)
