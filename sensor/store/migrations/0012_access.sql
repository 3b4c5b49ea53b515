-- One row what somebody did through console, API or command line, chained by hashes as `inference_log` is: see
-- sensor/access/log.py. One chain a console (`run` is its name), in the order of `seq`. `before` and `after` are JSON.
-- No engine that replaces rows: a ledger shows what was put into it.
CREATE TABLE IF NOT EXISTS access_log
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    run LowCardinality(String),
    seq UInt64 CODEC(Delta, LZ4),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    who String,
    role LowCardinality(String),
    via LowCardinality(String),
    address String,
    what LowCardinality(String),
    target String,
    before String,
    after String,
    prev_hash String,
    hash String
)
ENGINE = MergeTree
ORDER BY (run, seq, ts)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- How far each chain went: without it nobody would miss records cut off at its end.
CREATE TABLE IF NOT EXISTS access_heads
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    run LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    seq UInt64,
    hash String
)
ENGINE = ReplacingMergeTree(seq)
ORDER BY run
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row a step of an incident's runbook that somebody checked off (`done`) or opened again; the latest counts.
CREATE TABLE IF NOT EXISTS runbook_steps
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    incident_id String,
    step String,
    done Bool,
    analyst LowCardinality(String),
    note String
)
ENGINE = MergeTree
ORDER BY (incident_id, step, ts)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
