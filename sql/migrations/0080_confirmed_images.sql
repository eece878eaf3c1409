-- Images that a person confirmed: builds of this project, platform, OS version and image type count as
-- stated, although their names are only inferred (builds.inferred). A query of what is served joins
-- this table by the build's four ids and passes over `inferred` where there is a row. A project of
-- null is no project.

CREATE TABLE confirmed_images (
    project_id UUID REFERENCES projects (id) ON DELETE CASCADE,
    platform_id UUID NOT NULL REFERENCES platforms (id) ON DELETE CASCADE,
    os_version_id UUID NOT NULL REFERENCES os_versions (id) ON DELETE CASCADE,
    image_type_id UUID NOT NULL REFERENCES image_types (id) ON DELETE CASCADE,
    confirmed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    confirmed_by TEXT NOT NULL
);

CREATE UNIQUE INDEX idx_confirmed_images ON confirmed_images (
    coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id
);
