-- One row an output of a model, chained by hashes: see detectors/outputs/chain.py. One chain a sensor, case and run, in
-- the order of `seq`. `run` names the captures of a replay; outputs that a model's host logged itself are in no chain
-- (source = 'host', no hash). No engine that replaces rows: a ledger shows what was put into it.
-- The table of this name in 0001 had no place for the chain; nothing ever wrote it.
DROP TABLE IF EXISTS inference_log SYNC;
CREATE TABLE IF NOT EXISTS inference_log
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    run LowCardinality(String),
    seq UInt64 CODEC(Delta, LZ4),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    src_ip IPv6,
    dst_ip IPv6,
    model_id LowCardinality(String),
    model_version LowCardinality(String),
    kind LowCardinality(String),
    tag LowCardinality(String),
    input_sha256 String,
    output String,
    confidence Nullable(Float64),
    quality LowCardinality(String),
    source LowCardinality(String),
    source_ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    prev_hash String,
    hash String
)
ENGINE = MergeTree
PARTITION BY case_id
ORDER BY (case_id, sensor, run, seq, ts)
SETTINGS min_bytes_for_wide_part = 268435456, fsync_after_insert = 1, fsync_part_directory = 1;

-- How far each chain went: without it nobody would miss records cut off at its end.
CREATE TABLE IF NOT EXISTS ledger_heads
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    run LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    seq UInt64,
    hash String
)
ENGINE = ReplacingMergeTree(seq)
PARTITION BY case_id
ORDER BY (case_id, sensor, run)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
