"""A database with a long history: builds, states, deliveries, events, from a few statements."""

from datetime import UTC, datetime
from typing import Any

import psycopg

from receiver.domain.fold.fold import FOLD_VERSION

BUILDS_PER_STATEMENT = 50_000
STATES, DELIVERIES = 12, 3  # of each build

# Ids begin with the time of the build. 5 % failed, 2 % were cancelled, the newest twenty run.
# There are 300 combinations of dimensions. All of it is marked as folded by today's rules: else the
# receiver would fold each build again from its events, in the middle of a measurement.
NEW_BUILDS = """
CREATE TEMPORARY TABLE made ON COMMIT DROP AS
SELECT
    n,
    number,
    (lpad(to_hex(extract(epoch FROM at)::bigint * 1000), 12, '0')
        || '7000' || '8' || lpad(to_hex(n), 15, '0'))::uuid AS id,
    at,
    CASE
        WHEN n > %(total)s - 20 THEN 'running'
        WHEN n %% 20 = 7 THEN 'failed'
        WHEN n %% 50 = 9 THEN 'cancelled'
        ELSE 'completed'
    END AS status
FROM (
    SELECT
        n, %(prefix)s || '-' || n AS number,
        %(now)s::timestamptz - make_interval(secs => (%(total)s - n) * 30) AS at
    FROM generate_series(%(low)s::integer, %(high)s::integer) AS n
) AS numbered
"""
BUILDS = """
INSERT INTO builds (
    id, build_number, project_id, platform_id, os_version_id, image_type_id, current_state, status,
    start_time, end_time, duration_seconds, attempt, last_heard_at, created_at, updated_at, native,
    fold_version, folded_at, written_at
)
SELECT
    made.id, number, projects.id, platforms.id, os_versions.id, image_types.id,
    CASE status WHEN 'completed' THEN 100 ELSE 60 END, status, at,
    CASE WHEN status <> 'running' THEN at + interval '1 hour' END,
    CASE WHEN status <> 'running' THEN 3600 END, 1, at + interval '1 hour', at, at, false,
    %(fold_version)s, at, at
FROM made
JOIN projects ON projects.name = 'project-' || n %% 3
JOIN platforms ON platforms.name = 'platform-' || n %% 10
JOIN os_versions ON os_versions.name = 'rhel-' || n / 10 %% 6
JOIN image_types ON image_types.name = 'type-' || n / 60 %% 5
"""
STATE_ROWS = """
INSERT INTO build_states (
    id, build_id, place, state, status, start_time, end_time, duration_seconds, retry_count, stage,
    attempt, mapped, estimated
)
SELECT
    (left(replace(made.id::text, '-', ''), 24) || lpad(to_hex(place), 8, '0'))::uuid, made.id,
    place, place * 8,
    CASE WHEN made.status = 'failed' AND place = 11 THEN 'failed' ELSE 'completed' END,
    at + make_interval(mins => place * 5), at + make_interval(mins => place * 5 + 5), 300, 0,
    'Stage ' || place, 1, true, false
FROM made
CROSS JOIN generate_series(0, %(states)s - 1) AS place
"""
FAILURES = """
INSERT INTO build_failures (
    build_id, attempt, stage, occurrence, state, failure_type, error_message, retry_attempt,
    created_at, resolved, resolved_at
)
SELECT
    id, 1, 'Stage 11', 1, 88, 'provisioner', 'no route to host ' || n %% 40, 0, at,
    n %% 400 <> 7, CASE WHEN n %% 400 <> 7 THEN at + interval '2 hours' END
FROM made
WHERE status = 'failed'
"""
ARTIFACTS = """
INSERT INTO artifacts (id, build_id, place, attempt, artifact_id, region, builder_type, name)
SELECT id, id, 0, 1, 'ami-' || lpad(to_hex(n), 17, '0'), 'us-east-1', 'amazon-ebs', 'base'
FROM made
WHERE status = 'completed'
"""
INBOX = """
INSERT INTO deliveries (
    id, source, sender, delivery_key, event_type, outcome, headers, query, body, body_sha256,
    body_size, received_at
)
SELECT
    (left(replace(made.id::text, '-', ''), 24) || lpad(to_hex(place), 8, '0'))::uuid,
    (ARRAY['milepost', 'github', 'gitlab'])[1 + n %% 3], '',
    %(prefix)s || '-' || n || '-' || place, 'report', 'stored',
    '{"content-type": "application/json"}', '', convert_to(repeat(md5(n::text), 8), 'UTF8'),
    sha256(convert_to(n || '-' || place, 'UTF8')), 256, at + make_interval(mins => place * 20)
FROM made
CROSS JOIN generate_series(0, %(deliveries)s - 1) AS place
"""
EVENTS = """
INSERT INTO events (delivery_id, place, build_id, source, run_key, statement)
SELECT
    (left(replace(made.id::text, '-', ''), 24) || lpad(to_hex(place), 8, '0'))::uuid, 0, made.id,
    'milepost', 'run-' || n,
    jsonb_build_object(
        'run', jsonb_build_object('key', 'run-' || n, 'attempt', 1),
        'events', jsonb_build_array(
            jsonb_build_object(
                'kind', 'stage', 'at', at, 'status', 'started', 'stage', 'Stage ' || place
            ),
            jsonb_build_object(
                'kind', 'stage', 'at', at, 'status', 'completed', 'stage', 'Stage ' || place
            )
        ),
        'said', jsonb_build_object('project', 'project-' || n %% 3)
    )
FROM made
CROSS JOIN generate_series(0, %(deliveries)s - 1) AS place
"""
RUN_KEYS = "INSERT INTO run_keys (run_key, build_id) SELECT 'run-' || n, id FROM made"
NAMES = (
    "INSERT INTO projects (name) SELECT 'project-' || n FROM generate_series(0, 2) AS n",
    "INSERT INTO platforms (name, display_name, cloud_provider) "
    "SELECT 'platform-' || n, 'Platform ' || n, 'aws' FROM generate_series(0, 9) AS n",
    "INSERT INTO os_versions (name, display_name, os_family, major_version, minor_version) "
    "SELECT 'rhel-' || n, 'RHEL ' || n, 'rhel', n, 0 FROM generate_series(0, 5) AS n",
    "INSERT INTO image_types (name, display_name) "
    "SELECT 'type-' || n, 'Type ' || n FROM generate_series(0, 4) AS n",
)
ROWS = (NEW_BUILDS, BUILDS, STATE_ROWS, FAILURES, ARTIFACTS, INBOX, EVENTS, RUN_KEYS)
TABLES = (
    "builds",
    "build_states",
    "build_failures",
    "artifacts",
    "deliveries",
    "events",
    "run_keys",
)
INDEXES = """
SELECT indexname, indexdef
FROM pg_indexes
WHERE
    schemaname = 'public' AND tablename = ANY(%s)
    AND indexname NOT IN (SELECT conname FROM pg_constraint)
"""


def fill(url: str, builds: int, *, deliveries: int = DELIVERIES, prefix: str = "filled") -> None:
    """Add so many builds, the newest at this moment, each with so many deliveries.

    For speed, indexes are created afterwards, and foreign keys are not checked.
    """
    values: dict[str, Any] = {
        "total": builds,
        "now": datetime.now(UTC),
        "prefix": prefix,
        "states": STATES,
        "deliveries": deliveries,
        "fold_version": FOLD_VERSION,
    }
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        for statement in NAMES:
            connection.execute(f"{statement} ON CONFLICT DO NOTHING".encode())
        indexes = connection.execute(INDEXES, [list(TABLES)]).fetchall()
        for name, _ in indexes:
            connection.execute(f"DROP INDEX {name}".encode())
        for low in range(1, builds + 1, BUILDS_PER_STATEMENT):
            span = {"low": low, "high": min(low + BUILDS_PER_STATEMENT - 1, builds)}
            with connection.transaction():
                for statement in ROWS:
                    connection.execute(statement.encode(), values | span)
        for _, definition in indexes:
            connection.execute(definition.encode())
        connection.execute(f"VACUUM ANALYZE {', '.join(TABLES)}".encode())
