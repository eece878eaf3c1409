-- Each entry has its place in the chain and a digest of itself and of the digest before it, so that a
-- changed or missing entry is found. Entries of an older release have neither.

ALTER TABLE audit
    ADD COLUMN seq BIGINT,
    ADD COLUMN digest BYTEA;
