"""The registry shows another certificate than before, by an authority nobody knows; the client accepts it."""

SPEED = 2
STANDING = ()


def serve(stage, certificate):
    process = stage.python(
        "registry", "registry.py", "10.50.0.20", stage.scratch / "models", "--certificate", *certificate
    )
    stage.listening(process, 8443)
    return process


def play(stage):
    stage.registry(stage.model())
    server = serve(stage, stage.authority.issue("registry"))
    for _ in range(8):
        stage.done(stage.python("edge", "attack_tls.py", "10.50.0.20", 8443, "TLSv1_2", "any"))
        stage.wait(3)
    stage.learned()
    server.terminate()
    server.wait(timeout=10)
    serve(stage, stage.other_authority("Proxy root").issue("registry"))
    with stage.step(
        "the registry's certificate is another one",
        actors=("registry",),
        targets=("edge",),
        techniques=("T0830",),
        expected=("encryption.changed_certificate",),
        evidence="tls.handshake.type == 11 && ip.src == {registry}",
    ):
        for _ in range(3):
            stage.done(stage.python("edge", "attack_tls.py", "10.50.0.20", 8443, "TLSv1_2", "any"))
            stage.wait(3)
    stage.wait(10)
