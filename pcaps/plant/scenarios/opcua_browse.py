"""OPC UA discovery: somebody walks the whole address space of the line's server."""

STANDING = ("cleartext.protocol", "cleartext.opcua_none")


def play(stage):
    stage.opcua(50)
    stage.python("hmi", "opcua_client.py", "10.40.0.31", 30)
    stage.wait(8)
    with stage.step(
        "browse of 150 nodes",
        actors=("guest",),
        targets=("gateway",),
        techniques=("T0861", "T0888"),
        expected=("scan.browse",),
        also=("exfiltration.query_volume",),
        evidence="opcua.servicenodeid.numeric == 527 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "opcua_client.py", "10.40.0.31", 1, "--browse"))
    stage.wait(3)
