-- Create an OS version from its name.
INSERT INTO os_versions (name, display_name, os_family, major_version, minor_version)
VALUES (%(name)s, %(display_name)s, %(os_family)s, %(major_version)s, %(minor_version)s)
ON CONFLICT (name) DO NOTHING
