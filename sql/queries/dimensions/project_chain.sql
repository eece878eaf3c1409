-- A project, also by an old name, and its ancestors, nearest first: id, name.
WITH RECURSIVE chain AS (
    SELECT id, name, parent_project_id, 0 AS depth
    FROM projects
    WHERE
        name = %(name)s
        OR id = (SELECT target_id FROM name_aliases WHERE dimension = 'project' AND name = %(name)s)
    UNION ALL
    SELECT parent.id, parent.name, parent.parent_project_id, chain.depth + 1
    FROM projects AS parent
    JOIN chain ON parent.id = chain.parent_project_id
    WHERE chain.depth < 32
)
SELECT id, name FROM chain ORDER BY depth
