"""Frames are found again by the index as a full read gives them: pcap, pcapng with late interfaces, compressed."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import pyarrow as pa
import pytest

from parsers import CaptureError, Engine, Selection, frames_at, scan
from tests.sensor.conftest import modbus_reads, write_pcap

COUNT = 900


def pcapng(path: Path, packets: list[tuple[float, bytes]]) -> Path:
    """Two sections; the second has an interface with nanoseconds that is described in its middle."""

    def block(kind: int, body: bytes) -> bytes:
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)

    head = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))
    micro = block(1, struct.pack("<HHI", 1, 0, 0))
    nano = block(1, struct.pack("<HHIHHBBBBHH", 1, 0, 0, 9, 1, 9, 0, 0, 0, 0, 0))
    out = [head, micro]
    for number, (at, frame) in enumerate(packets):
        if number == len(packets) // 2:
            out += [head, micro]
        if number == len(packets) // 2 + 100:
            out.append(nano)
        place = int(number > len(packets) // 2 + 100)
        ticks = round(at * 1e6) * (1000 if place else 1)
        out.append(
            block(6, struct.pack("<IIIII", place, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame)) + frame)
        )
    path.write_bytes(b"".join(out))
    return path


@pytest.fixture(params=["pcap", "pcapng", "gz"])
def path(request, tmp_path) -> Path:
    packets = modbus_reads(COUNT)
    if request.param == "pcapng":
        return pcapng(tmp_path / "a.pcapng", packets)
    plain = write_pcap(tmp_path / "a.pcap", packets)
    if request.param == "pcap":
        return plain
    packed = tmp_path / "a.pcap.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    return packed


def index(path: Path, **options: object) -> list[tuple[int, int, int, list[int]]]:
    engine, rows = Engine([path], index=True, **options), []
    while (window := engine.next()) is not None:
        if "frame_index" in window.tables:
            rows += pa.table(window.tables["frame_index"]).to_pylist()
    return sorted((row["offset"], row["frame"], row["frames"], row["prelude"]) for row in rows)


def test_any_stretch_gives_what_a_full_read_gives(path) -> None:
    stretches = index(path)
    assert [(frame, frames) for _, frame, frames, _ in stretches] == [(1, 512), (513, 512), (1025, 512), (1537, 264)]
    everything, read = frames_at(path, 0, stretches, Selection())
    assert (len(everything), read) == (2 * COUNT, 4)
    assert [frame for _, _, frame, *_ in everything] == list(range(1, 2 * COUNT + 1))
    for number in (0, 2, 3):
        found, _ = frames_at(path, 0, stretches[number : number + 1], Selection())
        first = stretches[number][1]
        assert found == everything[first - 1 : first - 1 + stretches[number][2]]
    some, _ = frames_at(
        path, 0, [stretches[1], stretches[3]], Selection(frames=[(0, 600), (0, 1700)], from_ts=1, to_ts=0)
    )
    assert [packet[2] for packet in some] == [600, 1700]
    part, read = frames_at(path, 0, stretches, Selection(), most=1)
    assert (len(part), read) == (512, 1)


def test_shifted_times_are_another_capture(path) -> None:
    plain, shifted = scan(path)[0], scan(path, 5_000_000_000)[0]
    assert shifted["first_ts"] == plain["first_ts"] + 5_000_000_000
    assert shifted["id"] != plain["id"]
    assert plain["links"] == [1]
    found, _ = frames_at(path, 0, index(path), Selection(frames=[(0, 1)], from_ts=1, to_ts=0), shift=5_000_000_000)
    assert found[0][0] == shifted["first_ts"]


def test_a_file_that_is_shorter_by_now_is_no_answer(path) -> None:
    stretches = index(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 3])
    with pytest.raises(CaptureError, match="not the file that was replayed"):
        frames_at(path, 0, stretches[3:], Selection())


def test_files_are_handed_out_up_to_the_limit() -> None:
    capture = Path(__file__).parents[2] / "pcaps" / "exfiltration_model.pcap"
    for limit, wanted in ((0, (0, 0)), (100, (0, 2)), (1 << 20, (2, 0))):
        engine, files, over = Engine([capture], limits={"kept_file_bytes": limit}), [], 0
        while (window := engine.next()) is not None:
            files += window.files
            over += window.counters["dropped.kept_file_bytes"]
        models = [data for _, data in files if len(data) == 852]
        assert (len(models) >= wanted[0], over >= wanted[1], bool(files)) == (True, True, limit > 100)


def test_a_filter_that_would_not_end_is_refused() -> None:
    with pytest.raises(ValueError, match="leads out of it"):
        Selection(programs=[(1, [(5, 0, 0, 7), (6, 0, 0, 0)])])
