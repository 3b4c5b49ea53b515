-- The grid of alerts, anew: rows of a page lie anywhere among millions, so a look at one costs a small block, not a large
-- one. The key is the hash of the id, which is shorter. What it holds is as before; see 0012.
DROP VIEW IF EXISTS alert_grid_of_rows SYNC;
DROP TABLE IF EXISTS alert_grid SYNC;
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
    INDEX by_source src_ip TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX by_target dst_ip TYPE bloom_filter(0.01) GRANULARITY 2,
    INDEX by_words words TYPE ngrambf_v1(4, 4096, 3, 0) GRANULARITY 2
)
ENGINE = ReplacingMergeTree(last_ts)
PARTITION BY case_id
ORDER BY (toStartOfHour(last_ts), id)
SETTINGS index_granularity = 512, min_compress_block_size = 8192, max_compress_block_size = 65536,
    fsync_after_insert = 1, fsync_part_directory = 1;

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

-- When each alert was last seen: of the states in `alert_grid` this one counts.
CREATE TABLE IF NOT EXISTS alert_last
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    run LowCardinality(String),
    id UInt64,
    ts DateTime64(9, 'UTC') ALIAS last_ts,
    last_ts DateTime64(9, 'UTC')
)
ENGINE = ReplacingMergeTree(last_ts)
PARTITION BY case_id
ORDER BY id
SETTINGS index_granularity = 256, min_compress_block_size = 2048, max_compress_block_size = 4096,
    fsync_after_insert = 1, fsync_part_directory = 1;

CREATE MATERIALIZED VIEW IF NOT EXISTS alert_last_of_rows TO alert_last AS
SELECT sensor, case_id, run, sipHash64(alert_id) AS id, last_ts FROM alert_rows;

INSERT INTO alert_last SELECT sensor, case_id, run, sipHash64(alert_id), last_ts FROM alert_rows FINAL;
