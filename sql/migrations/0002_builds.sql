-- Builds and what the fold derives of them. The last block of each table's columns is ours.

CREATE TABLE builds (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    build_number TEXT NOT NULL UNIQUE,
    project_id UUID REFERENCES projects (id),
    platform_id UUID NOT NULL REFERENCES platforms (id),
    os_version_id UUID NOT NULL REFERENCES os_versions (id),
    image_type_id UUID NOT NULL REFERENCES image_types (id),
    current_state INTEGER NOT NULL DEFAULT 0 CHECK (current_state BETWEEN 0 AND 100),
    status TEXT NOT NULL DEFAULT 'pending'
        CHECK (status IN ('pending', 'running', 'completed', 'failed', 'cancelled')),
    start_time TIMESTAMPTZ,
    end_time TIMESTAMPTZ,
    duration_seconds INTEGER,
    packer_manifest JSONB,
    created_by TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    updated_at TIMESTAMPTZ NOT NULL DEFAULT now(),

    attempt INTEGER DEFAULT 1,
    last_heard_at TIMESTAMPTZ,
    run_url TEXT,
    commit_sha TEXT,
    branch TEXT,
    resume_state INTEGER CHECK (resume_state BETWEEN 0 AND 100),
    manifest_sha256 TEXT
);

CREATE INDEX idx_builds_project_id ON builds (project_id);
CREATE INDEX idx_builds_platform_id ON builds (platform_id);
CREATE INDEX idx_builds_os_version_id ON builds (os_version_id);
CREATE INDEX idx_builds_image_type_id ON builds (image_type_id);
CREATE INDEX idx_builds_newest ON builds (created_at DESC, id DESC);
CREATE INDEX idx_builds_combination
    ON builds (platform_id, os_version_id, image_type_id, created_at DESC);

CREATE TABLE build_states (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 100),
    status TEXT NOT NULL
        CHECK (status IN ('started', 'completed', 'failed', 'skipped', 'cancelled')),
    start_time TIMESTAMPTZ NOT NULL,
    end_time TIMESTAMPTZ,
    duration_seconds INTEGER,
    error_message TEXT,
    retry_count INTEGER,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),

    stage TEXT,
    attempt INTEGER,
    place INTEGER, -- in fold order
    mapped BOOLEAN,
    estimated BOOLEAN
);

CREATE INDEX idx_build_states_build_id ON build_states (build_id);

CREATE TABLE build_failures (
    id UUID PRIMARY KEY DEFAULT gen_random_uuid(),
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE,
    state INTEGER NOT NULL,
    failure_type TEXT NOT NULL,
    error_message TEXT NOT NULL,
    error_details JSONB,
    component TEXT,
    retry_attempt INTEGER,
    resolved BOOLEAN DEFAULT false,
    resolution_notes TEXT,
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    resolved_at TIMESTAMPTZ,

    attempt INTEGER,
    stage TEXT,
    occurrence INTEGER
);

CREATE INDEX idx_build_failures_build_id ON build_failures (build_id);
