-- Drops the whole schema with all data and creates it again, in one transaction.
--   docker compose exec db psql -U mock_dev_user -f /var/postgres_scripts/create_tables.sql postgres_dev
--   docker compose exec db psql -U mock_dev_user -f /var/postgres_scripts/mock_data.sql postgres_dev
-- It refuses when the history holds changes that people made. psql -v force=1 drops them as well.
-- A test compares the list of files and the version below with the directory.
\set ON_ERROR_STOP on
\set QUIET on
\if :{?force}
\else
    \set force 0
\endif
SELECT to_regclass('schema_migrations') IS NOT NULL AS installed \gset
BEGIN;
SET LOCAL client_min_messages = error; -- schema.sql begins a transaction again, which is a warning
SET LOCAL lock_timeout = '10s';
\if :installed
    DO $$
    BEGIN
        IF coalesce(obj_description('schema_migrations'::regclass, 'pg_class'), '') NOT LIKE 'labledger schema set 2:%'
            OR (SELECT version FROM schema_migrations) IS DISTINCT FROM 32
        THEN
            RAISE EXCEPTION 'the tables belong to another version of the schema than these files'
                USING HINT = 'Run labledger migrate up first, or use an empty database.';
        END IF;
    END
    $$;
    -- Writers wait here, so that nothing is recorded between the check and the drop.
    LOCK TABLE change, event IN ACCESS EXCLUSIVE MODE;
    \if :force
    \else
        DO $$
        DECLARE
            changes bigint := (
                SELECT count(*)
                FROM change
                WHERE actor <> 'os:mock data'
                    AND NOT (table_name = 'rule' AND action = 'insert') -- by the migrations
            );
            events bigint := (SELECT count(*) FROM event);
        BEGIN
            IF changes + events > 0 THEN
                RAISE EXCEPTION 'refused: people made % changes and recorded % events',
                    changes, events
                    USING HINT = 'labledger backup saves them. psql -v force=1 drops them.';
            END IF;
        END
        $$;
    \endif
    \ir 000032_history_seals.down.sql
    \ir 000031_as_of.down.sql
    \ir 000030_undo.down.sql
    \ir 000029_changesets.down.sql
    \ir 000028_stocktake_scans.down.sql
    \ir 000027_stocktakes.down.sql
    \ir 000026_event_container.down.sql
    \ir 000025_custody.down.sql
    \ir 000024_storage.down.sql
    \ir 000023_summary.down.sql
    \ir 000022_alert_inbox.down.sql
    \ir 000021_people.down.sql
    \ir 000020_search.down.sql
    \ir 000019_views.down.sql
    \ir 000018_write_headers.down.sql
    \ir 000017_lists.down.sql
    \ir 000016_settled_xid.down.sql
    \ir 000015_search.down.sql
    \ir 000014_actors.down.sql
    \ir 000013_login_lock.down.sql
    \ir 000012_event_void.down.sql
    \ir 000011_chosen_ids.down.sql
    \ir 000010_ledger_locks.down.sql
    \ir 000009_authorization.down.sql
    \ir 000008_server_role.down.sql
    \ir 000007_attachments.down.sql
    \ir 000006_todos.down.sql
    \ir 000005_ledger.down.sql
    \ir 000004_credentials.down.sql
    \ir 000003_accounts.down.sql
    \ir 000002_register.down.sql
    \ir 000001_history.down.sql
    DROP TABLE schema_migrations;
\endif
\ir schema.sql
