"""A maintenance window: an engineer logs in, reads everything, writes set points, fetches a backup over SMB."""

SPEED = 5
LOOK_ALIKE = "pivot"
STANDING = ("cleartext.protocol",)
SILENT = ("scan", "parser_anomaly")


def play(stage):
    stage.plc()
    stage.share()
    stage.names_and_time()
    stage.shell("edge")
    stage.hmi(200, "--operator", 30)
    stage.wait(105)
    stage.learned()
    with stage.step(
        "the engineer's workstation writes set points",
        actors=("ews",),
        targets=("plc1",),
        approved=("write", "session"),
        evidence="modbus.func_code == 6 && ip.src == {ews}",
    ):
        stage.ask("ews", "plc1")
        stage.done(stage.python("ews", "attack_modbus.py", "10.40.0.11", "registers", 100))
        stage.done(stage.python("ews", "attack_modbus.py", "10.40.0.11", "write", 1445))
    with stage.step(
        "SSH to the edge node, and a backup to the file server",
        actors=("ews",),
        targets=("edge", "server"),
        approved=("session",),
        evidence="ip.src == {ews} && (tcp.port == 22 || tcp.port == 445)",
    ):
        stage.done(stage.ssh("ews", "edge", "uname", "-a"))
        backup = stage.scratch / "plc1.bak"
        backup.write_bytes(bytes(range(256)) * 80)
        stage.spawn("ews", "smbclient", "//10.10.0.5/plans", "-N", "-c", f"put {backup} plc1.bak; ls").wait(timeout=30)
    stage.wait(20)
