"""Certificates that prove little: one has expired, one vouches for itself, one is older than the site allows."""

SPEED = 2
STANDING = ()


def serve(stage, host, certificate):
    folder = stage.scratch / "models"
    process = stage.python(
        host, "registry.py", stage.address(host), folder, "--certificate", *certificate, "--tls", "any"
    )
    stage.listening(process, 8443)


def play(stage):
    stage.registry(stage.model())
    for host, dates, own in (
        ("registry", (-80, -10), False),
        ("historian", (-30, 700), True),
        ("training", (-400, 700), False),
    ):
        serve(stage, host, stage.authority.issue(host, valid=dates, own=own))
    # TLS 1.3 hides certificates: that these hosts talk is known, what they show is not.
    for client, server in (("edge", "registry"), ("office", "historian"), ("edge", "training")):
        stage.done(stage.python(client, "attack_tls.py", stage.address(server), 8443, "TLSv1_3", "any"))
        stage.wait(6)
    stage.learned()
    for what, client, server, expected in (
        ("a certificate that has expired", "edge", "registry", "encryption.certificate"),
        ("a certificate that vouches for itself", "office", "historian", "encryption.certificate"),
        ("a certificate of more than a year", "edge", "training", "credentials.old_certificate"),
    ):
        with stage.step(what, actors=(server,), targets=(client,), expected=(expected,),
                        also=("encryption.downgrade",), evidence=f"tls.handshake.type == 11 && ip.src == {{{server}}}"):  # fmt: skip
            for _ in range(3):
                stage.done(stage.python(client, "attack_tls.py", stage.address(server), 8443, "TLSv1_2", "any"))
                stage.wait(2)
