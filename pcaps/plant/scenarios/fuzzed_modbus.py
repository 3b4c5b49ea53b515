"""A fuzzer throws broken Modbus messages at a PLC: wrong lengths, wrong protocol ids, cut PDUs."""

STANDING = ("cleartext.protocol",)
MALFORMED = True


def play(stage):
    stage.plc()
    stage.hmi(30)
    stage.wait(8)
    with stage.step("forty malformed messages", actors=("intruder",), targets=("plc1",), techniques=("T0814", "T0866"),
                    expected=("parser_anomaly.malformed", "new_writer.write", "new_writer.control"), evidence="tcp.len > 0 && ip.src == {intruder}"):  # fmt: skip
        stage.done(stage.python("intruder", "attack_fuzz.py", "10.40.0.11", 40))
    stage.wait(5)
