"""The `driftspan.toml` that `driftspan init` writes: every default said aloud, every section explained."""

from __future__ import annotations

import textwrap

from sensor.alerting import AlertingSection, LearningSection
from sensor.config import CaptureSection, ConsoleSection, SensorSection, StoreSection
from sensor.evidence_config import EvidenceSection
from sensor.insight_config import ContextSection, DriftSection
from sensor.ledger.config import LedgerSection
from sensor.service.config import LogSection

_HEAD = """\
# driftspan: configuration of the sensor.
#
# Every value below is the default; what is left out keeps it. Sections that begin with "# [[" are
# examples: take the leading "# " away to use them. An unknown key is an error that names its line.

[sensor]
# Stands in the column `sensor` of every row: tells sensors of one store apart.
name = "{name}"
# Whether the processes of "driftspan run" give up all system calls and files that they do not need (SECURITY.md). A
# debugger or profiler needs false.
confine = {confine}

[capture]
# Seconds of packet time that detectors judge at once.
window_seconds = {window_seconds}
# Threads of the packet path. The rows and alerts are the same with any number.
workers = {workers}
# Whether equal addresses in different VLANs are different hosts.
vlan_in_key = {vlan_in_key}
# What "driftspan run" listens to where --interface names nothing: mirror ports.
interfaces = []
# MiB that the kernel keeps for packets that were not read yet, and sockets (each with as much) that share an interface.
ring_mib = {ring_mib}
rings = {rings}
# Bytes of a packet that are kept; 0: all.
snaplen = {snaplen}
# Whether packets for other machines are wanted, which at a mirror port all are.
promiscuous = {promiscuous}
# Which packets are wanted, in tcpdump's words; needs libpcap. Empty: all.
filter = "{filter}"

[store]
# Directory of the embedded store, seen from where the program is started, or a ClickHouse server:
# "clickhouse://user@host:9000[,host2:9000]/database?secure=1&ca=FILE". --store overrides it.
path = "{path}"
# Database inside it that unqualified table names mean; one that an address names goes before it.
database = "{database}"
# File whose first line is the password of a server; only its owner may read it. The variable DRIFTSPAN_STORE_PASSWORD
# of the environment does as well, and systemd's credential store-password.
password_file = "{password_file}"
# Name of the cluster that the server is of, as in its system.clusters: tables are then laid over all its shards. Empty:
# one server. Whether each shard has copies, for which the cluster needs a Keeper.
cluster = "{cluster}"
replicated = {replicated}
# What of time a part of a table holds, from when the tables are made on: month, week or day.
partition = "{partition}"
# Days that rows of live runs are kept, those of alerts, drift and incidents by themselves; 0: for ever. Replayed cases
# stay. The same for all sensors of a store.
keep_days = {keep_days}
keep_alert_days = {keep_alert_days}
# Directory in which what "driftspan run" sees waits for the store. Empty: the store's name with "-spool".
spool = "{spool}"
# MiB that may wait while the store is away. When they are full the oldest messages are given up, never alerts.
spool_mib = {spool_mib}

[console]
# Whether "driftspan run" begins the console too; "driftspan serve" is it over a store that no sensor runs for.
enabled = {enabled}
# Where it listens: on this machine alone unless told otherwise.
host = "{host}"
port = {port}
# Certificate (with what leads to its authority) and key, PEM. Without them other machines are let in only where
# insecure is true: something in front of the console does TLS.
certificate = ""
key = ""
insecure = {insecure}
# Directory of users, sessions and tokens, which only its owner may read. Empty: the store's name with "-console".
state = ""
# A session ends after minutes in which nobody did anything (what a page asks by itself does not count), and after hours
# at all.
idle_minutes = {idle_minutes}
session_hours = {session_hours}
# Seconds after which a question that somebody wrote (the page Hunt, POST /api/v1/query) is stopped.
query_seconds = {query_seconds}
# File whose first line is a token that programs may show ("Authorization: Bearer TOKEN") to read and to hand in
# records, besides those of "driftspan users token"; only its owner may read it. The variable DRIFTSPAN_TOKEN goes
# before it.
token_file = ""

[oidc]
# An identity provider (OpenID Connect) whose users may log in besides those of "driftspan users": its issuer, and what
# this console is registered as there, with the address https://CONSOLE/api/v1/session/oidc/callback. Empty: none.
issuer = ""
client_id = ""
# File whose first line is the client's secret; empty: a public client, which proves itself by PKCE alone.
secret_file = ""
scopes = "openid profile email"
# Claims that hold the name and the groups of somebody; which role a group gives, as in "soc = analyst", the highest of
# several; and the role of those whom no group gives one. Empty: they are refused.
name_claim = "preferred_username"
claim = "groups"
roles = []
role = ""
# Where the provider sends people back to, if the console does not know its own address; its authority, PEM, if the
# system does not know it.
redirect = ""
authority_file = ""

[intake]
# What comes from outside, as files or directories of them: a JSON document a line (.jsonl .ndjson .log), or a
# file of one (.json). "driftspan replay" takes them at the time that they name, "run" and "serve" follow them.
# Drift that other tools report: AITF attributes, Evidently, NannyML, or plain model_id, kind, statistic, ts.
drift = []
# Inference logs that the models' own hosts keep: model_id, ts, output, and where known confidence, inputs, version.
inference = []

[evidence]
# Whether "driftspan run" keeps raw packets and gives every alert of medium severity and above that is shown its own
# slice of them (pcapng). "driftspan replay --evidence" does the same. Packets are kept as they were, passwords in
# them too: files are for their owner alone.
enabled = {evidence_enabled}
# Directory of the slices. Empty: the store's name with "-evidence".
path = "{evidence.path}"
# The ring of raw packets while running: MiB in memory, MiB on disk behind it (0: none), and minutes of packet time.
memory_mib = {evidence.memory_mib}
ring_mib = {evidence.ring_mib}
ring_minutes = {evidence.ring_minutes}
# What a slice holds: so many seconds before what happened and after it was noticed; MiB at most.
before_seconds = {evidence.before_seconds}
after_seconds = {evidence.after_seconds}
slice_mib = {evidence.slice_mib}
# How long slices are kept: days, and MiB of all; the oldest go first, those of open incidents last.
days = {evidence.days}
disk_mib = {evidence.disk_mib}

[ledger]
# Whether alerts, incidents, model outputs, verdicts, approved models, access and custody are committed to when they are
# written, so that "driftspan ledger verify" names what was changed, removed or put in.
enabled = {ledger_enabled}
# Directory of this machine's log; empty: the store's name with "-ledger" (of a server one in "driftspan-ledger" here,
# where the program is started). The private key that signs its heads, PEM
# (Ed25519), is made there on first use; key names another file. Who has it can write another history.
path = "{ledger.path}"
key = "{ledger.key}"
# Seconds between two signed heads of a stream that grows.
interval = {ledger.interval}
# Where signed heads go besides, as in ["/mnt/witness/heads", "tls://siem.plant:6514"]: files, or udp:// tcp:// tls://
# receivers of syslog. A log witnesses only itself: a head on another machine is what shows a history written anew.
heads = []
# Of TLS, PEM: authority (empty: the system's), own certificate and its key.
ca = "{ledger.ca}"
certificate = "{ledger.certificate}"
certificate_key = "{ledger.certificate_key}"

[log]
# What "run" and "serve" say on stderr: "console", sentences, or "json", an object a line for log collectors.
format = "{log_format}"
# debug, info, warning or error: this one and graver.
level = "{log_level}"

[metrics]
# Where "run" answers Prometheus, as in "127.0.0.1:9642"; whoever reaches it may read it. Empty: nowhere.
listen = ""
# File that is written anew with every window for node_exporter's textfile collector; its name ends in .prom.
textfile = ""

[learning]
# Seconds of packet time a detector learns at most before what is new to it is reported.
seconds = {seconds}
# Windows with OT traffic and nothing new after which a detector, or a host within it, is live sooner.
quiet_windows = {quiet_windows}
# Seconds of learning that a host gets which comes later.
device_seconds = {device_seconds}

[alerting]
# What all detectors that judge by what is usual may cost together; exact rules are not of it.
false_alarms_per_day = {false_alarms_per_day}
# Files of approved changes, CSV or JSON, seen from where the program is started: id, start, end (UTC where no
# offset is given), and where wanted hosts, actions, note. Column names of common ticket systems are understood.
changes = []

[drift]
# Days that a stream (an output of a model, an input) is learnt before its drift is told. Below 2 there is no daily
# profile: good for a capture, not for a plant that has shifts. --learn-from teaches whatever its captures hold.
learn_days = {learn_days}
# Days between two false alarms of one stream that thresholds are set for.
arl_days = {arl_days}

[context]
# What decides most why a model drifted. Addresses or networks whose work is wanted: engineering stations, registries.
approved_sources = []
# Hours of work, UTC; a shift over midnight begins later than it ends.
shift_begin = {shift_begin}
shift_end = {shift_end}
"""

