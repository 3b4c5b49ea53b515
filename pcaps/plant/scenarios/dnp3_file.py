"""DNP3: a file that looks like firmware is written to the outstation (which refuses it)."""

SPEED = 5
STANDING = ("cleartext.protocol",)


def play(stage):
    stage.rtu(140)
    stage.master(130, "--command", 40)
    stage.wait(100)
    stage.learned()
    image = stage.scratch / "firmware.bin"
    image.write_bytes(b"\x7fELF\x01\x01\x01" + bytes(range(256)) * 24)
    with stage.step(
        "open file for writing",
        actors=("guest",),
        targets=("rtu",),
        techniques=("T1693.001", "T0848"),
        expected=("commands.file_transfer", "new_writer.write", "new_writer.control"),
        also=("commands.two_masters", "commands.new_function", "scan.integrity_poll", "lateral.file_transfer"),
        evidence="dnp3.al.func == 25 && ip.src == {guest}",
    ):
        stage.done(stage.python("guest", "attack_dnp3.py", "10.40.0.21", "file", image))
    stage.wait(10)
