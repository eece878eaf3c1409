-- What forges say of their jobs is kept under the job's key and joins the build that a hook names.

ALTER TABLE events
    ALTER COLUMN build_id DROP NOT NULL,
    ADD COLUMN native BOOLEAN NOT NULL DEFAULT false,
    ADD COLUMN alias_key TEXT, -- a second key of the job, such as its runner's name
    ADD COLUMN began_at TIMESTAMPTZ, -- the job's interval: a runner's name repeats
    ADD COLUMN ended_at TIMESTAMPTZ,
    ADD COLUMN native_number TEXT, -- the build that a route makes of the job
    ADD COLUMN run_group TEXT; -- the run that the job is of, where its forge reports that too

CREATE INDEX idx_events_native_run_key ON events (run_key) WHERE native;
CREATE INDEX idx_events_native_alias_key ON events (alias_key) WHERE native;

CREATE INDEX idx_events_native_run_group ON events (run_group) WHERE native;

-- When a hook spoke under a key: an alias counts only within its job's interval.
ALTER TABLE run_keys
    ADD COLUMN first_at TIMESTAMPTZ,
    ADD COLUMN last_at TIMESTAMPTZ,
    ADD COLUMN run_group TEXT;

CREATE INDEX idx_run_keys_run_group ON run_keys (run_group);

-- True while no hook has named the build.
ALTER TABLE builds ADD COLUMN native BOOLEAN DEFAULT false;

-- Numbers of builds that turned out to be another's.
CREATE TABLE build_redirects (
    build_number TEXT PRIMARY KEY,
    build_id UUID NOT NULL REFERENCES builds (id) ON DELETE CASCADE
);

CREATE INDEX idx_build_redirects_build_id ON build_redirects (build_id);

CREATE INDEX idx_deliveries_received_at ON deliveries (received_at DESC, id DESC);
