-- What a host's own log says besides (source = 'host'): what it read, where the line stands, the id of its content.
ALTER TABLE inference_log ADD COLUMN IF NOT EXISTS record_id String;
ALTER TABLE inference_log ADD COLUMN IF NOT EXISTS input String;
ALTER TABLE inference_log ADD COLUMN IF NOT EXISTS place String;

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
