-- The slice of packets of an alert: its file below the directory of evidence, its SHA-256, packets in it, those of them
-- that decide the alert, and what is missing in it.
ALTER TABLE alert_rows ADD COLUMN IF NOT EXISTS evidence_file String DEFAULT '';
ALTER TABLE alert_rows ADD COLUMN IF NOT EXISTS evidence_sha256 String DEFAULT '';
ALTER TABLE alert_rows ADD COLUMN IF NOT EXISTS evidence_packets UInt32 DEFAULT 0;
ALTER TABLE alert_rows ADD COLUMN IF NOT EXISTS evidence_frames Array(UInt32);
ALTER TABLE alert_rows ADD COLUMN IF NOT EXISTS evidence_note String DEFAULT '';

-- A view keeps the columns that its tables had when it was made.
CREATE OR REPLACE VIEW alerts AS
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
