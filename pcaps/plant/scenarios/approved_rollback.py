"""An approved rollback: version 1.5.0 is in use, the workstation puts 1.4.0 back, which is known and approved."""

SPEED = 240
LOOK_ALIKE = "model_swap"
STANDING = ("cleartext.protocol", "cleartext.login")
DRIFT = "benign_process"


def play(stage):
    stage.registry(stage.model(), stage.model("1.5.0"))
    stage.host("ews")
    stage.inference(3 * 3600)
    stage.wait(5400)
    stage.learned()
    with stage.step("version 1.4.0 is stored again and taken", actors=("ews",), targets=("registry", "edge"),
                    approved=("deploy", "update"), evidence='http.request.uri contains "1.4.0.safetensors"'):  # fmt: skip
        stage.done(stage.python("ews", "deploy.py", "10.50.0.20", stage.model()))
        stage.wait(3600)
    stage.wait(900)
