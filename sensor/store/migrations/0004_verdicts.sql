-- One row what somebody said of an alert's cause. Nothing is ever changed here: the latest counts, and taking back is
-- a row too. `case_id` is empty where it holds for every case of the store. `expiry` is the epoch where it never ends,
-- `last_seen` when the alert had last been seen when it was closed.
-- The table of this name in 0001 kept the latest only; nothing ever wrote it.
DROP VIEW IF EXISTS alerts SYNC;
DROP TABLE IF EXISTS verdicts SYNC;
CREATE TABLE IF NOT EXISTS verdicts
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    alert_id String,
    action LowCardinality(String),
    analyst LowCardinality(String),
    expiry DateTime64(9, 'UTC'),
    last_seen DateTime64(9, 'UTC'),
    note String
)
ENGINE = MergeTree
ORDER BY (alert_id, ts)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Why the configuration kept an alert quiet when it was written; empty: it did not.
ALTER TABLE alert_rows ADD COLUMN IF NOT EXISTS suppressed String DEFAULT '';

-- Alerts with what was said of them. Of a verdict on the case and one on the store the later counts.
CREATE VIEW IF NOT EXISTS alerts AS
SELECT
    * EXCEPT (said, running),
    multiIf(
        running, transform(said.1, ['learn', 'mute', 'close'], ['learned', 'muted', 'closed'], 'open'),
        suppressed != '', 'muted',
        'open') AS status,
    if(running, said.1, '') AS verdict,
    said.2 AS status_by,
    nullIf(said.3, toDateTime64(0, 9, 'UTC')) AS status_until,
    if(running OR suppressed = '', said.5, suppressed) AS status_note
FROM (
    SELECT
        a.*,
        if(c.given > s.given, c.latest, s.latest) AS said,
        multiIf(
            said.1 IN ('learn', 'mute'), said.3 = toDateTime64(0, 9, 'UTC') OR said.3 > now64(9, 'UTC'),
            said.1 = 'close', a.last_ts <= said.4,
            false) AS running
    FROM alert_rows AS a FINAL
    LEFT JOIN (
        SELECT alert_id AS id, case_id AS of_case, max(ts) AS given,
            argMax((toString(action), toString(analyst), expiry, last_seen, note), ts) AS latest
        FROM verdicts WHERE case_id != '' GROUP BY id, of_case
    ) AS c ON a.alert_id = c.id AND a.case_id = c.of_case
    LEFT JOIN (
        SELECT alert_id AS id, max(ts) AS given,
            argMax((toString(action), toString(analyst), expiry, last_seen, note), ts) AS latest
        FROM verdicts WHERE case_id = '' GROUP BY id
    ) AS s ON a.alert_id = s.id
);
