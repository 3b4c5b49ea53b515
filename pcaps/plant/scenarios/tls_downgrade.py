"""A registry that spoke TLS 1.3 all along is suddenly asked for TLS 1.0, and agrees."""

SPEED = 2
STANDING = ()


def play(stage):
    stage.registry(stage.model(), tls="any")
    trust = stage.trust
    for _ in range(8):
        stage.done(stage.python("edge", "attack_tls.py", "10.50.0.20", 8443, "TLSv1_3", trust))
        stage.wait(2)
    stage.learned()
    with stage.step(
        "the same client negotiates TLS 1.0",
        actors=("edge",),
        targets=("registry",),
        techniques=("T0830",),
        expected=(
            "cleartext.tls",
            "encryption.downgrade",
        ),
        evidence="tls.handshake.type == 2",
    ):
        for _ in range(3):
            stage.done(stage.python("edge", "attack_tls.py", "10.50.0.20", 8443, "TLSv1", trust))
            stage.wait(2)
