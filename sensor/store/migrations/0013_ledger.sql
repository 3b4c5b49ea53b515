-- One row a leaf: see sensor/ledger. `log` is what one key writes, `leaf_index` counts from 0 within a log and stream.
-- `kind` is `record` (a row of the stream's table was written: `key` names it within its case, `version` is its state
-- where a later one takes its place, `record_hash` is of its bytes), `removal` (rows of the case, or of a run of it, that
-- were written before are taken away on purpose), `retention` or `key`; of these `note` says what, and `record_hash` is of
-- that. `batch` names the delivery. `row_ts` is the record's time, `ts` the machine's clock when the leaf was written.
CREATE TABLE IF NOT EXISTS ledger_leaves
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    log LowCardinality(String),
    stream LowCardinality(String),
    leaf_index UInt64 CODEC(Delta, LZ4),
    kind LowCardinality(String),
    key String,
    version UInt64 CODEC(Delta, LZ4),
    run LowCardinality(String),
    row_ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    record_hash String,
    note String,
    batch String,
    chain String,
    seal String
)
ENGINE = MergeTree
ORDER BY (log, stream, leaf_index)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row a signed head of a tree. `checkpoint` is the signed note, `public_key` what it was signed with (Base64).
CREATE TABLE IF NOT EXISTS tree_heads
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    log LowCardinality(String),
    stream LowCardinality(String),
    tree_size UInt64,
    public_key LowCardinality(String),
    checkpoint String
)
ENGINE = MergeTree
ORDER BY (log, stream, tree_size)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row what somebody did with a case or what belongs to it: the chain of custody. `entry` names the row, `detail` is JSON.
CREATE TABLE IF NOT EXISTS custody
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    entry String,
    who String,
    what LowCardinality(String),
    target String,
    detail String
)
ENGINE = MergeTree
ORDER BY (case_id, ts, entry)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
