-- Which version each kind of settings has in the database: receivers ask for all of them at once, and
-- read again only what another version is of (receiver/ingest/stored_settings.py).

CREATE TABLE settings_versions (
    kind TEXT PRIMARY KEY, -- stages, routes, senders, projects or notices
    version BIGINT NOT NULL
);
