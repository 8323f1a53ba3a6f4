-- Creates the whole schema in an empty database with psql. `labledger migrate up` does the same.
--   docker compose exec db createdb -U mock_dev_user scratch
--   docker compose exec db psql -U mock_dev_user -f /var/postgres_scripts/schema.sql scratch
-- A test compares the list of files and the version below with the directory.
\set ON_ERROR_STOP on
\set QUIET on
BEGIN;
-- golang-migrate keeps the version of the schema here. sqlc reads the table definition from this file.
CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL);
COMMENT ON TABLE schema_migrations IS
    'labledger schema set 2: the version of the schema, which labledger migrate maintains';
\ir 000001_history.up.sql
\ir 000002_register.up.sql
\ir 000003_accounts.up.sql
\ir 000004_credentials.up.sql
\ir 000005_ledger.up.sql
\ir 000006_todos.up.sql
\ir 000007_attachments.up.sql
\ir 000008_server_role.up.sql
\ir 000009_authorization.up.sql
\ir 000010_ledger_locks.up.sql
\ir 000011_chosen_ids.up.sql
\ir 000012_event_void.up.sql
\ir 000013_login_lock.up.sql
\ir 000014_actors.up.sql
\ir 000015_search.up.sql
\ir 000016_settled_xid.up.sql
\ir 000017_lists.up.sql
\ir 000018_write_headers.up.sql
\ir 000019_views.up.sql
\ir 000020_search.up.sql
\ir 000021_people.up.sql
\ir 000022_alert_inbox.up.sql
\ir 000023_summary.up.sql
\ir 000024_storage.up.sql
\ir 000025_custody.up.sql
\ir 000026_event_container.up.sql
\ir 000027_stocktakes.up.sql
\ir 000028_stocktake_scans.up.sql
\ir 000029_changesets.up.sql
\ir 000030_undo.up.sql
\ir 000031_as_of.up.sql
\ir 000032_history_seals.up.sql
INSERT INTO schema_migrations VALUES (32, false);
COMMIT;
