-- Tokens of a project are of another one: id.
UPDATE tokens SET project = %(into)s WHERE project = %(name)s
RETURNING id
