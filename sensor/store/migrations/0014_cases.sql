-- What an investigator says of a case: its latest state. `state` is `open`, `closed`, or `deleting` while its rows are taken
-- away: who finds that goes on with it.
CREATE TABLE IF NOT EXISTS cases
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC'),
    begun DateTime64(9, 'UTC'),
    state LowCardinality(String),
    title String,
    analyst LowCardinality(String)
)
ENGINE = ReplacingMergeTree(ts)
ORDER BY case_id
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row a capture of a case, as it was when it was added. `id` is what rows of a replay name it by, `sha256` of the file as
-- it is; `modified` is the file's time. `shift`: nanoseconds added to the times of its packets. `ts`: when it was added.
CREATE TABLE IF NOT EXISTS case_captures
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC'),
    id String,
    path String,
    sha256 String,
    size UInt64,
    modified Int64,
    shift Int64,
    format LowCardinality(String),
    compression LowCardinality(String),
    packets UInt64,
    first_ts DateTime64(9, 'UTC'),
    last_ts DateTime64(9, 'UTC'),
    links Array(UInt16),
    truncated_packets UInt64,
    skipped_blocks UInt64,
    dropped UInt64,
    warning String
)
ENGINE = ReplacingMergeTree(ts)
ORDER BY (case_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Where frames of replayed captures stand: one row a stretch of them. See parsers/capture/src/index.rs.
CREATE TABLE IF NOT EXISTS frame_index
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    last_ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    frames UInt32,
    offset UInt64 CODEC(Delta, LZ4),
    prelude Array(UInt64),
    hosts Array(UInt64)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, capture, frame);

-- The file that was replayed, to tell whether it was touched since, and what was added to its times.
ALTER TABLE captures ADD COLUMN IF NOT EXISTS size UInt64 DEFAULT 0;
ALTER TABLE captures ADD COLUMN IF NOT EXISTS modified Int64 DEFAULT 0;
ALTER TABLE captures ADD COLUMN IF NOT EXISTS shift Int64 DEFAULT 0;
