-- What makes recording cheap: what the fold last wrote of a build, so that only the difference is
-- sent, and room in each page for a build's next version.

ALTER TABLE builds
    ADD COLUMN written BYTEA, -- a digest of each derived row; see receiver/writing.py
    ADD COLUMN written_at TIMESTAMPTZ; -- updated_at by then; anything newer makes it void

ALTER TABLE builds SET (fillfactor = 70);
ALTER TABLE build_states SET (fillfactor = 80);
ALTER TABLE run_keys SET (fillfactor = 80);

DROP INDEX idx_builds_combination; -- idx_builds_latest begins alike, and tells projects apart
