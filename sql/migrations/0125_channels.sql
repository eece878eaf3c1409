-- Channels: names such as prod for the one build of each image that people chose. Who may move one,
-- and what a build must have passed, is its own; what is current is in channel_assignments.

CREATE TABLE channels (
    id UUID PRIMARY KEY,
    project_id UUID REFERENCES projects (id), -- null: for the images of every project
    name TEXT NOT NULL,
    restricted BOOLEAN NOT NULL DEFAULT false,
    require JSONB NOT NULL DEFAULT '[]', -- checks: name, max_age in seconds, limits by severity
    created_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    created_by TEXT NOT NULL
);

CREATE UNIQUE INDEX idx_channels_name
    ON channels (name, coalesce(project_id, '00000000-0000-0000-0000-000000000000'));
