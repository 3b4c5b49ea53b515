-- What a drift alert says besides: which stream moved, since when, how.
ALTER TABLE drift ADD COLUMN IF NOT EXISTS stream LowCardinality(String);
ALTER TABLE drift ADD COLUMN IF NOT EXISTS shape LowCardinality(String);
ALTER TABLE drift ADD COLUMN IF NOT EXISTS magnitude Float64;
ALTER TABLE drift ADD COLUMN IF NOT EXISTS since DateTime64(9, 'UTC');
ALTER TABLE drift ADD COLUMN IF NOT EXISTS since_low DateTime64(9, 'UTC');
ALTER TABLE drift ADD COLUMN IF NOT EXISTS since_high DateTime64(9, 'UTC');
ALTER TABLE drift ADD COLUMN IF NOT EXISTS returned DateTime64(9, 'UTC');
ALTER TABLE drift ADD COLUMN IF NOT EXISTS summary String;
-- What a host's own log says besides (source = 'host'): what it read, where the line stands, the id of its content.
ALTER TABLE inference_log ADD COLUMN IF NOT EXISTS record_id String;
ALTER TABLE inference_log ADD COLUMN IF NOT EXISTS input String;
ALTER TABLE inference_log ADD COLUMN IF NOT EXISTS place String;
-- What was answered for as stored has to outlive the machine.
ALTER TABLE drift MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;
ALTER TABLE inference_log MODIFY SETTING fsync_after_insert = 1, fsync_part_directory = 1;

-- One row a document from outside that could not be read, as it is.
CREATE TABLE IF NOT EXISTS intake_rejects
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    reject_id String,
    kind LowCardinality(String),
    place String,
    reason String,
    text String
)
ENGINE = ReplacingMergeTree
PARTITION BY case_id
ORDER BY (case_id, reject_id);
