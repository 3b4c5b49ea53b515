"""A planned update: the engineering workstation stores the approved version 1.5.0, the edge node takes it."""

SPEED = 240
LOOK_ALIKE = "model_swap"
STANDING = ("cleartext.protocol", "cleartext.login")
DRIFT = "benign_process"


def play(stage):
    good = stage.model("1.5.0")
    stage.registry(stage.model())
    stage.host("ews")
    stage.inference(3 * 3600)
    stage.wait(5400)
    stage.learned()
    with stage.step("version 1.5.0 is stored and taken", actors=("ews",), targets=("registry", "edge"),
                    approved=("deploy", "update"), evidence='http.request.uri contains "1.5.0.safetensors"'):  # fmt: skip
        stage.done(stage.python("ews", "deploy.py", "10.50.0.20", good))
        stage.wait(3600)
    stage.wait(900)
