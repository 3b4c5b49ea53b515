from __future__ import annotations

import gzip
import time

from tests.sensor.conftest import START, modbus_reads, write_pcap


def test_a_capture_becomes_rows_and_a_summary(driftspan, capture) -> None:
    [summary] = driftspan.rows("replay", capture, "--case", "c1")
    assert summary["case"] == "c1"
    assert summary["packets"] == 100
    assert summary["messages"] == summary["modbus"] == 50
    assert [summary[name] for name in ("dnp3", "opcua", "mqtt", "tls", "malformed", "gaps", "dropped")] == [0] * 7
    assert summary["flows"] == 1
    assert summary["seconds"] > 0
    assert 0 < summary["packets_per_second"] <= 100 / (summary["seconds"] - 0.0005) + 0.5
    rows = driftspan.rows("query", "SELECT * FROM modbus ORDER BY request_frame")
    assert len(rows) == 50
    first = rows[0]
    assert (first["case_id"], first["sensor"]) == ("c1", "driftspan")
    assert (first["src_ip"], first["dst_ip"], first["dst_port"]) == ("::ffff:10.1.0.1", "::ffff:10.1.1.1", 502)
    assert (first["function_code"], first["address"], first["quantity"]) == (3, 100, 10)
    assert (first["request_frame"], first["response_frame"], first["exception_code"]) == (1, 2, None)
    assert first["values"] == list(range(10))
    assert len(first["capture"]) == 32
    [known] = driftspan.rows("query", "SELECT * FROM captures")
    assert (known["id"], known["packets"], known["finished"]) == (first["capture"], 100, True)
    assert known["path"].endswith("plant.pcap")


def test_stored_counts_are_the_summarys(driftspan, make_capture) -> None:
    [summary] = driftspan.rows("replay", make_capture("a.pcap", 30), make_capture("b.pcap", 20, host=2))
    [stored] = driftspan.rows(
        "query",
        "SELECT (SELECT count() FROM modbus) AS modbus, (SELECT count() FROM flows) AS flows,"
        " (SELECT count() FROM alerts) AS alerts, (SELECT sum(value) FROM health WHERE counter = 'packets') AS packets",
    )
    assert stored == {name: summary[name] for name in stored}
    assert summary["flows"] == 2


def test_a_replay_repeated_does_not_double_rows(driftspan, capture) -> None:
    tables = ("modbus", "flows", "behaviours", "sightings", "tag_values", "anomalies", "alerts", "assets", "health",
              "captures")  # fmt: skip
    counts = "SELECT " + ", ".join(f"(SELECT count() FROM {t}) AS {t}" for t in tables)
    driftspan.rows("replay", capture)
    first = driftspan.rows("query", counts)
    driftspan.rows("replay", capture)
    assert driftspan.rows("query", counts) == first
    assert first[0]["modbus"] == 50
    assert first[0]["captures"] == 1
    driftspan.rows("replay", capture, "--case", "other")
    assert driftspan.rows("query", "SELECT count() AS n FROM modbus") == [{"n": 100}]


def test_a_capture_replayed_with_another_leaves_no_earlier_alert(driftspan, make_capture) -> None:
    a, b = make_capture("a.pcap", 30), make_capture("b.pcap", 20, host=2)
    driftspan.rows("replay", a, "--case", "c")
    driftspan.rows("replay", a, b, "--case", "c")
    assert driftspan.rows("query", "SELECT uniqExact(run) AS n FROM alert_rows") == [{"n": 1}]
    assert driftspan.rows("query", "SELECT count() AS n, uniqExact(capture) AS c FROM modbus") == [{"n": 50, "c": 2}]


def test_the_same_content_is_read_once(driftspan, capture) -> None:
    copy = capture.with_name("copy.pcap")
    copy.write_bytes(capture.read_bytes())
    done = driftspan("replay", capture, copy, "--format", "ndjson")
    assert done.returncode == 0
    assert "copy.pcap: has the same content as" in done.stderr
    assert '"packets":100,' in done.stdout


def test_gzip_and_stdin_give_the_same_rows(driftspan, capture) -> None:
    packed = capture.with_name("packed.pcap.gz")
    packed.write_bytes(gzip.compress(capture.read_bytes()))
    driftspan.rows("replay", capture, "--case", "plain")
    driftspan.rows("replay", packed, "--case", "gzip")
    with capture.open("rb") as handle:
        done = driftspan("replay", "-", "--case", "stdin", "--format", "ndjson", stdin=handle)
    assert done.returncode == 0, done.stderr
    different = driftspan.rows(
        "query", "SELECT case_id, count() AS n, sum(cityHash64(ts, flow_id, values)) AS h FROM modbus GROUP BY case_id"
    )
    assert len(different) == 3
    assert len({(row["n"], row["h"]) for row in different}) == 1