_LIMITS = """
[limits]
# What bounds memory in the packet path. Whatever is given up because of a limit is counted.
"""

_TAIL = """
# --- zones: who belongs where. Without any, zones are inferred from addresses and roles and said to be.
#
# level: Purdue 0 to 5, 3.5 for a DMZ. kind: ot, it, dmz, edge_ai or internet.
# A host is in a zone by its hardware address, its network or the VLAN it is seen in.
# A network inside that of another zone is right: the longest prefix decides.
# Two zones with the same network need VLANs in both that tell them apart.
#
# [[zone]]
# name = "cell-1"
# level = 1
# kind = "ot"
# cidrs = ["10.1.0.0/16"]
# vlans = []
# macs = []
#
# [[zone]]
# name = "historian-dmz"
# level = 3.5
# kind = "dmz"
# cidrs = ["10.35.0.0/24"]

# --- conduits: what may pass between zones. Without any, everything may.
#
# protocols: names of the `app` and `service` columns of `flows`, or "any".
# operations: read, write, control or any. direction: both, or push_only (only `from` opens sessions).
# encrypted: nothing may pass readable. tls: the oldest version good enough here (1.0 to 1.3), in place of `min_tls` of
# [detectors.cleartext]; it asks for encryption as well.
#
# [[conduit]]
# from = "historian-dmz"
# to = "cell-1"
# protocols = ["opcua"]
# operations = ["read"]
# encrypted = true
# tls = "1.2"
# direction = "push_only"

# --- models: the AI models of the plant. approved: version = SHA-256 of the model's file, the newest last; of several
# files, a list of them. revoked: SHA-256 sums that must not be used any more.
# manifest: paths of signed manifests (OpenSSF model signing), whose files are approved under the manifest's name, once
# verified by manifest_key (a public key, PEM) or manifest_certificate (an authority or the signer, PEM).
# "driftspan models" adds, approves and revokes as well, and lists what was seen.
#
# inputs and outputs name what feeds the model and what it says; every output goes to the table inference_log.
#   MQTT       plant/pump/+/score               a topic filter; the whole JSON payload is read: labels, probabilities,
#                                               scores, predictions are told by their keys
#              plant/pump/7#result.score        with the path of the value in it; #scores[0] for lists
#   Sparkplug  spBv1.0/plant/+/edge1/pump#Wear  group, message type (always +), node, device, and the metric
#   OPC UA     ns=2;s=PumpWear.Score            a node id
#   Modbus     u1/holding_register/100          unit, table (coil, discrete_input, holding_register, input_register)
#                                               and address from 0, or 100-109; u1/40101 is the same register
#              u1/40101-40102:float32           with a type: uint16 int16 uint32 int32 float32 uint64 int64 float64,
#                                               and .swapped behind it where the low word comes first
#   DNP3       10/analog_input/3-5              outstation, type of point, index
#   HTTP       /v1/predict#predictions[0]       path of a response of JSON, and in it; POST /v1/predict for a request
# Behind those of OPC UA, Modbus, DNP3 and HTTP @10.1.0.11 may name the server; without it an end of the connection must
# be one of the model's hosts. mqtt: opcua: modbus: dnp3: http: in front say what a name is that looks like another.
# kind: classification, regression, score or vector, where the keys of the payload do not tell what the output is.
#
# [[model]]
# id = "pump-anomaly"
# hosts = ["10.35.0.20"]
# inputs = ["plant/pump/+/vibration"]
# outputs = ["plant/pump/+/score"]
# kind = "score"
# approved = { "1.4.0" = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08" }
# revoked = []
# manifest = []
# manifest_key = ""
# rollback_minutes = 15
# canary = ["plant/pump/canary"]        # tags with the outputs for frozen reference inputs, or "sha256:" and their hash

# --- units: of tags, for the axes of pictures of the process; with a server's address in front, of that one alone.
#
# [units]
# "u1/holding_register/100" = "rpm"
# "10.1.0.12 u1/holding_register/100" = "mm/s"
# "plant/pump/7#vibration" = "mm/s"

# --- data sources: what feeds the models, or what they are trained from. tags: as inputs of a model; an HTTP path says
# that data is handed out there, so who puts data on these hosts is watched. hosts: who provides them; any other is
# reported. Without any, they are learnt.
#
# [[data_source]]
# id = "pump-sensors"
# hosts = ["10.1.0.11"]
# tags = ["plant/pump/+/vibration"]
# models = ["pump-anomaly"]

# --- changes: approved work, which is expected while it lasts. hosts: addresses or networks; none is the whole site.
# actions: write, control, deploy, update, session; none is any.
#
# [[change]]
# id = "CHG0030"
# start = 2026-03-01T22:00:00Z
# end = 2026-03-02T02:00:00Z
# hosts = ["10.1.0.11"]
# actions = ["write", "update"]
# note = "new firmware for pump 7"

# --- suppress: alerts to keep quiet. kind, src and dst must equal the alert's; what is left out may be anything.
# They are counted and stored all the same ("driftspan alerts --status muted"). until: shown again from then on.
# To keep one single alert quiet, "driftspan mute ID" is better: it names the very cause.
#
# [[suppress]]
# kind = "scan.ports"
# src = "10.9.0.4"
# until = 2026-12-31T00:00:00Z
# note = "the vulnerability scanner of IT"

# --- sigma: detections of your own as Sigma rules, with "pip install driftspan[sigma]". enabled: they are asked after
# each replay, and live every so many minutes; "driftspan sigma run" asks them at once. rules: files and directories.
# shipped: the rules that come along run too ("driftspan sigma list"). off: ids of rules that do not run.
#
# [sigma]
# enabled = true
# rules = ["rules"]
# shipped = true
# minutes = 5
# off = []

# --- export: alerts, incidents and drift to other tools for as long as "driftspan run" or "serve" runs: what is new,
# each at least once; how far that is, is kept beside the store in a directory with "-exports". name: of that file.
# to: eve, ocsf, ecs, cef, stix or zeek. One of output (a file), syslog (udp://, tcp:// or tls://) and webhook
# (http:// or https://). records: of alerts, incidents, drift (default: all; with where: alerts). severity: this one and
# worse. status: default open and returned. case, where, since: as of "driftspan export". ca, certificate, key: of TLS,
# PEM. secret_file: signs webhooks (else the variable DRIFTSPAN_WEBHOOK_SECRET, or the credential webhook_secret).
#
# [[export]]
# name = "siem"
# to = "cef"
# syslog = "tls://siem.plant:6514"
# severity = "medium"
# ca = "/etc/driftspan/siem-ca.pem"

# --- detectors: each has a section of its own; `enabled = false` turns it off.
#
# [detectors.scan]
# enabled = true
#
# The mirror port itself: per cent of a period of `seconds` from which on loss (in so many windows of it), copies, cut
# packets or connections with one side only are a fault, and seconds without a packet of the port or of a VLAN.
#
# [detectors.mirror]
# seconds = 60.0
# loss = 1.0
# loss_windows = 3
# duplicates = 5.0
# truncated = 1.0
# one_sided = 50.0
# silent_seconds = 60.0
# vlan_seconds = 60.0
"""


