"""Modbus in the clear: an HMI polls a PLC, anybody on the path can read and write."""

SPEED = 4


def play(stage):
    stage.plc()
    with stage.step("Modbus without encryption or authentication", actors=("hmi",), targets=("plc1",),
                    expected=("cleartext.protocol",), evidence="modbus && ip.addr == {plc1}"):  # fmt: skip
        stage.done(stage.hmi(40, "--operator", 15))
