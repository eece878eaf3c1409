-- Images that a person confirmed: builds of this project, platform, OS version and image type count as
-- stated, although their names are only inferred (builds.inferred). A query of what is served joins
-- this table by the build's four ids and passes over `inferred` where there is a row. A project of
-- null is no project. There are no foreign keys: adding four would lock four tables at once, and a row
-- whose names are gone joins nothing.

CREATE TABLE confirmed_images (
    project_id UUID,
    platform_id UUID NOT NULL,
    os_version_id UUID NOT NULL,
    image_type_id UUID NOT NULL,
    confirmed_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    confirmed_by TEXT NOT NULL
);

CREATE UNIQUE INDEX idx_confirmed_images ON confirmed_images (
    coalesce(project_id, '00000000-0000-0000-0000-000000000000'),
    platform_id, os_version_id, image_type_id
);
