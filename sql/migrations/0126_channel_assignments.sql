-- What a channel holds, only ever added: the newest row of an image is what is current. An image is
-- named by the ids that its build had then; a merge of names moves them. A row without a build takes
-- the image out of the channel. Channels are never deleted, so that no key refers to them: adding it
-- would lock a second table.

CREATE TABLE channel_assignments (
    id UUID PRIMARY KEY,
    channel_id UUID NOT NULL,
    project_id UUID,
    platform_id UUID NOT NULL,
    os_version_id UUID NOT NULL,
    image_type_id UUID NOT NULL,
    build_id UUID REFERENCES builds (id), -- keeps the build from every delete
    attempt INTEGER,
    artifacts JSONB NOT NULL DEFAULT '[]', -- as they were: an attempt may get another number later
    from_channel TEXT,
    note TEXT,
    override BOOLEAN NOT NULL DEFAULT false, -- although a required check was missing
    assigned_by TEXT NOT NULL,
    assigned_at TIMESTAMPTZ NOT NULL DEFAULT now()
);

CREATE INDEX idx_channel_assignments_image ON channel_assignments (
    channel_id, coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id, assigned_at DESC, id DESC
);
CREATE INDEX idx_channel_assignments_newest
    ON channel_assignments (channel_id, assigned_at DESC, id DESC);
CREATE INDEX idx_channel_assignments_build_id ON channel_assignments (build_id);
