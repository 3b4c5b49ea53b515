"""Every conduit of the plant in use, each within what it allows."""

SPEED = 2
LOOK_ALIKE = "conduit_violation"
STANDING = ("cleartext.protocol", "cleartext.opcua_none", "cleartext.login")
SILENT = ("boundary",)


def play(stage):
    stage.plc()
    stage.rtu(60)
    stage.opcua(60)
    stage.broker()
    stage.registry(stage.model())
    stage.names_and_time()
    stage.shell("registry")
    past = stage.scratch / "past.csv"
    past.write_text("")
    stage.historian(50, "--serve", "10.20.0.5", past)
    stage.hmi(45)
    stage.master(45)
    stage.telemetry(45)
    stage.edge(45, "--opcua", "10.40.0.31", "--registry", "http://10.50.0.20:8080")
    for host in ("historian", "hmi", "edge"):
        stage.ask(host)
    stage.wait(10)
    stage.done(stage.python("office", "attack_beacon.py", "10.20.0.5", 8080, 2, "/telemetry.csv"))
    stage.done(stage.ssh("ews", "registry", "ls", "-l"))
    stage.wait(25)
