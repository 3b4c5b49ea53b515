"""Model files that are not what they should be, put into the registry one after the other by an office host.

A pickle that runs a command when it is loaded, a revoked version, a model under the name of a table, and the released
file's name with other bytes minutes later.
"""

import os
import pickle

SPEED = 2
STANDING = ("cleartext.protocol", "cleartext.login")
OPENED = (("enterprise", "edge", "8080"),)
ACTORS = {"actors": ("office",), "targets": ("registry",)}
ALSO = ("boundary.it_ot", "boundary.conduit", "lateral.file_transfer", "exfiltration.model_file", "artefacts.unknown")


class Payload:
    """Its pickle calls `os.system`; nothing here ever loads it."""

    def __reduce__(self):
        return os.system, ("id",)


def play(stage):
    released = stage.model("1.5.0")
    revoked = stage.model("1.3.0")
    other = stage.model("1.5.1", seed=9, poison=0.3)
    hostile = stage.scratch / "scaler.pkl"
    hostile.write_bytes(pickle.dumps({"mean": [0.1] * 64, "scaler": Payload()}, protocol=4))
    stage.registry(stage.model())
    stage.host("office")
    stage.plc()
    stage.hmi(50)
    stage.wait(15)
    stage.learned()
    uploads = (
        ("a pickle that runs a command", hostile, hostile.name, "dangerous_pickle", ("AML.T0011.000", "AML.T0010")),
        ("a revoked version", revoked, revoked.name, "revoked", ("AML.T0018",)),
        ("a model under the name of a table", other, "shift-report.csv", "contradiction", ("T0849", "AML.T0010")),
    )
    for what, file, name, kind, techniques in uploads:
        with stage.step(
            f"{what} is stored",
            techniques=techniques,
            expected=(f"artefacts.{kind}",),
            also=ALSO,
            evidence=f'http.request.uri contains "{name}"',
            **ACTORS,
        ):
            stage.done(stage.python("office", "deploy.py", "10.50.0.20", file, name))
        stage.wait(5)
    with stage.step(
        "the released file is stored, and then other bytes under its name",
        techniques=("AML.T0018",),
        expected=("artefacts.changed",),
        also=ALSO,
        evidence=f'http.request.uri contains "{released.name}"',
        **ACTORS,
    ):
        stage.done(stage.python("office", "deploy.py", "10.50.0.20", released))
        stage.wait(5)
        stage.done(stage.python("office", "deploy.py", "10.50.0.20", other, released.name))
    stage.wait(5)
