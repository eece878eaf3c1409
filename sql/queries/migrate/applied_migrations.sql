-- The names of the applied migrations, in order.
SELECT name FROM schema_migrations ORDER BY name
