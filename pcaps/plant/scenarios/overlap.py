"""Evasion: segments and fragments that overlap with different content, so that a monitor reads what the PLC does not.

The attacker's TCP is its own (raw frames): a read request covers, in a monitor that keeps what came first, a write.
"""

STANDING = ("cleartext.protocol",)
MALFORMED = True


def play(stage):
    stage.plc()
    stage.hmi(25)
    stage.wait(8)
    with stage.step(
        "overlapping TCP segments",
        actors=("intruder",),
        targets=("plc1",),
        techniques=("T0866", "T0830"),
        expected=("parser_anomaly.evasion",),
        also=("new_writer.write", "new_writer.control", "spoofing.sequence", "commands.range"),
        evidence="tcp.len > 0 && ip.src == {intruder}",
    ):
        stage.done(stage.python("intruder", "attack_overlap.py", "10.40.0.11", "segments", 4))
    with stage.step(
        "overlapping IP fragments",
        actors=("intruder",),
        targets=("plc1",),
        techniques=("T0866", "T0830"),
        expected=("parser_anomaly.evasion",),
        also=("new_writer.write", "new_writer.control", "spoofing.sequence", "commands.range"),
        evidence="ip.src == {intruder} && (ip.flags.mf == 1 || ip.frag_offset > 0)",
    ):
        stage.done(stage.python("intruder", "attack_overlap.py", "10.40.0.11", "fragments", 4))
    stage.wait(3)
