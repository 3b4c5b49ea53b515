"""Checks every detector has to pass, its own scenarios aside. Called by `test_battery.py` for each in the registry."""

from __future__ import annotations

import json
import math
import random
from typing import Any

from detectors.arrived import HostOutput
from detectors.base import Detector
from detectors.learning import Settings
from detectors.models import DataSource, Model
from detectors.window import Window
from detectors.zones import Policy, Zone
from tests.detectors.build import SCHEMAS, SECOND, T0, act, flow, run, step, window
from tests.detectors.build import detector as make

_HOSTS = [f"10.0.{net}.{host}" for net in (1, 2, 9) for host in range(1, 9)] + [
    "93.184.216.34",
    "192.168.7.7",
    "fd00::9",
]
_APPS = ("modbus", "dnp3", "opcua", "mqtt", "http", "ftp", "tls", "")
_STATES = ("established", "attempt", "rejected", "closed", "reset", "active")
_ODDITIES = ("malformed", "crc", "gap", "overlap_conflict", "unsolicited_response", "something_new")


def plant(seed: int, at: float) -> dict[str, list[dict[str, Any]]]:
    """One window of everything at random, hostile texts included."""
    rng = random.Random(f"{seed}/{at}")
    pick = rng.choice

    def ends(**more: Any) -> dict[str, Any]:
        when = at + rng.random() * 9
        known = {
            "ts": when,
            "last_ts": when + 0.5,
            "flow_id": rng.randrange(1 << 40),
            "frame": rng.randrange(1, 1 << 30),
        }
        return flow(pick(_HOSTS), pick(_HOSTS), more.pop("app", ""), **known, **more)

    flows = [
        ends(app=pick(_APPS), state=pick(_STATES), port=rng.randrange(65536), packets_out=rng.randrange(9),
             packets_in=rng.randrange(3), encrypted=pick((None, 0, 1)), credentials=pick(("", "", "ftp_user")),
             transport=pick(("tcp", "udp", "icmp")), src_mac=pick(("", "02:00:00:00:00:01")))
        for _ in range(40)
    ]  # fmt: skip
    flows += _business(rng, at)
    # One host that searches, so that there is a scan; one pair that talks nonsense.
    flows += [
        flow("10.0.9.9", "10.0.1.1", port=n, state="attempt", ts=at + 1, flow_id=n, frame=n) for n in range(1, 30)
    ]
    behaviours = [
        act(pick(_HOSTS), pick(_HOSTS), pick(("modbus", "dnp3", "opcua", "mqtt")), pick(("read", "write_x", "publish")),
            pick(("read", "write", "control", "report", "session")), unit=str(rng.randrange(40)), ts=at + rng.random() * 9,
            object=pick(("", "\x1b[31m<script>", "holding_register 1", "ünit")), errors=rng.randrange(2),
            answered=rng.randrange(2), frame=rng.randrange(1, 1 << 30))
        for _ in range(60)
    ]  # fmt: skip
    # A master that is known and then does what it never did; a client that floods; one that takes another's name.
    known = act("10.0.2.1", "10.0.1.1", "dnp3", "operate", "control", unit="1>10", object="12:1[0]", ts=at + 1)
    known |= {"frame": int(at) + 7}
    odd = pick(("cold_restart", "warm_restart", "stop_application", "disable_unsolicited", "save_configuration"))
    behaviours += [known, {**known, "operation": odd, "object": "", "client_ip": pick(("10.0.2.1", "10.0.2.2"))}]
    flood = act("10.0.2.3", "10.0.2.9", "mqtt", "publish", "report", unit="pump", object="plant/pump", ts=at + 2)
    flood |= {"client_ip": "10.0.2.3" if at < 30 else "10.0.2.4", "count": 20 if at < 30 else 900, "frame": int(at) + 8}
    behaviours += [flood, {**flood, "client_ip": "10.0.2.8", "unit": "edge", "operation": "deliver"}]
    behaviours += regular(at) + unnamed()
    distinct = {
        b["client_ip"] + b["server_ip"] + b["protocol"] + b["unit"] + b["operation"] + b["object"]: b
        for b in behaviours
    }
    anomalies = [ends(protocol=pick(_APPS), kind=pick(_ODDITIES), detail=f"at {rng.randrange(99)}") for _ in range(30)]
    nonsense = flow("10.0.9.9", "10.0.1.1", protocol="modbus", ts=at + 2, flow_id=1)
    anomalies += [{**nonsense, "kind": pick(_ODDITIES), "frame": n + 1, "detail": str(n)} for n in range(12)]
    tls = [
        ends(version="TLSv1.0", version_number=pick((0, 0x301, 0x303, 0xFEFF)), cipher=pick(("", "X_RC4_Y")))
        for _ in range(5)
    ]
    mqtt = [ends(username_seen=rng.randrange(2), password_seen=rng.randrange(2)) for _ in range(5)]
    # The pump's messages, and what the edge node is given of them.
    for n in range(4):
        hop = {"packet": "PUBLISH", "topic": "plant/pump", "dst_ip": "10.0.2.9", "dst_port": 1883, "flow_id": 7}
        said = [
            {**hop, "src_ip": "10.0.2.3", "ts": at + n, "frame": int(at) + n + 1, "payload": b'{"v": %d}' % (at + n)}
        ]
        said.append({**said[0], "src_ip": "10.0.2.8", "ts": at + n + 0.01, "frame": int(at) + n + 5})
        said[1]["payload"] = b'{"v": %d}' % (at + n + (900 if at >= 30 else 0))
        mqtt += said
    opcua = [
        ends(service=pick(("Read", "GetEndpoints", "")), security_policy=pick(("None", "Basic256", "")),
             security_mode=pick(("none", "sign")), identity_token=pick(("", "username")))
        for _ in range(9)
    ]  # fmt: skip
    files = [
        ends(name=pick(("a.onnx", "b.pkl", "")), path="x/a.onnx", sha256=pick(("a" * 64, "b" * 64, "")), size=rng.randrange(9999),
             model_format=pick(("onnx", "pickle", "")), carrier=pick(("http", "smb")), upload=rng.randrange(2),
             warnings=pick(("", "imports os.system", "content contradicts the name")))
        for _ in range(6)
    ]  # fmt: skip
    claims = [("10.0.1.1", "00:80:f4:00:00:01"), ("10.0.1.2", "00:80:f4:00:00:02")]
    claims += [(ip, "b8:27:eb:00:00:09") for ip in ("10.0.9.9", "10.0.1.1", "10.0.1.2")] if at >= 40 else []
    sightings = [
        {"ts": at + n / 100, "frame": int(at) + n, "ip": ip, "mac": mac, "vlan": 40, "source": "arp", "field": "address",
         "value": pick(("request", "reply", "gratuitous reply"))}
        for n, (ip, mac) in enumerate(claims, 1)
    ]  # fmt: skip
    modbus = [
        ends(app="modbus", unit_id=1, function_code=pick((3, 6, 16)), address=rng.randrange(9), transaction_id=n,
             values=[rng.randrange(1 << 16)], status=pick(("ok", "exception", "unsolicited")))
        for n in range(20)
    ]  # fmt: skip
    dnp3 = [
        ends(app="dnp3", link_src=10, app_function=129, iin=pick((0, 0x8000)), from_master=rng.randrange(2))
        for _ in range(20)
    ]
    tls += [
        ends(version_number=pick((0x301, 0x304)), cipher="X", server_cert_sha256=f"{rng.randrange(4):064x}", self_signed=1,
             client_cert_subject=pick(("", "CN=shared")), not_before=1, not_after=pick((0, 2)))
        for _ in range(9)
    ]  # fmt: skip
    mqtt += model(at)
    guess = {"ts": at + 3, "service": "ActivateSession", "identity_token": "username", "status": 1 << 31}
    opcua += [{**flow("10.0.9.9", "10.0.1.1", "opcua"), **guess, "frame": n, "flow_id": n} for n in range(1, 9)]
    cable = [
        {
            "ip": pick(_HOSTS),
            "mac": "02:00:00:00:00:07",
            "source": "arp",
            "field": "address",
            "ts": at + n,
            "vlan": 7,
            "frame": n + 1,
        }
        for n in range(9)
    ]
    mirror = [
        {"capture": pick(("live-eth1-5f", "b.pcap")), "vlan": pick((0, 10, 20)), "ts": at + n / 4, "last_ts": at + 9, "frame": n + 1,
         "packets": 100, "duplicates": rng.randrange(20), "unseen_bytes": rng.randrange(900), "tcp_bytes": 9000, "tcp_flows": 9,
         "one_sided": rng.randrange(9), "backward_ns": pick((0, 1 << 34)), "dropped": rng.randrange(2), "cut_packets": rng.randrange(9),
         "oversized": rng.randrange(2)}
        for n in range(9)
    ]  # fmt: skip
    return {
        "mirror": mirror, "files": files, "modbus": modbus, "dnp3": dnp3, "flows": flows, "behaviours": list(distinct.values()), "anomalies": anomalies, "tls": tls, "mqtt": mqtt,
        "opcua": opcua, "sightings": sightings + cable, "tag_values": values(at),
    }  # fmt: skip


