-- A project, also by an old name, and all below it: name.
WITH RECURSIVE tree AS (
    SELECT id, name, 0 AS depth
    FROM projects
    WHERE
        name = %(name)s
        OR (
            NOT EXISTS (SELECT FROM projects WHERE name = %(name)s)
            AND id = (SELECT target_id FROM name_aliases WHERE dimension = 'project' AND name = %(name)s)
        )
    UNION
    SELECT child.id, child.name, tree.depth + 1
    FROM projects AS child
    JOIN tree ON child.parent_project_id = tree.id
    WHERE tree.depth < 32
)
SELECT DISTINCT name FROM tree ORDER BY name
