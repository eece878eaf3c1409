-- What each attempt of a build started from, as its senders say it, and the checks of its images.
-- Which build made a source is asked when it is read: whichever of the two was made known first.

CREATE TABLE build_sources (
    id UUID PRIMARY KEY,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    place INTEGER NOT NULL, -- in fold order
    attempt INTEGER NOT NULL,
    artifact_id TEXT NOT NULL,
    region TEXT
);

CREATE INDEX idx_build_sources_build_id ON build_sources (build_id);
-- An id may have 2,000 characters, more than an entry of an index holds.
CREATE INDEX idx_build_sources_artifact_id ON build_sources (left(artifact_id, 200), region);

CREATE TABLE build_checks (
    id UUID PRIMARY KEY,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    place INTEGER NOT NULL, -- in fold order: the last of a name counts
    attempt INTEGER NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    status TEXT NOT NULL,
    at TIMESTAMPTZ NOT NULL,
    counts JSONB NOT NULL,
    fixable JSONB NOT NULL,
    tool TEXT,
    tool_version TEXT,
    database_at TIMESTAMPTZ,
    digest TEXT,
    url TEXT
);

CREATE INDEX idx_build_checks_build_id ON build_checks (build_id);
