-- What a file's bytes told, and what the list of approved artefacts says of it.
ALTER TABLE files ADD COLUMN IF NOT EXISTS first_frame UInt64 CODEC(Delta, LZ4) AFTER frame;
ALTER TABLE files ADD COLUMN IF NOT EXISTS first_ts DateTime64(9, 'UTC') CODEC(Delta, LZ4) AFTER first_frame;
ALTER TABLE files ADD COLUMN IF NOT EXISTS missing UInt64 AFTER size;
ALTER TABLE files ADD COLUMN IF NOT EXISTS path String AFTER name;
ALTER TABLE files ADD COLUMN IF NOT EXISTS upload UInt8 AFTER carrier;
ALTER TABLE files ADD COLUMN IF NOT EXISTS warnings String AFTER upload;
