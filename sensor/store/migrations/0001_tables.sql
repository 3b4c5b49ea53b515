-- The tables of the first schema. Columns of network tables are those of the packet path's rows; a test
-- compares both. Times and frame numbers grow slowly, so their differences compress; rows of network
-- tables are ordered by time as they come, which makes writing them cheap. Those of messages have few and large
-- granules: writing costs a quarter less, and questions about a stretch of time read a little more.

-- One row a transaction.
CREATE TABLE IF NOT EXISTS modbus
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    request_frame UInt64 CODEC(Delta, LZ4),
    response_frame UInt64 CODEC(Delta, LZ4),
    transaction_id UInt16,
    unit_id UInt8,
    function_code UInt8,
    function LowCardinality(String),
    address Nullable(UInt16),
    quantity Nullable(UInt16),
    write_address Nullable(UInt16),
    write_quantity Nullable(UInt16),
    values Array(UInt16),
    sub_function Nullable(UInt16),
    exception_code Nullable(UInt8),
    status LowCardinality(String),
    latency_us Nullable(UInt32)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, index_granularity = 32768, index_granularity_bytes = 41943040;

-- One row an application fragment, or a link frame that carries none.
CREATE TABLE IF NOT EXISTS dnp3
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    link_src UInt16,
    link_dst UInt16,
    link_function UInt8,
    from_master Bool,
    transport_seq UInt8,
    app_function Nullable(UInt8),
    function LowCardinality(String),
    app_seq UInt8,
    fir Bool,
    fin Bool,
    con Bool,
    uns Bool,
    iin Nullable(UInt16),
    objects Array(String),
    points Nested(group UInt8, variation UInt8, index UInt32, value Float64, flags UInt8, time DateTime64(9, 'UTC'), status UInt8, text String)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, index_granularity = 32768, index_granularity_bytes = 41943040;

-- One row a service call or a transport message.
CREATE TABLE IF NOT EXISTS opcua
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    request_frame UInt64 CODEC(Delta, LZ4),
    response_frame UInt64 CODEC(Delta, LZ4),
    request_type_id UInt32,
    response_type_id UInt32,
    message_type LowCardinality(String),
    channel_id UInt32,
    request_id UInt32,
    service_id UInt32,
    service LowCardinality(String),
    security_policy LowCardinality(String),
    security_mode LowCardinality(String),
    identity_token LowCardinality(String),
    status Nullable(UInt32),
    items Nested(node_id String, attribute String, value String, status UInt32, source_time DateTime64(9, 'UTC')),
    info String,
    latency_us Nullable(UInt32)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, index_granularity = 32768, index_granularity_bytes = 41943040;

-- One row a control packet.
CREATE TABLE IF NOT EXISTS mqtt
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    packet_type UInt8,
    packet LowCardinality(String),
    version UInt8,
    client_id LowCardinality(String),
    username_seen Bool,
    password_seen Bool,
    topic LowCardinality(String),
    qos UInt8,
    retain Bool,
    dup Bool,
    packet_id UInt16,
    payload_size UInt64,
    payload_sha256 String,
    payload String,
    payload_cut Bool,
    reason_code Nullable(UInt8),
    reason LowCardinality(String),
    keep_alive UInt16,
    session_flag Bool,
    properties Array(String),
    filters Array(String)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, index_granularity = 32768, index_granularity_bytes = 41943040;

-- One row a handshake.
CREATE TABLE IF NOT EXISTS tls
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    version LowCardinality(String),
    version_number UInt16,
    cipher LowCardinality(String),
    sni LowCardinality(String),
    alpn LowCardinality(String),
    ja3 LowCardinality(String),
    ja4 LowCardinality(String),
    ja4s LowCardinality(String),
    server_cert_subject String,
    client_cert_subject String,
    issuer String,
    not_before DateTime64(9, 'UTC'),
    not_after DateTime64(9, 'UTC'),
    self_signed Bool,
    resumed Bool,
    server_cert_sha256 String,
    server_cert_serial String,
    server_cert_names String,
    server_cert_key LowCardinality(String),
    server_cert_signature LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row a flow, replaced by its later states.
