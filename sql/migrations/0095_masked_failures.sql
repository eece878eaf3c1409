-- The message without what looks secret; none in rows that were written before: these are masked
-- when they are read.

ALTER TABLE build_failures ADD COLUMN masked_message TEXT;
