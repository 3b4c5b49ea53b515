-- When a row was written, for exports that follow what is new: of a row that replaces another it is its own time. No part
-- of the record: `*` leaves it out. Rows that are there already were written now.
ALTER TABLE alert_rows ADD COLUMN IF NOT EXISTS stored DateTime64(9, 'UTC') MATERIALIZED now64(9, 'UTC');
ALTER TABLE alert_rows MATERIALIZE COLUMN stored SETTINGS mutations_sync = 2;
ALTER TABLE incident_rows ADD COLUMN IF NOT EXISTS stored DateTime64(9, 'UTC') MATERIALIZED now64(9, 'UTC');
ALTER TABLE incident_rows MATERIALIZE COLUMN stored SETTINGS mutations_sync = 2;
ALTER TABLE drift ADD COLUMN IF NOT EXISTS stored DateTime64(9, 'UTC') MATERIALIZED now64(9, 'UTC');
ALTER TABLE drift MATERIALIZE COLUMN stored SETTINGS mutations_sync = 2;
