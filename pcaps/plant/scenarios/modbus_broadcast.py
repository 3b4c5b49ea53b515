"""Modbus: a set point is written to unit 0, which behind a serial gateway means every station."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.plc(gateway=True, units=3)
    stage.hmi(130, "--operator", 20)
    stage.wait(95)
    stage.learned()
    with stage.step(
        "three writes to all stations",
        actors=("guest",),
        targets=("plc1",),
        techniques=("T1692.001", "T0848", "T0836"),
        expected=("commands.broadcast_write", "new_writer.write"),
        also=("commands.unanswered",),
        evidence="mbtcp.unit_id == 0 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_modbus.py", "10.40.0.11", "broadcast", 1600))
    stage.wait(15)
