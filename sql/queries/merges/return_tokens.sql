-- Tokens that a merge moved are of their own project again.
UPDATE tokens SET project = %(name)s WHERE id = ANY(%(ids)s::uuid[]) AND project = %(into)s
