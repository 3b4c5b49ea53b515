"""Accounts that vendors ship: a panel's web page, a broker, a shell and an FTP server still have theirs."""

STANDING = (
    "cleartext.protocol",
    "boundary.conduit",
    "cleartext.credentials",
    "credentials.cleartext",
    "cleartext.login",
)


def play(stage):
    stage.broker(passwords=True)
    stage.files()
    for what, client, server, arguments, evidence in (
        (
            "FTP with the account of a controller",
            "historian",
            "server",
            ("ftp", "10.10.0.5", "sysdiag", "factorycast@schneider"),
            'ftp.request.command == "PASS"',
        ),
        (
            "a web page with admin and admin",
            "historian",
            "server",
            ("http", "10.10.0.5", "admin", "admin"),
            "http.authbasic",
        ),
        (
            "a broker with the account of its manual",
            "edge",
            "broker",
            ("mqtt", "10.20.0.10", "admin", "public"),
            "mqtt.passwd",
        ),
    ):
        with stage.step(what, actors=(client,), targets=(server,), techniques=("T1694.001", "T0859"),
                        expected=("credentials.default",), also=("credentials.cleartext", "cleartext.credentials", "cleartext.login"), evidence=evidence):  # fmt: skip
            stage.done(stage.python(client, "attack_login.py", *arguments))
            stage.wait(2)


OPENED = (("dmz", "enterprise", "21"), ("dmz", "enterprise", "any"))
