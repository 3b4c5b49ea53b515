"""An unapproved model is put into the registry under a new version; the edge node takes it and its score moves.

The artefact is well formed and its checksum is that of the manifest: only the list of approved versions tells.
"""

SPEED = 240
STANDING = ("cleartext.protocol", "cleartext.login")
OPENED = (("enterprise", "edge", "8080"),)
DRIFT = "model_swap"


def play(stage):
    stage.line(wear=0.55)
    bad = stage.model("1.4.1", seed=9, poison=0.6)
    stage.registry(stage.model())
    stage.host("office")
    stage.inference(3 * 3600)
    stage.wait(5400)
    stage.learned()
    with stage.step(
        "an office host stores version 1.4.1",
        actors=("office",),
        targets=("registry",),
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
        ),
        evidence='http.request.method == "PUT"',
    ):
        stage.done(stage.python("office", "deploy.py", "10.50.0.20", bad))
    with stage.step(
        "the edge node downloads it",
        actors=("registry",),
        targets=("edge",),
        techniques=("AML.T0018",),
        expected=(
            "artefacts.unknown",
            "artefacts.changed",
        ),
        evidence='http.request.uri contains "1.4.1.safetensors" && ip.src == {edge}',
    ):
        stage.wait(3600)
    stage.wait(900)
