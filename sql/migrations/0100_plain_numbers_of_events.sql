-- The plain number under which a job itself speaks, where its events belong to the build of Packer's
-- only target (build_id), or are shared by those of several (shared_with).

ALTER TABLE events ADD COLUMN job_number TEXT;