CREATE TABLE IF NOT EXISTS flows
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    first_ts DateTime64(9, 'UTC'),
    last_ts DateTime64(9, 'UTC'),
    transport LowCardinality(String),
    state LowCardinality(String),
    app LowCardinality(String),
    service LowCardinality(String),
    packets_out UInt64,
    bytes_out UInt64,
    packets_in UInt64,
    bytes_in UInt64,
    encrypted Nullable(UInt8),
    midstream Bool,
    gaps UInt32,
    gap_bytes UInt64,
    retransmissions UInt32,
    credentials LowCardinality(String),
    info String,
    src_mac String,
    dst_mac String,
    src_zone LowCardinality(String),
    dst_zone LowCardinality(String)
)
ENGINE = ReplacingMergeTree(last_ts)
PARTITION BY case_id
ORDER BY (case_id, capture, flow_id, first_ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row a fact that a packet tells of a host.
CREATE TABLE IF NOT EXISTS sightings
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    ip IPv6,
    mac String,
    vlan UInt16,
    source LowCardinality(String),
    field LowCardinality(String),
    value String
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row a change of a value.
CREATE TABLE IF NOT EXISTS tag_values
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    source LowCardinality(String),
    tag LowCardinality(String),
    value Nullable(Float64),
    text String,
    quality LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row an oddity that a parser saw.
CREATE TABLE IF NOT EXISTS anomalies
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    protocol LowCardinality(String),
    kind LowCardinality(String),
    detail String
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row a distinct behaviour of a window.
CREATE TABLE IF NOT EXISTS behaviours
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    capture LowCardinality(String),
    behaviour_id UInt64,
    protocol LowCardinality(String),
    client_ip IPv6,
    server_ip IPv6,
    server_port UInt16,
    unit String,
    operation LowCardinality(String),
    access LowCardinality(String),
    object String,
    count UInt64,
    errors UInt64,
    bytes UInt64,
    last_ts DateTime64(9, 'UTC'),
    frame UInt64 CODEC(Delta, LZ4),
    last_frame UInt64 CODEC(Delta, LZ4),
    answered UInt64,
    latency_sum_us UInt64,
    latency_min_us UInt32,
    latency_max_us UInt32
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row an object carried over the network.
CREATE TABLE IF NOT EXISTS files
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    src_ip IPv6,
    src_port UInt16,
    dst_ip IPv6,
    dst_port UInt16,
    vlan UInt16,
    flow_id UInt64,
    community_id LowCardinality(String),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    sha256 String,
    size UInt64,
    name String,
    mime LowCardinality(String),
    model_format LowCardinality(String),
    registry_verdict LowCardinality(String),
    carrier LowCardinality(String)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row a capture and case: known before its first row is stored.
CREATE TABLE IF NOT EXISTS captures
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    id String,
    run String,
    path String,
    format LowCardinality(String),
    bytes UInt64,
    packets UInt64,
    first_ts DateTime64(9, 'UTC'),
    last_ts DateTime64(9, 'UTC'),
    truncated_packets UInt64,
    finished Bool
)
ENGINE = ReplacingMergeTree
ORDER BY (case_id, id)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row a host of a case. `run` names the captures that the row was learnt from.
CREATE TABLE IF NOT EXISTS assets
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    run LowCardinality(String),
    ip IPv6,
    mac String,
    vendor LowCardinality(String),
    hostname String,
    roles Array(LowCardinality(String)),
    protocols Array(LowCardinality(String)),
    zone LowCardinality(String),
    zone_inferred Bool,
    purdue_level Nullable(Float32),
    model String,
    firmware String,
    serial String,
    first_seen DateTime64(9, 'UTC'),
    last_seen DateTime64(9, 'UTC')
)
ENGINE = ReplacingMergeTree(last_seen)
PARTITION BY case_id
ORDER BY (case_id, run, ip)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row an alert and case, replaced by its later states. Read the view `alerts`.
CREATE TABLE IF NOT EXISTS alert_rows
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    run LowCardinality(String),
    alert_id String,
    detector LowCardinality(String),
    kind LowCardinality(String),
    title String,
    severity Enum8('info' = 0, 'low' = 1, 'medium' = 2, 'high' = 3, 'critical' = 4),
    confidence Float32,
    src_ip IPv6,
    dst_ip IPv6,
    src_zone LowCardinality(String),
    dst_zone LowCardinality(String),
    protocol LowCardinality(String),
    summary String,
    evidence String,
    techniques Array(LowCardinality(String)),
    attack_version LowCardinality(String),
    controls Array(LowCardinality(String)),
    frames Array(UInt64),
    capture LowCardinality(String),
    count UInt64,
    first_ts DateTime64(9, 'UTC'),
    last_ts DateTime64(9, 'UTC')
)
ENGINE = ReplacingMergeTree(last_ts)
PARTITION BY case_id
ORDER BY (case_id, alert_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row what an analyst said of an alert or incident; the latest counts.
CREATE TABLE IF NOT EXISTS verdicts
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    id String,
    status LowCardinality(String),
    analyst LowCardinality(String),
    note String
)
ENGINE = ReplacingMergeTree(ts)
ORDER BY (case_id, id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- Alerts with what analysts said of them.
CREATE VIEW IF NOT EXISTS alerts AS
SELECT a.*, if(v.status = '', 'open', toString(v.status)) AS status
FROM alert_rows AS a FINAL
LEFT JOIN (SELECT case_id, id, status FROM verdicts FINAL) AS v ON a.case_id = v.case_id AND a.alert_id = v.id;

-- One row a drift alert.
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
    source LowCardinality(String)
)
ENGINE = ReplacingMergeTree
PARTITION BY case_id
ORDER BY (case_id, drift_id)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row an output of a model.
CREATE TABLE IF NOT EXISTS inference_log
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    capture LowCardinality(String),
    frame UInt64 CODEC(Delta, LZ4),
    model_id LowCardinality(String),
    model_version LowCardinality(String),
    input_sha256 String,
    output String,
    confidence Nullable(Float64),
    source LowCardinality(String),
    prev_hash String,
    hash String
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456;

-- One row an incident, replaced by its later states.
CREATE TABLE IF NOT EXISTS incidents
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    run LowCardinality(String),
    incident_id String,
    title String,
    severity Enum8('info' = 0, 'low' = 1, 'medium' = 2, 'high' = 3, 'critical' = 4),
    cause LowCardinality(String),
    probability Float32,
    model_id LowCardinality(String),
    alert_ids Array(String),
    drift_ids Array(String),
    timeline String,
    techniques Array(LowCardinality(String)),
    runbook String,
    first_ts DateTime64(9, 'UTC'),
    last_ts DateTime64(9, 'UTC'),
    status LowCardinality(String) DEFAULT 'open'
)
ENGINE = ReplacingMergeTree(last_ts)
PARTITION BY case_id
ORDER BY (case_id, incident_id)
SETTINGS fsync_after_insert = 1, fsync_part_directory = 1;

-- One row a counter of a window.
CREATE TABLE IF NOT EXISTS health
(
    sensor LowCardinality(String),
    case_id LowCardinality(String),
    ts DateTime64(9, 'UTC') CODEC(Delta, LZ4),
    run LowCardinality(String),
    counter LowCardinality(String),
    value UInt64
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts, counter)
SETTINGS min_bytes_for_wide_part = 268435456;
