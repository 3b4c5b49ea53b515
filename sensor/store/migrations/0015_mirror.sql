-- What a capture or interface shows of its own health: one row a window and VLAN (0: untagged). `unseen_bytes` were
-- acknowledged, or passed over, in TCP flows and never seen; `one_sided` of `tcp_flows` showed one of their sides only.
CREATE TABLE IF NOT EXISTS mirror
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    vlan UInt16,
    last_ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    packets UInt64,
    bytes UInt64,
    cut_packets UInt64,
    oversized UInt64,
    duplicates UInt64,
    backward UInt64,
    backward_ns UInt64,
    tcp_bytes UInt64,
    unseen_bytes UInt64,
    tcp_flows UInt64,
    one_sided UInt64,
    dropped UInt64,
    clock_step_ns Int64
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;
