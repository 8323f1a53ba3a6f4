-- The server works as a role that may do what its requests need, and nothing else: it owns nothing, makes nothing, and does not write the
-- history. What it may do with a table that comes later, that table's migration says; a test knows them all.

-- Roles belong to the whole cluster: another database, migrated before or at this moment, may have made it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        CREATE ROLE labledger_server LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE WARNING 'role labledger_server is not there, and % may not create it: the server has to work as another role', current_user
            USING HINT = 'Have it created (CREATE ROLE labledger_server LOGIN), then take this migration back and apply it again.';
END
$$;


-- What the server may not write, triggers write for it, as their owner. They find tables in this schema alone, whatever their caller has set
-- or made; session_user stays who is connected. Nobody else may hang them on a table of his own and so write to the history.
DO $$
DECLARE
    definer text;
BEGIN
    FOREACH definer IN ARRAY ARRAY['record_change()', 'record_credential()', 'record_alert_change()', 'wait_for_ruleset()', 'publish_ruleset()', 'reserve_ids()'] LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = %I, pg_temp', definer, current_schema());
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', definer);
    END LOOP;
END
$$;


-- settle_history() as before, for the server, too. Whoever has written in the same transaction would have the whole history settled, since
-- his own number is not below the end of his snapshot.
CREATE OR REPLACE FUNCTION settle_history() RETURNS bigint LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    settled bigint;
    more    bigint;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'settle_history() must come before anything that is written in the transaction' USING ERRCODE = 'active_sql_transaction';
    END IF;
    IF greatest(
        (SELECT max(xid) FROM change),
        (SELECT max(xid) FROM event),
        (SELECT max(xid) FROM alert),
        0
    ) < pg_snapshot_xmax(pg_current_snapshot())::text::bigint THEN
        RETURN 0;
    END IF;
    LOCK TABLE change, event, alert IN SHARE ROW EXCLUSIVE MODE;
    ALTER TABLE change DISABLE TRIGGER append_only;
    UPDATE change SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS settled = ROW_COUNT;
    ALTER TABLE change ENABLE TRIGGER append_only;
    ALTER TABLE event DISABLE TRIGGER append_only;
    UPDATE event SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS more = ROW_COUNT;
    settled := settled + more;
    ALTER TABLE event ENABLE TRIGGER append_only;
    ALTER TABLE alert DISABLE TRIGGER stamp_alert;
    UPDATE alert SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS more = ROW_COUNT;
    settled := settled + more;
    ALTER TABLE alert ENABLE TRIGGER stamp_alert;
    RETURN settled;
END
$$;

-- reserve_id() as before, for the server, too: a sequence that it could set itself it could set back. Only where clients choose ids.
CREATE OR REPLACE FUNCTION reserve_id(of_table regclass, id bigint) RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    ids       constant regclass := pg_get_serial_sequence(of_table::text, 'id');
    lock_name constant bigint   := 5006007000 + ids::oid::bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = of_table AND tgname = 'reserve_ids') THEN
        RAISE EXCEPTION 'ids of table % are not for clients to choose', of_table USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF id IS NULL OR id <= coalesce(pg_sequence_last_value(ids), 0) THEN
        RETURN;
    END IF;
    IF id > 4503599627370495 THEN
        RAISE EXCEPTION 'must be at most 4503599627370495' USING ERRCODE = 'check_violation', COLUMN = 'id';
    END IF;
    PERFORM pg_advisory_lock(lock_name);
    BEGIN
        PERFORM setval(ids, reserve_id.id) WHERE reserve_id.id > coalesce(pg_sequence_last_value(ids), 0);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        PERFORM pg_advisory_unlock(lock_name);
        RAISE;
    END;
    PERFORM pg_advisory_unlock(lock_name);
END
$$;

DO $$
DECLARE
    definer text;
BEGIN
    FOREACH definer IN ARRAY ARRAY['settle_history()', 'reserve_id(regclass, bigint)'] LOOP
        EXECUTE format('ALTER FUNCTION %s SET search_path = %I, pg_temp', definer, current_schema());
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', definer);
    END LOOP;
END
$$;


-- Tables are shadowed by temporary ones, and by others in a schema in which everyone may make things, as databases have that come from
-- PostgreSQL 14. Where the database or the schema is somebody else's, this warns and leaves them as they are.
DO $$
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    EXECUTE format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', current_schema());
END
$$;


DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        RETURN;
    END IF;

    EXECUTE format('GRANT CONNECT ON DATABASE %I TO labledger_server', current_database());
    EXECUTE format('GRANT USAGE ON SCHEMA %I TO labledger_server', current_schema());
    IF to_regclass('schema_migrations') IS NOT NULL THEN
        GRANT SELECT ON schema_migrations TO labledger_server;
    END IF;
    GRANT EXECUTE ON FUNCTION settle_history(), reserve_id(regclass, bigint) TO labledger_server;

    -- Ids are given by the tables themselves; a container's is drawn before it is known whether the container is there already.
    GRANT USAGE ON SEQUENCE container_id_seq TO labledger_server;

    GRANT SELECT ON change, alert_change, ruleset, instrument TO labledger_server;
    GRANT SELECT, INSERT, UPDATE, DELETE ON site, freezer, computer, container, account, todo TO labledger_server;
    GRANT SELECT, INSERT, UPDATE, DELETE ON credential, session, api_token, login_attempt TO labledger_server;
    GRANT SELECT, INSERT, DELETE ON idempotency TO labledger_server;

    GRANT
        SELECT,
        UPDATE (
            title,
            applies_to,
            "limit",
            window_seconds,
            enabled
        )
    ON rule TO labledger_server;

    GRANT
        SELECT,
        INSERT,
        UPDATE (
            risk,
            last_id,
            state
        )
    ON user_state TO labledger_server;

    -- All but the transaction's number: with a false one the whole ledger would be settled at the next start.
    GRANT
        SELECT,
        INSERT (
            user_id,
            id,
            type,
            amount,
            time,
            effective_time,
            risk,
            ruleset_id,
            facts,
            alert_codes,
            alert_id,
            created_at,
            actor
        )
    ON event TO labledger_server;

    -- An alert begins open; what people make of it then is all that changes.
    GRANT
        SELECT,
        INSERT (
            user_id,
            id,
            event_id,
            alert_codes,
            time,
            risk,
            ruleset_id,
            reasons,
            created_at,
            changed_at,
            actor
        ),
        UPDATE (
            state,
            assignee,
            note,
            disposition
        )
    ON alert TO labledger_server;
END
$$;
