-- The role itself remains: other databases of the cluster may use it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        RETURN;
    END IF;
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA %I FROM labledger_server', current_schema());
    EXECUTE format('REVOKE ALL ON ALL SEQUENCES IN SCHEMA %I FROM labledger_server', current_schema());
    EXECUTE format('REVOKE ALL ON ALL FUNCTIONS IN SCHEMA %I FROM labledger_server', current_schema());
    EXECUTE format('REVOKE ALL ON SCHEMA %I FROM labledger_server', current_schema());
    EXECUTE format('REVOKE ALL ON DATABASE %I FROM labledger_server', current_database());
END
$$;

-- CREATE on the schema is not granted back: it is unknown whether PUBLIC had it before.
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$$;
