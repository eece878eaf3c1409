-- Forget the files of a receiver that ends, and of those that have been silent for a day.
DELETE FROM settings_files
WHERE receiver = %(receiver)s OR seen_at < now() - INTERVAL '1 day'
