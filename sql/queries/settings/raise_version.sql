-- Raise the version of a kind, and return it. Until the commit nobody else raises it.
INSERT INTO settings_versions AS known (kind, version) VALUES (%(kind)s, 1)
ON CONFLICT (kind) DO UPDATE SET version = known.version + 1
RETURNING version
