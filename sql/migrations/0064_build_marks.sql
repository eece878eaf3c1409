-- What decides whether a build's image is served: where its run built, and what is doubtful of it.
-- fold_version is the version of the fold's rules that wrote the rows; none is the first.

ALTER TABLE builds
    ADD COLUMN default_branch TEXT,
    ADD COLUMN pull_request TEXT,
    ADD COLUMN conflict JSONB,  -- dimension → the values that one run states
    ADD COLUMN inferred JSONB,  -- dimension → the place of the name that it is inferred from
    ADD COLUMN unstable BOOLEAN,
    ADD COLUMN future BOOLEAN,
    ADD COLUMN estimated BOOLEAN,
    ADD COLUMN fold_version INTEGER;
