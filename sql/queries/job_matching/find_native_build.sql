-- The build of this number, if only a route made it and it is another: id, project_id.
SELECT id, project_id
FROM builds
WHERE build_number = %(build_number)s AND native AND id <> %(build_id)s
FOR UPDATE -- whoever adds events to it meanwhile is waited for, and claims it or fails
