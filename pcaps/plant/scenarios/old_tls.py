"""TLS 1.0: a registry that was never updated, and a client that accepts it."""


def play(stage):
    stage.registry(stage.model(), tls="old")
    with stage.step(
        "handshakes with TLS 1.0",
        actors=("edge",),
        targets=("registry",),
        techniques=("T0830",),
        expected=("cleartext.tls",),
        also=("encryption.downgrade",),
        evidence="tls.handshake.type == 2",
    ):
        for _ in range(3):
            stage.done(stage.python("edge", "attack_tls.py", "10.50.0.20", 8443, "TLSv1", stage.trust))
            stage.wait(1)
