-- The cloud resources in a build's logs, in fold order.
SELECT type, resource_id AS id, attempt, removed
FROM build_resources
WHERE build_id = %(build_id)s
ORDER BY place
