"""Passwords in the clear: MQTT user names, an FTP login, HTTP basic authentication.

The FTP and HTTP logins are those of an engineer who fetches a configuration from the file server.
"""

STANDING = ("cleartext.protocol", "boundary.conduit")


def play(stage):
    stage.broker(passwords=True)
    stage.files()
    with stage.step(
        "MQTT CONNECT with user name and password",
        actors=("edge", "sensor1"),
        targets=("broker",),
        techniques=("T0859",),
        expected=("cleartext.credentials", "credentials.cleartext"),
        evidence="mqtt.passwd",
    ):
        stage.telemetry(6, "--user", "sensor", "sensor-secret")
        stage.done(stage.edge(6, "--user", "edge", "edge-secret", "--v5"))
    with stage.step(
        "FTP login",
        actors=("historian",),
        targets=("server",),
        techniques=("T0859",),
        expected=("cleartext.credentials", "credentials.cleartext", "cleartext.login"),
        evidence='ftp.request.command == "PASS"',
    ):
        stage.done(stage.python("historian", "attack_login.py", "ftp", "10.10.0.5", "engineer", "turbine-7"))
    with stage.step(
        "HTTP basic authentication",
        actors=("historian",),
        targets=("server",),
        techniques=("T0859",),
        expected=("cleartext.credentials", "credentials.cleartext", "cleartext.login"),
        evidence="http.authbasic",
    ):
        stage.done(stage.python("historian", "attack_login.py", "http", "10.10.0.5", "engineer", "turbine-7"))


OPENED = (("dmz", "enterprise", "21"), ("dmz", "enterprise", "any"))
