-- The version of each kind of settings that is in the database: kind, version.
SELECT kind, version FROM settings_versions