def _business(rng: random.Random, at: float) -> list[dict[str, Any]]:
    """What people and programs do besides the process: log in, copy files, ask for names, report to the internet."""
    pick = rng.choice
    made = []
    for n in range(40):
        app = pick(("ssh", "smb", "http", "dns"))
        info = {"http": f"{pick(('GET', 'PUT'))} a/{rng.randrange(9)}{pick(('.onnx', ''))} 200", "ssh": "", "smb": "",
                "dns": f"{rng.randrange(1 << 90):x}.a.example"}[app]  # fmt: skip
        more = {"bytes_out": rng.randrange(1 << 18), "bytes_in": rng.randrange(1 << 12), "info": info}
        here = {"ts": at + rng.random() * 9, "flow_id": rng.randrange(1 << 40), "frame": rng.randrange(1, 1 << 30)}
        made.append(flow(pick(_HOSTS), pick(_HOSTS), app, port=n + 1, packets_out=9, **more, **here))
    pings = {"transport": "icmp", "bytes_out": 90000, "bytes_in": 90000, "packets_out": 99, "packets_in": 99}
    made.append(flow("10.0.9.1", "10.0.1.1", port=0, ts=at + 1, flow_id=rng.randrange(1 << 40), frame=1, **pings))
    came = {"bytes_out": 5000, "bytes_in": 400, "ts": at + 1}
    made.append(flow("10.0.9.1", "10.0.1.2", "http", flow_id=rng.randrange(1 << 40), frame=1, **came))
    there = f"93.184.216.{int(at) % 250}"  # every window another
    made.append(flow("10.0.1.2", there, "http", flow_id=rng.randrange(1 << 40), frame=2, **came | {"ts": at + 2}))
    made += [  # by the clock
        flow("10.0.1.3", f"93.184.217.{int(at) // 30}", "http", ts=at + 3 * n, flow_id=int(at) + n + 1, frame=n + 1)
        for n in range(3)
    ]
    return made


