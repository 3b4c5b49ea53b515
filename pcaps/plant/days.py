"""Two days of the plant: what they have in common, and how a day's programme is played.

A day is 24 hours from the early shift on. Everything that repeats is polled slower than a plant would (half a
minute and more), or a day would not fit into a repository.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from layout import ADDRESS

if TYPE_CHECKING:
    from scenario import Stage

SPEED = 240.0
HOUR = 3600.0
STANDING = ("cleartext.protocol", "cleartext.opcua_none", "cleartext.login")
Programme = list[tuple[float, Callable[["Stage"], None]]]


def play(stage: Stage, more: Programme) -> None:
    """Normal life with `more` in it, in the order of the clock; a time is hours since the beginning."""
    begin(stage)
    start = stage.hours()
    for hour, action in sorted([*ORDINARY, *more], key=lambda entry: entry[0]):
        stage.wait((hour - (stage.hours() - start)) * HOUR)
        action(stage)
    stage.wait((24 - (stage.hours() - start)) * HOUR)


def begin(stage: Stage) -> None:
    day = 24.4 * HOUR
    stage.plc()
    stage.rtu(day)
    stage.opcua(day)
    stage.registry(stage.model())
    stage.names_and_time()
    stage.share()
    stage.desktop()
    for host in ("edge", "registry"):
        stage.shell(host)
    for host in ("office", "laptop", "ews", "training"):
        stage.host(host)
    stage.inference(day, "--serve", ADDRESS["historian"], stage.past(), period=40)
    stage.hmi(day, "--period", 40, "--operator", 1200)
    stage.master(day, "--events", 60, "--integrity", 1800, "--command", 5400)
    stage.python("hmi", "opcua_client.py", ADDRESS["gateway"], day, "--period", 120)


def questions(stage: Stage) -> None:
    """Names and time, now and then."""
    for host in ("hmi", "historian", "edge"):
        stage.ask(host)


def report(stage: Stage) -> None:
    """Somebody in the office looks at the historian."""
    stage.done(stage.python("office", "attack_beacon.py", ADDRESS["historian"], 8080, 1, "/telemetry.csv"))


def helpdesk(stage: Stage) -> None:
    """A remote desktop in the office network."""
    stage.done(stage.python("laptop", "remote_desktop.py", ADDRESS["server"], 300))


def maintenance(stage: Stage) -> None:
    """The engineer's window: a login, set points."""
    with stage.step("maintenance: the workstation logs in to the edge node and writes set points", actors=("ews",),
                    targets=("edge", "plc1"), approved=("write", "session"), evidence="ip.src == {ews} && (tcp.port == 22 || modbus)"):  # fmt: skip
        stage.done(stage.ssh("ews", "edge", "uname", "-a"))
        stage.done(stage.python("ews", "attack_modbus.py", ADDRESS["plc1"], "registers", 100))
        stage.done(stage.python("ews", "attack_modbus.py", ADDRESS["plc1"], "write", 1445))
        stage.wait(600)


def update(stage: Stage) -> None:
    with stage.step("planned update of the model to 1.5.0", actors=("ews",), targets=("registry", "edge"),
                    approved=("deploy", "update"), evidence='http.request.uri contains "1.5.0.safetensors"'):  # fmt: skip
        stage.done(stage.python("ews", "deploy.py", ADDRESS["registry"], stage.model("1.5.0")))
        stage.wait(1800)


def retraining(stage: Stage) -> None:
    with stage.step("the retraining job stores version 1.6.0", actors=("training",), targets=("historian", "registry"),
                    approved=("deploy", "update"), evidence="http.request && ip.src == {training}"):  # fmt: skip
        stage.done(stage.python("training", "retrain.py", ADDRESS["historian"], ADDRESS["registry"], "1.6.0"))
        stage.wait(1200)


def backup(stage: Stage) -> None:
    with stage.step("backup of the HMI to the file server", actors=("hmi",), targets=("server",), approved=("session",),
                    evidence="tcp.port == 445 && ip.src == {hmi}"):  # fmt: skip
        file = stage.scratch / "hmi.bak"
        file.write_bytes(bytes(range(256)) * 400)
        command = f"put {file} hmi.bak; ls"
        stage.spawn("hmi", "smbclient", f"//{ADDRESS['server']}/plans", "-N", "-c", command).wait(timeout=30)


def product(name: str) -> Callable[[Stage], None]:
    def change(stage: Stage) -> None:
        with stage.step(f"the line changes to product {name}", actors=("sensor1",), targets=("edge",),
                        evidence="mqtt.msgtype == 3 && ip.src == {sensor1}"):  # fmt: skip
            stage.line(product=name)
            stage.wait(1200)

    return change


ORDINARY: Programme = [
    *((hour, questions) for hour in (0.3, 4.3, 8.3, 12.3, 16.3, 20.3)),
    (1.5, report), (2.2, helpdesk), (3, maintenance), (4.8, product("B")), (6, report), (6.5, update), (8.8, product("A")), (17, backup), (19, retraining),
]  # fmt: skip
