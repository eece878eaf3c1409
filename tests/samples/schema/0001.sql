-- Names, as the first release made them from what builds said.
INSERT INTO platforms (id, name, display_name, cloud_provider, region) VALUES
    ('00000000-0000-0000-0000-000000000001', 'unknown', 'unknown', 'unknown', NULL),
    ('00000000-0000-0000-0000-000000000002', 'aws-commercial', 'AWS Commercial', 'aws', 'us-east-1');
INSERT INTO os_versions (id, name, display_name, os_family, major_version, minor_version) VALUES
    ('00000000-0000-0000-0000-000000000011', 'unknown', 'unknown', 'unknown', 0, NULL),
    ('00000000-0000-0000-0000-000000000012', 'rhel-8.8', 'RHEL 8.8', 'rhel', 8, 8);
INSERT INTO image_types (id, name, display_name, description) VALUES
    ('00000000-0000-0000-0000-000000000021', 'unknown', 'unknown', NULL),
    ('00000000-0000-0000-0000-000000000022', 'hana', 'Hana', 'it''s ‮🙂');
INSERT INTO projects (id, name, description, parent_project_id) VALUES
    ('00000000-0000-0000-0000-000000000031', 'core', 'all of it', NULL),
    ('00000000-0000-0000-0000-000000000032', 'core-sap', NULL, '00000000-0000-0000-0000-000000000031');
