-- What the wrapper around Packer adds: heartbeats, resources, what an artifact holds.

ALTER TABLE builds
    ADD COLUMN heartbeat_at TIMESTAMPTZ, -- the last; a build without any is never stalled
    ADD COLUMN resumed_from INTEGER CHECK (resumed_from BETWEEN 0 AND 100);

ALTER TABLE artifacts
    ADD COLUMN checksum TEXT,
    ADD COLUMN state INTEGER CHECK (state BETWEEN 0 AND 100); -- how far the image is

CREATE TABLE build_resources (
    id UUID PRIMARY KEY,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    place INTEGER NOT NULL, -- in fold order
    attempt INTEGER NOT NULL,
    type TEXT NOT NULL,
    resource_id TEXT NOT NULL,
    removed BOOLEAN NOT NULL -- the log says so
);

CREATE INDEX idx_build_resources_build_id ON build_resources (build_id);
