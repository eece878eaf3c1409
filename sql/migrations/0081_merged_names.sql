-- What the undo of a merge needs: the row that was merged, and what moved with it. Null for the old
-- name of a renamed row.

ALTER TABLE name_aliases ADD COLUMN merged JSONB;
