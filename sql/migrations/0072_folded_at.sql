-- When fold_version was written: another time than written_at where a receiver of the release before,
-- which knows neither, has folded the build since.

ALTER TABLE builds ADD COLUMN folded_at TIMESTAMPTZ;
