"""What can go wrong, what is expected then, and the test that makes it go wrong. `python -m tests.sensor.fault_table`
writes docs/faults.md."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

DOCUMENT = Path(__file__).parents[2] / "docs" / "faults.md"
HEAD = """# Faults

What is expected when something breaks, each injected by a test. Acknowledged means: in the store, or in a whole file of the
spool. None of these loses what was acknowledged or stores it twice. This page is written from the tests' table
(`python -m tests.sensor.fault_table`), and a test holds it to that.

| what | how it is injected | what is expected | test |
| --- | --- | --- | --- |
"""


@dataclass(frozen=True, slots=True)
class Fault:
    what: str
    how: str
    expected: str
    test: str


_RUN, _SERVICE = (f"tests/integration/test_{name}.py::" for name in ("run", "service"))
_HERE = "tests/sensor/test_fault_matrix.py::"
FAULTS = (
    Fault("sensor, keeper or both killed", "`kill -9` at random moments of a live run, the keeper also while it delivers",
          "the other goes on; after the next start every acknowledged row and alert is there, once",
          "tests/integration/test_kills.py::test_what_was_acknowledged_outlives_kills"),
    Fault("replay killed", "`kill -9` at random moments", "the replay repeated is as if nothing had happened",
          "tests/sensor/test_kill.py::test_a_killed_replay_can_be_repeated"),
    Fault("console killed", "`kill -9`", "it begins again by itself; sensor and keeper do not notice",
          f"{_RUN}test_a_sensor_has_a_console_that_comes_back_and_ends_with_it"),
    Fault("listener killed", "`kill -9` of the process that owns the sockets",
          "packets come as before (the memory of the rings outlives it); that the kernel's drops are not counted any more is "
          "said", f"{_RUN}test_each_process_has_what_it_needs_and_no_more"),
    Fault("starter killed", "`kill -9` of the process that begins programs",
          "what runs goes on; what dies then is not begun again, which is said, and rows wait in the spool",
          "tests/sensor/test_starter.py::test_programs_outlive_it_and_a_dead_one_is_a_sentence"),
    Fault("spool's disk full", "a live run with its spool on a small tmpfs that is filled",
          "the sensor ends with a sentence and status 1; what was committed is delivered; it goes on once there is room",
          f"{_SERVICE}test_a_full_disk_is_a_sentence_and_loses_nothing_that_was_committed"),
    Fault("store's disk full", "a replay onto a small tmpfs", "a sentence, status 1",
          "tests/sensor/test_commands.py::test_a_full_disk_is_one_sentence"),
    Fault("evidence's disk full or read-only", "tmpfs without room, tmpfs mounted read-only",
          "alerts come without packets, which is counted; nothing else changes",
          f"{_SERVICE}test_evidence_that_finds_no_room_costs_nothing_else"),
    Fault("spool over its limit", "a store that takes nothing", "the oldest messages are given up and counted, never alerts",
          "tests/sensor/spool/test_spool.py::test_a_full_spool_gives_up_the_oldest_messages_and_never_records"),
    Fault("part of a table damaged", "bytes of its data files turned", "a sentence that says so, status 1; other tables are read",
          f"{_HERE}test_a_damaged_part_of_the_store_is_a_sentence_and_a_replay_mends_it"),
    Fault("file of the spool damaged", "a byte of a frame turned", "what stands before it is stored, the file is kept, and it is said",
          "tests/sensor/spool/test_spool.py::test_a_damaged_file_is_said_kept_and_passed_over"),
    Fault("learnt state damaged", "emptied, cut off, replaced", "kept beside as `state.old`, said; learning begins anew",
          f"{_HERE}test_a_damaged_state_is_kept_aside_and_learning_begins_anew"),
    Fault("status file cut off", "half a JSON object", "`driftspan status` says the sensor does not run",
          f"{_HERE}test_a_status_that_is_cut_off_is_a_sentence"),
    Fault("clock set back or forward", "packet time that jumps by an hour, a day, 40 days",
          "no row is lost, windows go on from there; live, the step is told in the table `mirror`",
          f"{_HERE}test_a_clock_that_jumps_costs_no_row"),
    Fault("too little memory", "`RLIMIT_AS` of 900 MiB for a replay",
          "the replay fails; what was stored before is unchanged, and the replay repeated is whole",
          f"{_HERE}test_too_little_memory_ends_a_replay_and_costs_nothing_that_was_stored"),
    Fault("broken pipe", "a reader that closes after some lines", "no complaint",
          "tests/sensor/test_cli.py::test_a_closed_pipe_is_no_complaint"),
    Fault("tshark or pyshark missing", "not found on the path", "`show` shows everything else and says what to install",
          "tests/sensor/test_packets.py::test_why_packets_may_not_be_there"),
    Fault("tshark hangs or eats memory", "limits of time and memory", "it is ended; `show` says so",
          "tests/sensor/test_packets.py::test_limits_hold"),
    Fault("tshark taken over", "sockets, other files and writing tried from its process", "refused by the kernel",
          "tests/sensor/test_packets.py::test_tshark_has_no_network_and_no_files_of_others"),
    Fault("dissector of ours fails", "a simulated panic in each flow to a port",
          "the flow's rest is not dissected, a grave alert says so with its packets; all other flows go on",
          f"{_HERE}test_a_dissector_that_fails_is_told_with_its_packets"),
    Fault("packet path fails outside a dissector", "a simulated panic at each packet to a port",
          "the packet is lost, counted and told",
          "parsers/wire/tests/overload.rs::a_failure_outside_dissectors_takes_one_packet"),
    Fault("hostile capture", "bits turned, lengths made absurd, cut off", "read as far as it goes, or refused in a sentence",
          f"{_HERE}test_captures_made_to_break_a_reader_are_read_or_refused"),
    Fault("hostile configuration", "nesting, numbers and keys without end, control characters", "one sentence at once, status 2",
          "tests/sensor/test_config.py::test_a_hostile_file_is_one_sentence_at_once"),
    Fault("interface gone", "set down, deleted, made anew", "said, and listened to again when it is back",
          f"{_RUN}test_an_interface_that_goes_away_under_the_sensor_is_said_and_loses_nothing"),
)  # fmt: skip


def document() -> str:
    rows = (
        f"| {fault.what} | {fault.how} | {fault.expected} | `{fault.test.partition('::')[2]}` |" for fault in FAULTS
    )
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(document())
