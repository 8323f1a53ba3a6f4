-- The server connects as labledger_server, a role with no more rights than its requests need. It owns nothing, creates
-- nothing, and cannot write the history: triggers do that with the rights of their owner.
-- The migration of a later table grants the rights to that table itself. A test compares all rights with a list.

-- Roles belong to the whole cluster: the migration of another database may already have created the role,
-- or may create it at the same time.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        CREATE ROLE labledger_server LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
    END IF;
EXCEPTION
    WHEN duplicate_object OR unique_violation THEN
        NULL;
    WHEN insufficient_privilege THEN
        RAISE WARNING 'role labledger_server does not exist and % cannot create it: the server must use another role',
            current_user
            USING HINT = 'To add it later, run CREATE ROLE labledger_server LOGIN as a superuser, '
                         'then labledger migrate down and labledger migrate up.';
END
$$;


-- Temporary tables hide other tables of the same name. So do tables in a schema where every role can create tables,
-- which is the default of databases that come from PostgreSQL 14.
-- If another role owns the database or the schema, Postgres only warns and nothing changes.
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
    GRANT EXECUTE ON FUNCTION reset_restored_xids(), reserve_id(regclass, bigint) TO labledger_server;

    -- Tables assign IDs themselves, without this right. The upsert of a container draws its ID from the sequence,
    -- before it is known whether the container exists.
    GRANT USAGE ON SEQUENCE container_id_seq TO labledger_server;

    GRANT SELECT ON change, alert_change, ruleset, instrument TO labledger_server;
    GRANT SELECT, INSERT, UPDATE, DELETE ON
        site,
        freezer,
        computer,
        container,
        account,
        credential,
        session,
        api_token,
        login_attempt,
        todo,
        attachment
    TO labledger_server;
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

    -- All columns but xid: a false transaction ID would make reset_restored_xids() reset the ledger at the next start.
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

    -- An alert starts open. Later only the results of its investigation change.
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
