-- What senders go on calling a platform, OS version, image type or project after it was renamed.

CREATE TABLE name_aliases (
    dimension TEXT NOT NULL CHECK (dimension IN ('platform', 'os_version', 'image_type', 'project')),
    name TEXT NOT NULL,
    target_id UUID NOT NULL, -- in the dimension's own table
    PRIMARY KEY (dimension, name)
);
