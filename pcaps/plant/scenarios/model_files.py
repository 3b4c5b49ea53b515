"""The model as a file: stored on a share by the engineer, then taken from there over SMB and over FTP by an office host.

The same bytes in two more carriers than HTTP, all in the clear.
"""

SPEED = 2
STANDING = ("cleartext.protocol",)


def play(stage):
    model = stage.model()
    stage.share()
    stage.files(anybody=(model,))
    stage.host("office")
    stage.plc()
    stage.hmi(50)
    stage.wait(15)
    with stage.step(
        "the engineer keeps a copy of the model on the share",
        actors=("ews",),
        targets=("server",),
        evidence="tcp.port == 445 && ip.src == {ews}",
    ):
        put = f"put {model} {model.name}; ls"
        stage.done(stage.spawn("ews", "smbclient", "//10.10.0.5/plans", "-N", "-c", put))
    stage.wait(5)
    stage.learned()
    with stage.step(
        "an office host reads it from the share",
        actors=("office",),
        targets=("server",),
        techniques=("T0882", "AML.T0035"),
        expected=("exfiltration.model_file", "lateral.file_transfer"),
        also=("lateral.new_admin_edge", "exfiltration.volume"),
        evidence="tcp.port == 445 && ip.src == {office}",
    ):
        get = f"get {model.name} {stage.scratch / 'taken'}"
        stage.done(stage.spawn("office", "smbclient", "//10.10.0.5/plans", "-N", "-c", get))
    with stage.step(
        "and once more over FTP",
        actors=("office",),
        targets=("server",),
        techniques=("T0882", "AML.T0035"),
        expected=("exfiltration.model_file", "lateral.file_transfer"),
        also=("lateral.new_admin_edge", "cleartext.login", "cleartext.credentials", "exfiltration.volume"),
        evidence='ip.src == {office} && ftp.request.command == "RETR"',
    ):
        stage.done(
            stage.python("office", "attack_login.py", "ftp", "10.10.0.5", "anonymous", "a@b.example", model.name)
        )
    stage.wait(5)
