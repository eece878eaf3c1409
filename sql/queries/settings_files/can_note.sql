-- Whether this server takes changes: can_note.
SELECT NOT current_setting('transaction_read_only')::BOOLEAN AS can_note
