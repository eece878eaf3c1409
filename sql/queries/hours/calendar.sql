-- The beginnings of the nights, for the query that follows: `calendar` has those of each different
-- window, of builds without a project first; `windows` those of the projects with other hours.
WITH calendar AS MATERIALIZED (
    SELECT listed.place, listed.starts::timestamptz [] AS starts
    FROM unnest(%(starts)s::text []) WITH ORDINALITY AS listed (starts, place)
),

windows AS MATERIALIZED (
    SELECT listed.name, calendar.starts
    FROM unnest(%(names)s::text [], %(places)s::integer []) AS listed (name, place)
    JOIN calendar ON calendar.place = listed.place
)
