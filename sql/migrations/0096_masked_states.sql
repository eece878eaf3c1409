-- As build_failures.masked_message.

ALTER TABLE build_states ADD COLUMN masked_message TEXT;