def test_a_capture_that_breaks_off_is_read_as_far_as_it_goes(driftspan, tmp_path) -> None:
    path = write_pcap(tmp_path / "cut.pcap", modbus_reads(50), cut=10)
    done = driftspan("replay", path, "--format", "ndjson")
    assert done.returncode == 0
    assert '"packets":99,' in done.stdout
    assert any("cut.pcap" in line for line in done.stderr.splitlines())


def test_what_is_no_capture_is_refused_before_anything_is_stored(driftspan, capture, tmp_path) -> None:
    (tmp_path / "text.pcap").write_text("hello, this is no capture at all\n")
    (tmp_path / "empty").mkdir()
    for name in ("text.pcap", "missing.pcap", "empty"):
        assert name in driftspan.refused("replay", capture, name)
    assert not (tmp_path / "driftspan-store").exists()


def test_options_that_make_no_sense(driftspan, capture) -> None:
    assert "--pace" in driftspan.refused("replay", capture, "--pace=-1")
    assert "--pace" in driftspan.refused("replay", capture, "--pace", "nan")
    assert "--workers" in driftspan.refused("replay", capture, "--workers", "0")
    assert "--case" in driftspan.refused("replay", capture, "--case", "")
    assert "only once" in driftspan.refused("replay", "-", "-")


def test_pace_follows_packet_time(driftspan, make_capture) -> None:
    """60 seconds of packets in windows of 10, thirty times as fast: 2 seconds and not much more than that."""
    capture = make_capture("slow.pcap", 60, every=1.0)
    [fast] = driftspan.rows("replay", capture, "--case", "fast")
    begun = time.monotonic()
    [paced] = driftspan.rows("replay", capture, "--case", "paced", "--pace", 30)
    taken = time.monotonic() - begun
    assert paced["seconds"] > 2.0 > fast["seconds"]
    assert taken < 12


def test_workers_do_not_change_what_is_found(driftspan, make_capture) -> None:
    captures = [make_capture(f"{host}.pcap", 40, host=host) for host in range(1, 6)]
    digest = (
        "SELECT (SELECT groupArray(tuple(* EXCEPT (case_id))) FROM (SELECT * FROM alerts WHERE case_id = '{0}'"
        " ORDER BY alert_id)) AS alerts, (SELECT sum(cityHash64(ts, flow_id, request_frame, capture)) FROM modbus"
        " WHERE case_id = '{0}') AS rows"
    )
    driftspan.rows("replay", *captures, "--case", "one", "--workers", 1)
    driftspan.rows("replay", *captures, "--case", "three", "--workers", 3)
    one, three = (driftspan.rows("query", digest.format(case)) for case in ("one", "three"))
    assert one == three
    assert one[0]["alerts"]


def test_the_configuration_rules(driftspan, capture, tmp_path) -> None:
    (tmp_path / "driftspan.toml").write_text(
        "[sensor]\nname = 's7'\n[store]\npath = 'elsewhere'\ndatabase = 'plant'\n"
        "[[zone]]\nname = 'clients'\nlevel = 2\ncidrs = ['10.1.0.0/24']\n"
        "[[zone]]\nname = 'devices'\nlevel = 1\ncidrs = ['10.1.1.0/24']\n"
    )
    driftspan.rows("replay", capture)
    assert (tmp_path / "elsewhere").is_dir()
    assert driftspan.rows("query", "SELECT sensor, src_zone, dst_zone FROM flows") == [
        {"sensor": "s7", "src_zone": "clients", "dst_zone": "devices"}
    ]
    assert driftspan.rows("query", "SELECT currentDatabase() AS d") == [{"d": "plant"}]
    (tmp_path / "bad.toml").write_text("\n[stoer]\n")
    assert driftspan.refused("replay", capture, "--config", "bad.toml").startswith("bad.toml:2: ")
    (tmp_path / "scan.toml").write_text("[detectors.scan]\nnonsense = 1\n")
    assert driftspan.refused("replay", capture, "--config", "scan.toml").startswith("scan.toml:2: ")


def test_times_are_exact(driftspan, capture) -> None:
    driftspan.rows("replay", capture)
    [row] = driftspan.rows("query", "SELECT toUnixTimestamp64Nano(min(ts)) AS first FROM modbus")
    assert START * 10**9 <= row["first"] <= START * 10**9 + 10_000_000
