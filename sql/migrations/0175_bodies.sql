-- The bodies of deliveries, in a table of their own: a week each, so that a week that is old enough is
-- dropped as a whole. The bounds are ids: an id of a delivery (UUIDv7) begins with its time. Weeks
-- are made ahead (receiver/storage/body_weeks.py); what fits none of them goes to bodies_default.
-- Older bodies stay in deliveries.body, where releases before this one go on writing theirs.
--
-- There is no foreign key: dropping a week would then lock the deliveries.

CREATE TABLE bodies (
    delivery_id UUID PRIMARY KEY,
    body BYTEA NOT NULL,
    encoding TEXT -- null for the bytes as they came, or zstd
) PARTITION BY RANGE (delivery_id);

ALTER TABLE bodies ALTER COLUMN body SET STORAGE EXTERNAL; -- what can be compressed is already

CREATE TABLE bodies_default PARTITION OF bodies DEFAULT;
