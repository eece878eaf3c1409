-- Let nobody else raise the version of a kind until the commit: version.
INSERT INTO settings_versions AS known (kind, version) VALUES (%(kind)s, 0)
ON CONFLICT (kind) DO UPDATE SET version = known.version
RETURNING version
