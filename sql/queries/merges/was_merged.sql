-- Whether a name was merged by a release that kept nothing for the undo: was_merged.
SELECT EXISTS (
    SELECT FROM audit
    WHERE target_kind = %(dimension)s AND action = %(action)s AND before ->> 'name' = %(name)s
) AS was_merged
