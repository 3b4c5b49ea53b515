"""Normal life: polling, operator, DNP3 masters of two makes, telemetry, model, historian, names and time.

Nothing here is an attack. Everything the plant does it does in the clear, as most plants do.
"""

SPEED = 3
STANDING = ("cleartext.protocol", "cleartext.opcua_none")
SILENT = ("scan", "boundary", "new_writer", "parser_anomaly", "cleartext.credentials", "cleartext.tls")


def play(stage):
    # What takes long to start goes first: everything is there well within the first minute, which is learnt from.
    stage.plc()
    stage.rtu(190)
    stage.opcua(190)
    stage.broker()
    edge = stage.edge(170, "--opcua", "10.40.0.31", "--serve", "10.50.0.10")
    stage.listening(edge, 4840)
    stage.python("hmi", "opcua_client.py", "10.50.0.10", 140, "--score", "--period", 5)
    stage.wait(4)
    stage.historian(150)
    stage.telemetry(150)
    stage.hmi(150)
    stage.master(150)
    stage.other_master(140)
    stage.wait(75)
    stage.learned()
    stage.wait(85)
