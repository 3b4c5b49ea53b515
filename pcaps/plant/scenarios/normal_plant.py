"""Normal life: polling, operator, DNP3 masters of two makes, telemetry, model, historian, names and time.

Nothing here is an attack. Everything the plant does it does in the clear, as most plants do.
"""

SPEED = 5
STANDING = ("cleartext.protocol", "cleartext.opcua_none")
SILENT = ("scan", "boundary", "new_writer", "parser_anomaly", "cleartext.credentials", "cleartext.tls")


def play(stage):
    stage.plc()
    stage.rtu(170)
    stage.opcua(170)
    stage.broker()
    stage.hmi(150)
    stage.master(150)
    stage.other_master(140)
    stage.historian(150)
    stage.telemetry(150)
    edge = stage.edge(150, "--opcua", "10.40.0.31", "--serve", "10.50.0.10")
    stage.listening(edge, 4840)
    stage.python("hmi", "opcua_client.py", "10.50.0.10", 120, "--score", "--period", 5)
    stage.wait(70)
    stage.learned()
    stage.wait(90)
