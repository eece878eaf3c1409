-- Every project with its parent and its old names: id, name, parent_project_id, old_names.
SELECT
    projects.id, projects.name, projects.parent_project_id,
    array(
        SELECT alias.name FROM name_aliases AS alias
        WHERE alias.dimension = 'project' AND alias.target_id = projects.id
    ) AS old_names
FROM projects
