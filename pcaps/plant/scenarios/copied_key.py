"""A copied key: the HMI's client certificate of Modbus/TCP Security is shown by another host as well."""

SPEED = 3
STANDING = ()


def play(stage):
    stage.plc(tls=True, mutual=True)
    shown = stage.authority.issue("hmi")
    stage.hmi(60, "--operator", 20, "--period", 2, "--tls", stage.trust, *shown)
    stage.wait(35)
    stage.learned()
    with stage.step(
        "a second host logs in to the PLC with the HMI's certificate",
        actors=("guest",),
        targets=("plc1", "hmi"),
        techniques=("T0859",),
        expected=("credentials.shared",),
        also=("baseline.new_behaviour", "lateral.new_admin_edge"),
        evidence="tls.handshake.type == 11 && ip.src == {guest}",
    ):
        stage.done(
            stage.python(
                "guest", "hmi.py", "10.40.0.11", 12, "--operator", 0, "--period", 2, "--tls", stage.trust, *shown
            )
        )
    stage.wait(12)
