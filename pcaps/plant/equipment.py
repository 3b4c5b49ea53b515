"""What a scenario starts: the plant's servers and clients with the settings they usually have."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from control import Reality
from firewall import PAST, RELEASED
from layout import ADDRESS
from net import HERE
from plant import Plant

if TYPE_CHECKING:
    from pki import Authority  # its library is only there where the plant is played

# An outstation that keeps a session a master: the HMI's ends at port 20000, any other's at 20001, unseen outside.
_SECOND_MASTER = (
    "table ip masters {{ chain prerouting {{ type nat hook prerouting priority -100 ; "
    "ip saddr != {hmi} tcp dport 20000 redirect to :20001 ; }} ; }}"
)
Process = subprocess.Popen[bytes]
REGISTRY = f"http://{ADDRESS['registry']}:8080"
USER = ("edge", "edge-secret")


class Equipment(Plant):
    """A plant whose hosts are known by what they are for."""

    _authority: Authority | None = None
    registered = False  # whether the edge node asks a registry for its model

    @property
    def authority(self) -> Authority:
        if self._authority is None:
            from pki import Authority

            self._authority = Authority(self.scratch / "pki")
        return self._authority

    def other_authority(self, name: str) -> Authority:
        """One that is none of the plant's."""
        from pki import Authority

        return Authority(self.scratch / "other", name)

    @staticmethod
    def address(name: str) -> str:
        return ADDRESS[name]

    @property
    def trust(self) -> str:
        return str(self.authority.folder / "ca.pem")

    def plc(
        self, name: str = "plc1", *, units: int = 1, tls: bool = False, address: str = "", gateway: bool = False,
        mutual: bool = False, standing: bool = False,
    ) -> Process:  # fmt: skip
        more: list[object] = ["--certificate", *self.authority.issue(name)] if tls else []
        if standing:
            more.append("--standing")
        if mutual:
            more += ["--clients", self.trust]
        if gateway:
            more.append("--gateway")
        process = self.python(name, "plc.py", address or ADDRESS[name], "--units", units, *more)
        self.listening(process, 802 if tls else 502)
        return process

    def rtu(self, seconds: float, *more: object) -> Process:
        self.net.inside(self.host("rtu"), "nft", _SECOND_MASTER.format(hmi=ADDRESS["hmi"]))
        process = self.python("rtu", "outstation.py", ADDRESS["rtu"], seconds, *more)
        self.listening(process, 20000)
        return process

    def opcua(self, seconds: float, *policies: str, users: tuple[Path, ...] = ()) -> Process:
        more: list[object] = ["--users", *users] if users else []
        if set(policies) - {"none"}:
            more += ["--certificate", *self.authority.issue("gateway", kind="rsa", uri="urn:example:line1")]
        process = self.python("gateway", "opcua_server.py", ADDRESS["gateway"], seconds, "--policy",
                              *(policies or ("none",)), *more)  # fmt: skip
        self.listening(process, 4840)
        return process

    def broker(self, *, clear: bool = True, tls: bool = False, passwords: bool = False) -> Process:
        """mosquitto; its TLS listener wants no client certificate."""
        lines = [
            "user root",
            f"allow_anonymous {'false' if passwords else 'true'}",
            "per_listener_settings false",
        ]
        if passwords:
            self._passwords()
            lines.append(f"password_file {self.scratch / 'passwords'}")
        if clear:
            lines.append(f"listener 1883 {ADDRESS['broker']}")
        if tls:
            certificate, key = self.authority.issue("broker")
            lines += [f"listener 8883 {ADDRESS['broker']}", f"cafile {self.trust}", f"certfile {certificate}",
                      f"keyfile {key}"]  # fmt: skip
        file = self.scratch / "mosquitto.conf"
        file.write_text("\n".join(lines) + "\n")
        process = self.spawn("broker", "mosquitto", "-c", file)
        self.listening(process, 8883 if tls else 1883)
        return process

    def _passwords(self) -> None:
        file = self.scratch / "passwords"
        file.touch(mode=0o600)
        for name, password in (USER, ("historian", "hist-secret"), ("sensor", "sensor-secret")):
            subprocess.run(["mosquitto_passwd", "-b", str(file), name, password], check=True, capture_output=True)

    def model(self, version: str = "1.4.0", *, seed: int = 0, poison: float = 0.0) -> Path:
        """A trained model's file; a released version unless another seed is given."""
        seed = seed or RELEASED.get(version, 1)
        file = self.scratch / f"pump-wear-{version}.safetensors"
        if not file.exists():
            command = [
                sys.executable,
                str(HERE / "model.py"),
                str(file),
                str(seed),
                "--version",
                version,
                "--poison",
                str(poison),
            ]
            subprocess.run(command, check=True, capture_output=True)
        return file

    def registry(self, *versions: Path, tls: str = "") -> Process:
        """The registry, holding these models; the last one is the latest. `tls`: new, any or old."""
        folder = self.scratch / "models"
        folder.mkdir(exist_ok=True)
        for file in versions:
            (folder / file.name).write_bytes(file.read_bytes())
            (folder / "latest.json").write_text(manifest(file))
        more: list[object] = ["--certificate", *self.authority.issue("registry"), "--tls", tls] if tls else []
        process = self.python("registry", "registry.py", ADDRESS["registry"], folder, *more)
        self.listening(process, 8443 if tls else 8080)
        self.registered = True
        return process

    def hmi(self, seconds: float, *more: object, plc: str = "plc1") -> Process:
        return self.python("hmi", "hmi.py", ADDRESS[plc], seconds, *more)

    def master(self, seconds: float, *more: object) -> Process:
        return self.python("hmi", "master.py", ADDRESS["rtu"], seconds, *more)

    def other_master(self, seconds: float, *more: object) -> Process:
        """A master of another make, on the engineering workstation."""
        return self.python("ews", "master_py.py", ADDRESS["rtu"], seconds, *more)

    def telemetry(self, seconds: float, *more: object) -> Process:
        return self.python("sensor1", "telemetry.py", ADDRESS["broker"], seconds, *more)

    def historian(self, seconds: float, *more: object) -> Process:
        return self.python("historian", "historian.py", ADDRESS["broker"], seconds, *more)

    def edge(self, seconds: float, *more: object) -> Process:
        return self.python("edge", "edge_node.py", ADDRESS["broker"], seconds, "--model", self.model(), *more)

    def past(self) -> Path:
        """What the historian had before."""
        import model

        file = self.scratch / "past.csv"
        file.write_text(model.past(PAST))
        return file

    def inference(self, seconds: float, *more: object, period: float = 24) -> Process:
        """The way of the data from the sensor over the broker to the model and the historian; the telemetry's process."""
        self.broker()
        self.historian(seconds, *more)
        self.edge(
            seconds,
            "--period",
            period,
            *(["--registry", REGISTRY, "--refresh", period * 30] if self.registered else []),
        )
        self.wait(period)
        return self.telemetry(seconds - period, "--period", period)

    def line(self, **orders: float | str) -> None:
        """Something happens to the line itself: `product="B"`, `fault__vibration=0.8`."""
        Reality(str(self._process)).order(**orders)


def manifest(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return json.dumps({"file": file.name, "version": file.stem.rpartition("-")[2], "sha256": digest}) + "\n"
