-- The inbox and what was understood of it. Deliveries and events are only ever added.

CREATE TABLE deliveries (
    id UUID PRIMARY KEY,
    source TEXT NOT NULL,
    sender TEXT NOT NULL, -- '' is the source's default sender
    delivery_key TEXT NOT NULL,
    event_type TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('stored', 'ignored', 'quarantined')),
    reason TEXT,
    flags TEXT[] NOT NULL DEFAULT '{}',
    headers JSONB NOT NULL, -- none that carries a credential
    query TEXT NOT NULL,
    body BYTEA, -- as it came; null once pruned
    body_sha256 BYTEA NOT NULL,
    body_size INTEGER NOT NULL,
    received_at TIMESTAMPTZ NOT NULL,
    UNIQUE (source, sender, delivery_key)
);

-- One row holds what one delivery says about one run of one build: a statement with its events.
CREATE TABLE events (
    delivery_id UUID NOT NULL REFERENCES deliveries (id) ON DELETE CASCADE,
    place INTEGER NOT NULL,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    run_key TEXT NOT NULL,
    statement JSONB NOT NULL,
    manifest JSONB,
    PRIMARY KEY (delivery_id, place)
);

CREATE INDEX idx_events_build_id ON events (build_id);

-- Two reporters of one job meet by its key.
CREATE TABLE run_keys (
    run_key TEXT NOT NULL,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    PRIMARY KEY (run_key, build_id)
);

CREATE INDEX idx_run_keys_build_id ON run_keys (build_id);

CREATE TABLE artifacts (
    id UUID PRIMARY KEY,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    place INTEGER NOT NULL, -- in fold order
    attempt INTEGER NOT NULL,
    artifact_id TEXT NOT NULL,
    region TEXT,
    builder_type TEXT,
    name TEXT,
    packer_run_uuid TEXT,
    build_time TIMESTAMPTZ,
    files JSONB NOT NULL DEFAULT '[]',
    custom_data JSONB NOT NULL DEFAULT '{}'
);

CREATE INDEX idx_artifacts_build_id ON artifacts (build_id);
