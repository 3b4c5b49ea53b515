"""From the office over the edge node to the PLC: SSH, then Modbus from a host that never spoke it.

Enterprise may log in to the edge node (somebody opened that for the data scientists), and a forgotten rule lets the
edge node reach port 502 in the cell.
"""

SPEED = 5
STANDING = ("cleartext.protocol",)
OPENED = (("enterprise", "edge", "22"), ("edge", "cell", "502"))
DRIFT = "edge_compromise"


def play(stage):
    stage.plc()
    stage.shell("edge")
    stage.broker()
    stage.hmi(170, "--operator", 30)
    stage.edge(170, "--period", 4)
    stage.telemetry(165, "--period", 4)
    stage.host("office")
    stage.wait(105)
    stage.learned()
    with stage.step(
        "SSH from the office to the edge node",
        actors=("office",),
        targets=("edge",),
        techniques=("T0886", "T0859"),
        expected=("lateral.new_admin_edge", "boundary.it_ot", "boundary.conduit"),
        also=("credentials.privileged_session", "lateral.chain"),
        evidence="tcp.port == 22 && ip.addr == {office}",
    ):
        session = stage.ssh("office", "edge", "sleep", 9)
        stage.wait(10)
    with stage.step(
        "Modbus writes from the edge node",
        actors=("edge",),
        targets=("plc1",),
        techniques=("T0848", "T1692.001", "T0866"),
        expected=("lateral.chain", "lateral.relay", "new_writer.write", "boundary.conduit"),
        also=("scan.functions", "commands.range", "values.step"),
        evidence="modbus && ip.src == {edge}",
    ):
        stage.done(stage.python("edge", "attack_modbus.py", "10.40.0.11", "registers", 100))
        stage.done(stage.python("edge", "attack_modbus.py", "10.40.0.11", "write", 1150))
    stage.done(session)
    stage.wait(20)