def template(path: str = "") -> str:
    """`path`: where the store is to be, if not where it is by default."""
    from parsers import limits

    sensor, capture, store = SensorSection(), CaptureSection(), StoreSection()
    console, learning, alerting = ConsoleSection(), LearningSection(), AlertingSection()
    drift, context = DriftSection(), ContextSection()
    evidence, ledger = EvidenceSection(), LedgerSection()
    log = LogSection()
    head = _HEAD.format(
        evidence=evidence,
        evidence_enabled=str(evidence.enabled).lower(),
        ledger=ledger,
        ledger_enabled=str(ledger.enabled).lower(),
        name=sensor.name,
        confine=str(sensor.confine).lower(),
        window_seconds=capture.window_seconds,
        workers=capture.workers,
        vlan_in_key=str(capture.vlan_in_key).lower(),
        ring_mib=capture.ring_mib,
        rings=capture.rings,
        snaplen=capture.snaplen,
        promiscuous=str(capture.promiscuous).lower(),
        filter=capture.filter,
        path=path or store.path,
        password_file=store.password_file,
        cluster=store.cluster,
        replicated=str(store.replicated).lower(),
        partition=store.partition,
        keep_days=store.keep_days,
        keep_alert_days=store.keep_alert_days,
        spool=store.spool,
        spool_mib=store.spool_mib,
        database=store.database,
        host=console.host,
        port=console.port,
        enabled=str(console.enabled).lower(),
        insecure=str(console.insecure).lower(),
        idle_minutes=console.idle_minutes,
        session_hours=console.session_hours,
        query_seconds=console.query_seconds,
        log_format=log.format,
        log_level=log.level,
        seconds=learning.seconds,
        quiet_windows=learning.quiet_windows,
        device_seconds=learning.device_seconds,
        false_alarms_per_day=alerting.false_alarms_per_day,
        learn_days=drift.learn_days,
        arl_days=drift.arl_days,
        shift_begin=context.shift_begin,
        shift_end=context.shift_end,
    )
    lines = []
    for name, default, meaning in limits():
        lines += textwrap.wrap(meaning.strip(), 100, initial_indent="# ", subsequent_indent="#   ")
        lines.append(f"{name} = {default}")
    return head + _LIMITS + "\n".join(lines) + "\n" + _TAIL
