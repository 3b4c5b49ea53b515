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

-- Alerts as a grid pages through them: one narrow row a state of an alert, by the hour it was last seen, so that the
-- latest ones, and any that a filter leaves, are found without looking at all. Later states within an hour take the
-- place of earlier ones; of those of other hours `alert_rows` tells which is the last. `words`: what a search looks in.
CREATE TABLE IF NOT EXISTS alert_grid
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    run LowCardinality(String),
    alert_id String,
    id UInt64,
    ts DateTime64(9, 'UTC') ALIAS first_ts,
    first_ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    last_ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    severity Enum8('info' = 0, 'low' = 1, 'medium' = 2, 'high' = 3, 'critical' = 4),
    confidence Float32,
    detector LowCardinality(String),
    kind LowCardinality(String),
    protocol LowCardinality(String),
    src_ip IPv6,
    dst_ip IPv6,
    src_zone LowCardinality(String),
    dst_zone LowCardinality(String),
    count UInt64,
    suppressed LowCardinality(String),
    title LowCardinality(String),
    summary String,
    techniques Array(LowCardinality(String)),
    words String,
    INDEX by_time last_ts TYPE minmax GRANULARITY 1,
    INDEX by_source src_ip TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_target dst_ip TYPE bloom_filter(0.01) GRANULARITY 1,
    INDEX by_words words TYPE ngrambf_v1(4, 4096, 3, 0) GRANULARITY 1
)
ENGINE = ReplacingMergeTree(last_ts)
PARTITION BY case_id
ORDER BY (toStartOfHour(last_ts), alert_id)
SETTINGS index_granularity = 1024, fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_grid_of_rows TO alert_grid AS
SELECT sensor, case_id, run, alert_id, sipHash64(alert_id) AS id, first_ts, last_ts, severity, confidence, detector, kind,
    protocol, src_ip, dst_ip, src_zone, dst_zone, count, suppressed, title, summary, techniques,
    lower(concat(title, ' ', summary, ' ', kind)) AS words
FROM alert_rows;

INSERT INTO alert_grid
SELECT sensor, case_id, run, alert_id, sipHash64(alert_id), first_ts, last_ts, severity, confidence, detector, kind,
    protocol, src_ip, dst_ip, src_zone, dst_zone, count, suppressed, title, summary, techniques,
    lower(concat(title, ' ', summary, ' ', kind))
FROM alert_rows FINAL;
