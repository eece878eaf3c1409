-- Which projects the sender of an event might write, by the names that it had then; none is every
-- one, as for all events before. shared_with has the builds that share a job's verdict, once that is
-- decided: a claim on the job by a sender of another project is not among them.

ALTER TABLE events
    ADD COLUMN projects TEXT[],
    ADD COLUMN shared_with UUID[];
