-- Changes of values, a row a message: one message brings many, and all but tag and value is the same for them.
-- `quality` and `source` hold for all of a row; `texts` is empty where no change of the row has a text.
CREATE TABLE IF NOT EXISTS tag_changes
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
    quality LowCardinality(String),
    tags Array(LowCardinality(String)),
    values Array(Nullable(Float64)),
    texts Array(String)
)
ENGINE = MergeTree
PARTITION BY (case_id, toYYYYMM(ts))
ORDER BY (case_id, ts)
SETTINGS min_bytes_for_wide_part = 268435456, index_granularity = 32768, index_granularity_bytes = 41943040;

-- What a store has in the table `tag_values` moves there. After a kill at any place all of this may run again:
-- whether `tag_values` is still the table or already the view, it has every row until the copy is complete.
DROP TABLE IF EXISTS tag_changes_copy SYNC;
CREATE TABLE tag_changes_copy AS tag_changes;
INSERT INTO tag_changes_copy
SELECT sensor, case_id, ts, src_ip, src_port, dst_ip, dst_port, vlan, flow_id, community_id, capture, frame, source,
       quality, [tag], [value], if(text = '', [], [text])
FROM tag_values;
EXCHANGE TABLES tag_changes_copy AND tag_changes;
DROP TABLE tag_changes_copy SYNC;

-- One row a change of a value.
CREATE OR REPLACE VIEW tag_values AS
SELECT sensor, case_id, ts, src_ip, src_port, dst_ip, dst_port, vlan, flow_id, community_id, capture, frame, source,
       tag, value, text, quality
FROM tag_changes
ARRAY JOIN tags AS tag, values AS value, if(empty(texts), arrayResize(texts, length(tags)), texts) AS text;
