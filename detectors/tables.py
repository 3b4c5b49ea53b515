"""Alerts and assets as Arrow tables, as the store takes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from detectors.alert import Alert
    from detectors.assets import AssetRow


def alerts(rows: Sequence[Alert]) -> Any:
    """A pyarrow table of alerts: DESIGN's columns, and `kind` and `capture`. `evidence` is a JSON object."""
    import pyarrow as pa  # type: ignore[import-untyped, unused-ignore]

    time, ip, texts = pa.timestamp("ns", tz="UTC"), pa.binary(16), pa.list_(pa.utf8())
    types: dict[str, Any] = {
        "ts": time, "sensor": pa.utf8(), "case_id": pa.utf8(), "alert_id": pa.utf8(), "detector": pa.utf8(),
        "kind": pa.utf8(), "title": pa.utf8(), "severity": pa.utf8(), "confidence": pa.float64(), "src_ip": ip,
        "dst_ip": ip, "src_zone": pa.utf8(), "dst_zone": pa.utf8(), "protocol": pa.utf8(), "summary": pa.utf8(),
        "evidence": pa.utf8(), "techniques": texts, "attack_version": pa.utf8(), "controls": texts,
        "frames": pa.list_(pa.uint64()), "capture": pa.utf8(), "count": pa.uint64(), "first_ts": time,
        "last_ts": time, "status": pa.utf8(),
    }  # fmt: skip
    columns = {name: [getattr(row, name) for row in rows] for name in types}
    columns["evidence"] = [json.dumps(row.evidence, sort_keys=True, ensure_ascii=False) for row in rows]
    return pa.table({name: pa.array(columns[name], type=kind) for name, kind in types.items()})


def assets(rows: Sequence[AssetRow]) -> Any:
    """A pyarrow table of hosts. `ts` is `last_seen`: the version that replaces earlier ones."""
    import pyarrow as pa

    time, texts = pa.timestamp("ns", tz="UTC"), pa.list_(pa.utf8())
    types: dict[str, Any] = {
        "sensor": pa.utf8(), "case_id": pa.utf8(), "ip": pa.binary(16), "mac": pa.utf8(), "vendor": pa.utf8(),
        "hostname": pa.utf8(), "roles": texts, "protocols": texts, "zone": pa.utf8(), "purdue_level": pa.float64(),
        "model": pa.utf8(), "firmware": pa.utf8(), "serial": pa.utf8(), "first_seen": time, "last_seen": time,
        "zone_inferred": pa.bool_(),
    }  # fmt: skip
    columns = {"ts": pa.array([row.last_seen for row in rows], type=time)}
    columns |= {name: pa.array([getattr(row, name) for row in rows], type=kind) for name, kind in types.items()}
    return pa.table(columns)
