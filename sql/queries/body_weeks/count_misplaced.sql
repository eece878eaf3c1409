-- How many bodies of a week are in the table for the rest, up to a limit: count.
SELECT count(*) AS count
FROM (
    SELECT FROM bodies_default
    WHERE delivery_id >= %(first_id)s AND delivery_id < %(end_id)s
    LIMIT %(limit)s
) AS misplaced
