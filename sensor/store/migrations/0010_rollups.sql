-- Sums that are kept up as rows come. `capture` is of the rows they are made of: a replay that is repeated takes them away
-- with those. (Alerts change as they go on, which no sum could know: `alert_grid` has the little of each that counting needs.)

-- Messages and bytes of a minute and protocol.
CREATE TABLE IF NOT EXISTS protocol_minutes
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC'),
    protocol LowCardinality(String),
    capture LowCardinality(String),
    messages UInt64,
    errors UInt64,
    bytes UInt64
)
ENGINE = SummingMergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts, protocol, sensor, capture);

CREATE MATERIALIZED VIEW IF NOT EXISTS protocol_minutes_of TO protocol_minutes AS
SELECT sensor, case_id, toDateTime64(toStartOfMinute(ts), 9, 'UTC') AS ts, protocol, capture,
    sum(count) AS messages, sum(errors) AS errors, sum(bytes) AS bytes
FROM behaviours
GROUP BY sensor, case_id, ts, protocol, capture;

-- Who talked how much with whom in an hour.
CREATE TABLE IF NOT EXISTS talker_hours
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC'),
    client_ip IPv6,
    server_ip IPv6,
    protocol LowCardinality(String),
    capture LowCardinality(String),
    messages UInt64,
    errors UInt64,
    bytes UInt64
)
ENGINE = SummingMergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts, client_ip, server_ip, protocol, sensor, capture);

CREATE MATERIALIZED VIEW IF NOT EXISTS talker_hours_of TO talker_hours AS
SELECT sensor, case_id, toDateTime64(toStartOfHour(ts), 9, 'UTC') AS ts, client_ip, server_ip, protocol, capture,
    sum(count) AS messages, sum(errors) AS errors, sum(bytes) AS bytes
FROM behaviours
GROUP BY sensor, case_id, ts, client_ip, server_ip, protocol, capture;

-- What older stores have already. Nobody else writes while a schema is changed.
TRUNCATE TABLE protocol_minutes;
INSERT INTO protocol_minutes
SELECT sensor, case_id, toDateTime64(toStartOfMinute(ts), 9, 'UTC') AS ts, protocol, capture,
    sum(count) AS messages, sum(errors) AS errors, sum(bytes) AS bytes
FROM behaviours
GROUP BY sensor, case_id, ts, protocol, capture;
TRUNCATE TABLE talker_hours;
INSERT INTO talker_hours
SELECT sensor, case_id, toDateTime64(toStartOfHour(ts), 9, 'UTC') AS ts, client_ip, server_ip, protocol, capture,
    sum(count) AS messages, sum(errors) AS errors, sum(bytes) AS bytes
FROM behaviours
GROUP BY sensor, case_id, ts, client_ip, server_ip, protocol, capture;

-- How each sensor of live runs was when it was last heard of: a minute's state takes the place of the one before. `ts` is the
-- machine's clock, all else here is packet time. `ended`: it was stopped.
CREATE TABLE IF NOT EXISTS sensor_states
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC'),
    version LowCardinality(String),
    since DateTime64(9, 'UTC'),
    packet_ts DateTime64(9, 'UTC'),
    packets UInt64,
    dropped UInt64,
    alerts UInt64,
    learning LowCardinality(String),
    interfaces Array(String),
    spool_rows_lost UInt64,
    problem String,
    ended Bool
)
ENGINE = ReplacingMergeTree(ts)
ORDER BY (case_id, sensor);
