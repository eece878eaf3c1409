-- Which projects those might write who named a build under a key; none is every one.

ALTER TABLE run_keys ADD COLUMN projects TEXT[];
