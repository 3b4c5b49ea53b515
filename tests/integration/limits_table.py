"""What each limit of the packet path sheds, and what tells it. `python -m tests.integration.limits_table` writes
docs/overload.md."""

from __future__ import annotations

from pathlib import Path

from parsers import limits

DOCUMENT = Path(__file__).parents[2] / "docs" / "overload.md"
# What tells that a limit was reached: `counter NAME` of a window (in `health` and Prometheus), `kind NAME` of a row in
# `anomalies`, or a sentence where nothing is lost.
TOLD = {
    "flows": "counter dropped.flows",
    "tcp_idle_seconds": "the flow's last row; a later packet begins another",
    "udp_idle_seconds": "the flow's last row; a later packet begins another",
    "tcp_closed_seconds": "the flow's last row; a later packet begins another",
    "half_open_seconds": "the flow's row, state `attempt`",
    "reassembly_flow_bytes": "counter dropped.reassembly",
    "reassembly_flow_segments": "counter dropped.reassembly",
    "reassembly_bytes": "counter dropped.reassembly",
    "late_holes": "counter gap_bytes",
    "compare_bytes": "bytes further back are not compared",
    "stream_legs": "counter dropped.stream_legs",
    "fragment_datagrams": "counter dropped.fragments",
    "fragment_bytes": "counter dropped.fragments",
    "fragment_seconds": "kind fragment_incomplete",
    "tunnel_depth": "the flow's row, which is the tunnel's",
    "duplicate_microseconds": "counter duplicates",
    "probe_bytes": "the flow's row, whose `app` stays empty",
    "message_bytes": "kind message_too_long",
    "pending_requests": "kind pending_full",
    "response_seconds": "the row, status `unanswered`",
    "items": "kind too_many_items",
    "text_bytes": "the text ends there",
    "payload_bytes": "the payload is marked as cut; size and SHA-256 are of the whole",
    "topic_aliases": "kind unknown_alias",
    "value_bytes": "the row has no values",
    "tags_per_flow": "kind tags_full",
    "nesting": "kind malformed",
    "link_pairs": "a pair that comes back is begun anew",
    "pending_bytes": "kind pending_full",
    "channels": "a channel that comes back is begun anew",
    "chunked_messages": "kind chunks_full",
    "chunks": "kind message_too_long",
    "read_templates": "nothing is lost: a poll is read once more",
    "monitored_items": "values of the oldest items come without their node id",
    "http_json_bytes": "counter dropped.http_json_bytes",
    "http_values": "counter dropped.http_values",
    "http_tags": "a value that comes back counts as new",
    "file_bytes": "nothing is lost: it holds no model",
    "kept_file_bytes": "the file is told as ever, its bytes are not kept",
    "behaviours": "counter dropped.behaviours",
    "window_rows": "nothing is lost: the window comes in parts",
    "window_bytes": "nothing is lost: the window comes in parts",
    "waiting_bytes": "counter capture.held_up_ms",
    "anomalies_per_flow": "counter anomalies_unwritten",
}
HEAD = """# Overload

What happens when more comes than the sensor can hold, by accident or because somebody wants to hide behind it. This page is
written from the program's own limits (`python -m tests.integration.limits_table`), and a test holds it to them.

## The order in which things are given up
1. Windows wait for detectors in memory (`waiting_bytes`), then packets wait in the kernel's ring, then the kernel drops and
   counts them (`dropped.kernel`).
2. Of flows those go first that never carried data, then datagrams, then connections, the longest idle first: a flood of SYNs
   costs SYNs.
3. Of fragments and segments the oldest are given up, and the hole is declared; the dissector goes on behind it.
4. Of requests that wait the oldest is told as unanswered.
5. Of behaviours, by which detectors judge, half of the table is the most that two hosts fill, and the last quarter is kept for
   writes and commands. Rows are stored all the same.
6. Of the spool the oldest messages are given up, alerts never.
7. Of alerts of one kind 1000 a window are told one by one, the earliest; what comes after them in the window is counted by one
   more alert, which names hosts and the gravest severity (`grouped`). Each is seen; none of the first is lost.

`tests/integration/test_overload.py` mixes an attack with floods of SYNs, flows, fragments, segments behind holes, unanswered
requests, distinct behaviours, MQTT topics, OPC UA nodes and alerts, with limits that the flood exceeds: the alert of the attack
comes under each. What it does not withstand: distinct writes of more hosts than `behaviours` within one window and worker, all
before the attack's own; they are alerts themselves, and what was not kept is counted.

## Limits
Each is set in `[limits]`. A limit set low is also how tests make the program meet it; a failure of a dissector itself is simulated
by `Engine(simulate=…)`.

| limit | default | meaning, and what is given up | what tells it |
| --- | --- | --- | --- |
"""


def told(name: str) -> str:
    kind, _, what = TOLD[name].partition(" ")
    if kind == "counter":
        return f"counter `{what}`"
    return f"anomaly `{what}`" if kind == "kind" else TOLD[name]


def document() -> str:
    rows = (f"| `{name}` | {value:,} | {meaning.strip()} | {told(name)} |" for name, value, meaning in limits())
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
