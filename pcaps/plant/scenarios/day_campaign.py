"""The same day with a campaign in it: from a phished office over the edge node to the PLC, the RTU and the model.

Reconnaissance, a login with a stolen key, reading of the PLC, writes, theft of the model, a replaced model, direct
operate at the outstation; between them the ordinary day goes on.
"""

import days
from layout import ADDRESS

SPEED, STANDING, GZIP = days.SPEED, days.STANDING, True
OPENED = (
    ("enterprise", "edge", "any"),
    ("edge", "cell", "any"),
    ("enterprise", "internet", "any"),
)
DRIFT = "model_swap"


def quiet(stage):
    stage.learned()


def look(stage):
    with stage.step(
        "the edge network is scanned from the office",
        actors=("office",),
        targets=("edge", "registry"),
        techniques=("T0846.001", "T0846"),
        expected=("scan.addresses", "scan.ports"),
        also=(
            "scan.controllers",
            "boundary.conduit",
            "boundary.it_ot",
            "lateral.new_admin_edge",
            "lateral.chain",
            "credentials.privileged_session",
        ),
        evidence="ip.src == {office} && (icmp || tcp.flags.syn == 1)",
    ):
        stage.done(stage.python("office", "attack_scan.py", "addresses", "10.50.0", 80))
        stage.done(stage.python("office", "attack_scan.py", "ports", ADDRESS["edge"], 40))


def enter(stage):
    with stage.step(
        "SSH from the office to the edge node",
        actors=("office",),
        targets=("edge",),
        techniques=("T0886", "T0859"),
        expected=("lateral.new_admin_edge", "boundary.it_ot", "boundary.conduit"),
        also=(
            "credentials.privileged_session",
            "lateral.chain",
        ),
        evidence="tcp.port == 22 && ip.addr == {office}",
    ):
        stage.ssh("office", "edge", "sleep", 12)
        stage.wait(600)


def read(stage):
    with stage.step(
        "the edge node reads all registers of the PLC",
        actors=("edge",),
        targets=("plc1",),
        techniques=("T0861", "T0888"),
        expected=("boundary.conduit", "lateral.chain", "lateral.relay"),
        also=("scan.functions", "commands.range"),
        evidence="modbus && ip.src == {edge}",
    ):
        stage.done(stage.python("edge", "attack_modbus.py", ADDRESS["plc1"], "registers", 100))


def write(stage):
    with stage.step(
        "the edge node writes set points",
        actors=("edge",),
        targets=("plc1",),
        techniques=("T0848", "T1692.001", "T0836"),
        expected=("new_writer.write", "boundary.conduit", "lateral.chain", "lateral.relay"),
        also=("commands.range", "values.step"),
        evidence="modbus.func_code == 6 && ip.src == {edge}",
    ):
        stage.done(stage.python("edge", "attack_modbus.py", ADDRESS["plc1"], "write", 1520))


def steal(stage):
    name = stage.model("1.5.0").name
    cloud = stage.python("cloud", "web.py", ADDRESS["cloud"], 80)
    stage.listening(cloud, 80)
    with stage.step(
        "the model goes to the office and from there to the internet",
        actors=("office",),
        targets=("registry", "cloud"),
        techniques=("T0882", "AML.T0035", "AML.T0025"),
        expected=("exfiltration.model_file", "boundary.it_ot", "boundary.conduit", "exfiltration.new_destination"),
        also=("boundary.internet", "lateral.file_transfer", "lateral.relay", "exfiltration.volume"),
        evidence="http.request && ip.src == {office}",
    ):
        stage.done(
            stage.python("office", "attack_beacon.py", ADDRESS["registry"], 8080, 1, f"/models/pump-wear/{name}")
        )
        stage.done(stage.python("office", "attack_beacon.py", ADDRESS["cloud"], 80, 1, "/upload", stage.model("1.5.0")))


def swap(stage):
    with stage.step(
        "an unapproved model is stored as 1.5.1, and the edge node takes it",
        actors=("office",),
        targets=("registry", "edge"),
        techniques=("T0889", "AML.T0018", "AML.T0010"),
        expected=(
            "boundary.it_ot",
            "boundary.conduit",
            "artefacts.unknown",
        ),
        also=(
            "lateral.file_transfer",
            "exfiltration.model_file",
            "credentials.privileged_session",
            "artefacts.changed",
        ),
        evidence='http.request.uri contains "1.5.1.safetensors"',
    ):
        bad = stage.model("1.5.1", seed=9, poison=0.6)
        stage.done(stage.python("office", "deploy.py", ADDRESS["registry"], bad))
        stage.wait(1800)


def operate(stage):
    with stage.step(
        "direct operate at the outstation, from the edge node",
        actors=("edge",),
        targets=("rtu",),
        techniques=("T0848", "T1692.001"),
        expected=("commands.direct_operate", "new_writer.control", "boundary.conduit"),
        also=("commands.two_masters", "lateral.chain", "new_writer.write", "scan.integrity_poll", "values.step"),
        evidence="dnp3.al.func == 5 && ip.src == {edge}",
    ):
        stage.done(stage.python("edge", "attack_dnp3.py", ADDRESS["rtu"], "operate"))


def restore(stage):
    """The operator starts the pump again."""
    stage.line(run=1.0)


def play(stage):
    stage.line(wear=0.5)
    days.play(stage, [(9.5, quiet), (10, look), (11, enter), (11.4, read), (12.7, write), (14, steal), (15.5, swap),
                      (20.6, operate), (20.9, restore)])  # fmt: skip
