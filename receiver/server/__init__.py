"""gunicorn: the master, its workers, and what they do beside requests."""
