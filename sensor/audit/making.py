"""Rows of the store as a finding."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sensor.audit import KEPT, Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sensor.audit import Cell

_MAPPED = "::ffff:"
# What each finding is evidence of, or observed to violate: IEC 62443-3-3 and NIST SP 800-82r3.
_CONTROLS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "scope.sources": (("SR 6.2",), ("SI-4", "CA-7")),
    "scope.zones": (("SR 7.8",), ("CM-8",)),
    "segmentation.crossings": (("SR 5.1", "SR 5.2"), ("AC-4", "SC-7")),
    "segmentation.violated": (("SR 5.1", "SR 5.2", "SR 2.1"), ("AC-4", "SC-7")),
    "segmentation.alerts": (("SR 5.1", "SR 5.2"), ("AC-4", "SC-7", "SI-4")),
    "segmentation.allowed": (("SR 5.1", "SR 5.2"), ("AC-4", "SC-7", "CA-9")),
    "segmentation.unused": (("SR 7.7",), ("CM-7",)),
    "boundary.pairs": (("SR 5.2", "SR 1.13"), ("SC-7", "CA-3")),
    "encryption.conduits": (("SR 3.1", "SR 4.1", "SR 4.3"), ("SC-8", "SC-13")),
    "encryption.tls": (("SR 4.3",), ("SC-13", "SC-8")),
    "encryption.opcua": (("SR 3.1", "SR 4.3"), ("SC-8", "SC-13")),
    "credentials.clear": (("SR 1.5", "SR 4.1"), ("IA-5", "SC-8")),
    "models.artefacts": (("SR 3.4", "SR 3.2"), ("SI-7", "CM-3", "CM-5")),
    "models.alerts": (("SR 3.4",), ("SI-7", "CM-8")),
    "monitoring.mirror": (("SR 6.2",), ("SI-4", "CA-7")),
    "monitoring.losses": (("SR 6.2", "SR 2.8"), ("SI-4", "AU-12")),
    "monitoring.one_sided": (("SR 6.2",), ("SI-4",)),
    "monitoring.silences": (("SR 6.2", "SR 2.10"), ("SI-4", "CA-7")),
    "monitoring.zones": (("SR 6.2", "SR 7.8"), ("SI-4", "CM-8")),
    "review.exceptions": (("SR 6.1",), ("AU-6", "CM-3")),
    "review.controls": (("SR 6.2",), ("SI-4", "CA-7")),
}


def finding(
    identity: str,
    section: str,
    title: str,
    stance: str,
    text: str,
    query: str,
    rows: Sequence[dict[str, Any]],
    key: tuple[str, ...] = (),
    bad: Sequence[bool] | None = None,
) -> Finding:
    """`bad`: of each row, whether it is what the stance says; None: all are."""
    sr, nist = _CONTROLS[identity]
    columns = tuple(rows[0]) if rows else key
    kept = rows[:KEPT]
    return Finding(
        identity, section, title, stance, text, query, columns, key,
        tuple(tuple(_cell(row[name]) for name in columns) for row in kept),
        tuple(bad[: len(kept)]) if bad is not None else (True,) * len(kept), len(rows), sr, nist,
    )  # fmt: skip


def _cell(value: Any) -> Cell:
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, str):
        return value.removeprefix(_MAPPED) if "." in value else value
    return int(value) if isinstance(value, bool) else value
