-- concurrently
CREATE INDEX CONCURRENTLY IF NOT EXISTS idx_run_keys_job_number
    ON run_keys (job_number) WHERE job_number IS NOT NULL;
