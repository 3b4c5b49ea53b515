"""The same plant with everything encrypted: Modbus/TCP Security, OPC UA SignAndEncrypt, MQTT over TLS, HTTPS."""

SPEED = 2
SILENT = ("cleartext", "scan", "parser_anomaly")


def play(stage):
    stage.plc(tls=True)
    stage.opcua(70, "encrypt")
    stage.broker(clear=False, tls=True)
    stage.registry(stage.model(), tls="new")
    trust = stage.trust
    stage.hmi(50, "--operator", 20, "--tls", trust, *stage.authority.issue("hmi"))
    stage.telemetry(50, "--tls", trust)
    stage.historian(50, "--tls", trust)
    stage.edge(50, "--tls", trust, "--registry", "https://10.50.0.20:8443", trust)
    stage.done(stage.python("hmi", "opcua_client.py", "10.40.0.31", 40, "--policy", "encrypt", "--trust", trust,
                            "--certificate", *stage.authority.issue("ews", kind="rsa", uri="urn:example:client"),
                            "--user", "operator", "pump-line-1"))  # fmt: skip
    stage.wait(15)