def regular(at: float) -> list[dict[str, Any]]:
    """A poll each second, which stops after half a minute, and one that is doubled then."""
    stopped = [] if at >= 40 else [_poll(at, 10, "1.0")]
    return [*stopped, _poll(at, 10 if at < 40 else 25, "2.0")]


def unnamed() -> list[dict[str, Any]]:
    """A host that reads and publishes a score, and is no model of the configuration."""
    reads = act(
        "10.0.2.6", "10.0.1.7", "modbus", "read_holding_registers", "read", unit="1", object="holding_register 0-3"
    )
    says = act("10.0.2.6", "10.0.2.9", "mqtt", "publish", "report", unit="x", object="plant/x")
    return [reads | {"client_ip": "10.0.2.6"}, says | {"client_ip": "10.0.2.6"}]


def _poll(at: float, times: int, unit: str) -> dict[str, Any]:
    last = at + 10 - 10 / times
    return act("10.0.2.5", "10.0.1.7", "modbus", "read", "read", unit=unit, object="", ts=at, last_ts=last, count=times,
               answered=times, frame=int(at) + 1, last_frame=int(at) + 2)  # fmt: skip


def values(at: float) -> list[dict[str, Any]]:
    """Of three tags: one leaves its range at the end, one repeats what it said, one is hostile."""
    rng = random.Random(f"values/{at}")
    ends = {"src_ip": "10.0.2.5", "dst_ip": "10.0.1.7", "dst_port": 502, "source": "modbus"}
    told = []
    for n in range(10):
        calm = 50 + rng.random() if at < 40 else 900 + n
        again = math.sin(12.9898 * ((at % 40) + n)) if at < 40 else math.sin(12.9898 * (at - 40 + n))
        for tag, value in (("u1/range", calm), ("u1/replay", again), ("\x1b[31mü<script>", rng.random())):
            told.append({**ends, "tag": tag, "value": value, "ts": at + n, "frame": int(at) * 10 + n + 1})
        score = {"src_ip": "10.0.2.6", "dst_ip": "10.0.2.9", "dst_port": 1883, "source": "mqtt", "tag": "plant/x#score"}
        told.append({**score, "value": rng.random(), "ts": at + n, "frame": int(at) * 10 + n + 1})
    return told


def windows(seed: int, count: int) -> list[dict[str, Any]]:
    return [{"at": 10.0 * n, **plant(seed, 10.0 * n)} for n in range(count)]


POLICY = Policy((Zone("cell", 1, ("10.0.1.0/24",)), Zone("edge", 3, ("10.0.2.0/24",), kind="edge_ai"),
                 Zone("office", 4, ("10.0.9.0/24",), kind="it")))  # fmt: skip

