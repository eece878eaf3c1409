-- What a token may do beyond its scope: promote, override. The scope stays one of those that the
-- release before knows, so that such a token is one of scope write there.

ALTER TABLE tokens ADD COLUMN rights TEXT[];
