-- The applied migrations, in order; the ledger of a release before 0.3 has no breaks_before.
SELECT name, to_jsonb(schema_migrations) ->> 'breaks_before' AS breaks_before
FROM schema_migrations
ORDER BY name
