-- Drift alerts and incidents as they are told: a later state (`version`: packet time in nanoseconds at which it was
-- told) takes the place of an earlier one. Nothing ever wrote the tables of these names in 0001.
DROP TABLE IF EXISTS drift SYNC;
CREATE TABLE IF NOT EXISTS drift
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    run LowCardinality(String),
    drift_id String,
    model_id LowCardinality(String),
    kind LowCardinality(String),
    detector LowCardinality(String),
    statistic Float64,
    threshold Float64,
    p_value Nullable(Float64),
    baseline String,
    current String,
    window String,
    source LowCardinality(String),
    stream LowCardinality(String),
    shape LowCardinality(String),
    magnitude Float64,
    since DateTime64(9, 'UTC'),
    since_low DateTime64(9, 'UTC'),
    since_high DateTime64(9, 'UTC'),
    returned DateTime64(9, 'UTC'),
    summary String,
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY case_id
ORDER BY (case_id, drift_id)
SETTINGS min_bytes_for_wide_part = 268435456, fsync_after_insert = 1, fsync_part_directory = 1;

-- `state`: `open`, `returned` (outputs are back inside their baseline), `merged` (it was part of another one).
-- `causes`, `suspects`, `timeline`, `rollback` are JSON.
DROP TABLE IF EXISTS incidents SYNC;
CREATE TABLE IF NOT EXISTS incident_rows
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    run LowCardinality(String),
    incident_id String,
    title String,
    severity Enum8('info' = 0, 'low' = 1, 'medium' = 2, 'high' = 3, 'critical' = 4),
    level LowCardinality(String),
    cause LowCardinality(String),
    probability Float32,
    causes String,
    model_id LowCardinality(String),
    models Array(LowCardinality(String)),
    alert_ids Array(String),
    drift_ids Array(String),
    timeline String,
    suspects String,
    unseen Float32,
    speaks_for Array(String),
    speaks_against Array(String),
    would_settle Array(String),
    blast_radius Array(String),
    techniques Array(LowCardinality(String)),
    controls Array(LowCardinality(String)),
    runbook String,
    rollback String,
    first_ts DateTime64(9, 'UTC'),
    last_ts DateTime64(9, 'UTC'),
    state LowCardinality(String),
    version UInt64
)
ENGINE = ReplacingMergeTree(version)
PARTITION BY case_id
ORDER BY (case_id, incident_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Incidents with what was said of them, as `alerts` has it; what was closed is open again when there is later evidence.
CREATE OR REPLACE VIEW incidents AS
SELECT
    * EXCEPT (said, running),
    if(running, transform(said.1, ['learn', 'mute', 'close'], ['learned', 'muted', 'closed'], state), state) AS status,
    if(running, said.1, '') AS verdict,
    said.2 AS status_by,
    nullIf(said.3, toDateTime64(0, 9, 'UTC')) AS status_until,
    said.5 AS status_note
FROM (
    SELECT
        i.*,
        if(c.given > s.given, c.latest, s.latest) AS said,
        multiIf(
            said.1 IN ('learn', 'mute'), said.3 = toDateTime64(0, 9, 'UTC') OR said.3 > now64(9, 'UTC'),
            said.1 = 'close', i.last_ts <= said.4,
            false) AS running
    FROM incident_rows AS i FINAL
    LEFT JOIN (
        SELECT alert_id AS id, case_id AS of_case, max(ts) AS given,
            argMax((toString(action), toString(analyst), expiry, last_seen, note), ts) AS latest
        FROM verdicts WHERE case_id != '' GROUP BY id, of_case
    ) AS c ON i.incident_id = c.id AND i.case_id = c.of_case
    LEFT JOIN (
        SELECT alert_id AS id, max(ts) AS given,
            argMax((toString(action), toString(analyst), expiry, last_seen, note), ts) AS latest
        FROM verdicts WHERE case_id = '' GROUP BY id
    ) AS s ON i.incident_id = s.id
);
