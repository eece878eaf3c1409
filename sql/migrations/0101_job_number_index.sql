-- concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_events_job_number
    ON events (job_number) WHERE job_number IS NOT NULL;