MODELS_FED = (Model("wear", ("10.0.2.8",), inputs=("plant/pump",)),)
SOURCES = (
    DataSource("pump", ("10.0.2.3",), ("plant/pump",), ("wear",)),
    DataSource("store", ("10.0.1.1",), ("/rows",)),
)


MODELS = (Model("wear", ("10.0.2.3",), ("plant/telemetry",), ("plant/wear",)),)


def model(at: float) -> list[dict[str, Any]]:
    """What a model reads and says each second, as MQTT messages."""
    ends = {"src_ip": "10.0.2.3", "dst_ip": "10.0.2.9", "dst_port": 1883, "packet_type": 3, "packet": "PUBLISH"}
    made = []
    for n in range(10):
        for topic, value in (("plant/telemetry", 100 + (at + n) % 37), ("plant/wear", 1000 + (at + n) % 41)):
            made.append({**ends, "topic": topic, "payload": json.dumps({"value": value}).encode(), "ts": at + n,
                         "frame": int(at) * 10 + n + 1, "flow_id": len(topic)})  # fmt: skip
    return made


def host_log(one: Window) -> list[HostOutput]:
    """Its host's log, which lies a second behind, denies some outputs and inputs, and lacks and adds others."""
    begin = (one.start - T0) / SECOND
    log = []
    for n in range(10):
        at = begin + n
        said = 1000 + at % 41 + (77 if at % 13 == 5 else 0)
        read = 100 + at % 37 + (55 if at % 17 == 9 else 0)
        moment = T0 + round((at - 1) * SECOND) + (SECOND // 2 if at % 19 == 3 else 0)
        if at % 23 != 4:
            log.append(HostOutput(moment, "wear", said, inputs={"value": read}, place=f"wear.log:{int(at)}"))
    return log


def fresh(kind: type[Detector]) -> Detector:
    """Most guess the zones; what is about zones that somebody drew has some."""
    policy = POLICY if kind.name in ("boundary_shape", "beacon") else None
    models, sources = (MODELS_FED, SOURCES) if kind.name == "feeds" else (MODELS, ())
    made = make(kind, policy, learning=Settings(seconds=20.0), models=models, sources=sources)
    made.hears = host_log  # type: ignore[attr-defined]
    return made


def whole(kind: type[Detector], made: list[Window]) -> list[Any]:
    return run(fresh(kind), *made)


def check_determinism(kind: type[Detector], seed: int) -> None:
    plain = windows(seed, 6)
    first = whole(kind, [window(**w) for w in plain])
    assert first == whole(kind, [window(**w) for w in plain])
    assert first, "the battery's plant should make every detector speak"
    for alert in first:
        json.dumps(alert.evidence)
        assert alert.kind in kind.kinds and alert.detector == kind.name
        assert alert.first_ts <= alert.last_ts and alert.count >= 1


def check_order_of_rows(kind: type[Detector], seed: int) -> None:
    plain = windows(seed, 4)
    expected = whole(kind, [window(**w) for w in plain])
    rng = random.Random(seed)
    mixed = [{t: rng.sample(r, len(r)) if isinstance(r, list) else r for t, r in w.items()} for w in plain]
    assert whole(kind, [window(**w) for w in mixed]) == expected


def check_parts(kind: type[Detector], seed: int) -> None:
    """A window in two parts says what it says whole. The engine gives flows and behaviours with the last part."""
    plain = windows(seed, 4)
    parted = []
    for w in plain:
        early = {t: r[: len(r) // 2] for t, r in w.items() if t in ("tls", "mqtt", "opcua", "anomalies", "tag_values")}
        late = {t: r[len(early[t]) :] if t in early else r for t, r in w.items()}
        parted += [window(w["at"], last=False, **early), window(**late)]
    assert whole(kind, parted) == whole(kind, [window(**w) for w in plain])


def check_snapshot(kind: type[Detector], seed: int) -> None:
    plain = windows(seed, 6)
    through = fresh(kind)
    expected = [step(through, window(**w)) for w in plain] + [through.finish()]
    before = fresh(kind)
    got = [step(before, window(**w)) for w in plain[:3]]
    state = json.loads(json.dumps([before.snapshot(), before.site.snapshot()]))
    after = fresh(kind)
    after.restore(state[0])
    after.site.restore(state[1])
    assert json.loads(json.dumps([after.snapshot(), after.site.snapshot()])) == state
    got += [step(after, window(**w)) for w in plain[3:]] + [after.finish()]
    assert got == expected


def check_empty(kind: type[Detector]) -> None:
    detector = fresh(kind)
    assert step(detector, window()) == []
    assert step(detector, window(10, **{table: [] for table in SCHEMAS})) == []
    assert detector.finish() == []
