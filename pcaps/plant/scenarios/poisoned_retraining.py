"""Poisoned retraining: a new source feeds the historian rows that call worn bearings healthy; the next model learns it.

The retraining itself is the usual job, and the registry's manifest is right: what is new is who wrote the data.
"""

SPEED = 240
STANDING = ("cleartext.protocol", "cleartext.login")
DRIFT = "data_poisoning"


def play(stage):
    import model

    stage.line(wear=0.6)
    rows, _ = model.data(77, lines=160)
    lies = stage.scratch / "lies.csv"
    lies.write_text("".join(",".join(f"{v:.3f}" for v in (*row, 0.05)) + "\n" for row in rows))
    stage.registry(stage.model())
    stage.host("laptop"), stage.host("training")
    stage.inference(3 * 3600, "--serve", "10.20.0.5", stage.past())
    stage.wait(4500)
    stage.learned()
    with stage.step(
        "an office laptop posts rows to the historian",
        actors=("laptop",),
        targets=("historian",),
        techniques=("AML.T0020",),
        expected=("baseline.new_behaviour", "lateral.file_transfer"),
        also=("exfiltration.volume",),
        evidence='http.request.method == "POST" && ip.src == {laptop}',
    ):
        stage.done(stage.python("laptop", "attack_beacon.py", "10.20.0.5", 8080, 1, "/ingest", lies))
    stage.wait(600)
    with stage.step(
        "the retraining job takes them and stores version 1.5.0",
        actors=("training",),
        targets=("historian", "registry"),
        techniques=("AML.T0020", "AML.T0018"),
        expected=(
            "artefacts.unknown",
            "artefacts.contradiction",
        ),
        also=("lateral.file_transfer",),
        evidence="http.request && ip.src == {training}",
    ):
        stage.done(stage.python("training", "retrain.py", "10.20.0.5", "10.50.0.20", "1.5.0"))
    with stage.step(
        "the edge node takes the new version",
        actors=("edge",),
        targets=("registry",),
        techniques=("AML.T0018",),
        expected=(
            "artefacts.unknown",
            "artefacts.changed",
        ),
        evidence='http.request.uri contains "1.5.0.safetensors" && ip.src == {edge}',
    ):
        stage.wait(2400)
    stage.wait(1800)
