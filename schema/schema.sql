-- The whole schema, for psql, into an empty database; `labledger migrate up` does the same:
--   docker compose exec db createdb -U mock_dev_user scratch
--   docker compose exec db psql -U mock_dev_user -f /var/postgres_scripts/schema.sql scratch
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL); -- where migrate keeps the number of the last one; sqlc learns of it here
\ir 000001_history.up.sql
\ir 000002_register.up.sql
\ir 000003_directory.up.sql
\ir 000004_ledger.up.sql
\ir 000005_todos.up.sql
\ir 000006_accounts.up.sql
\ir 000007_server_role.up.sql
\ir 000008_attachments.up.sql
INSERT INTO schema_migrations VALUES (8, false);
COMMIT;
