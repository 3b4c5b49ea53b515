-- One row what somebody said of a model: that it is there (add), that a version of it may be used (approve), that sums
-- or a version may not (revoke), or that an earlier row is taken back (undo). Nothing is ever changed here. `case_id` is
-- empty: it holds for every case of the store. `record` names the row, `undoes` the one that it takes back. `origin` is
-- where the sums came from, with the signer of a manifest.
CREATE TABLE IF NOT EXISTS model_registry
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    record String,
    model_id String,
    action LowCardinality(String),
    version String,
    sha256 Array(String),
    hosts Array(String),
    inputs Array(String),
    outputs Array(String),
    rollback_minutes UInt32,
    origin String,
    undoes String,
    analyst LowCardinality(String),
    note String
)
ENGINE = MergeTree
ORDER BY (model_id, ts)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;
