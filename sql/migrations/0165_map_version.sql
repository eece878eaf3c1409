-- The version of the stage map that a build was folded with (settings_documents, kind stages); 0 is
-- the built-in map alone, none is a release before. mapped_at is when it was written: another time
-- than written_at where a receiver of the release before, which knows neither, has folded the build
-- since.

ALTER TABLE builds
    ADD COLUMN map_version INTEGER,
    ADD COLUMN mapped_at TIMESTAMPTZ;
