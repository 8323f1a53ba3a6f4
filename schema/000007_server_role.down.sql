-- The role itself stays: other databases of the cluster may know it.
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

-- Whether everyone could make tables in the schema is not known any more, and is no loss.
DO $$
BEGIN
    EXECUTE format('GRANT TEMPORARY ON DATABASE %I TO PUBLIC', current_database());
END
$$;

CREATE OR REPLACE FUNCTION reserve_id(of_table regclass, id bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    ids       constant regclass := pg_get_serial_sequence(of_table::text, 'id');
    lock_name constant bigint   := 5006007000 + ids::oid::bigint;
BEGIN
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

CREATE OR REPLACE FUNCTION settle_history() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    settled bigint;
    more    bigint;
BEGIN
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

ALTER FUNCTION record_change() SECURITY INVOKER RESET search_path;
ALTER FUNCTION record_credential() SECURITY INVOKER RESET search_path;
ALTER FUNCTION record_alert_change() SECURITY INVOKER RESET search_path;
ALTER FUNCTION wait_for_ruleset() SECURITY INVOKER RESET search_path;
ALTER FUNCTION publish_ruleset() SECURITY INVOKER RESET search_path;
ALTER FUNCTION reserve_ids() SECURITY INVOKER RESET search_path;
GRANT EXECUTE ON FUNCTION record_change(), record_credential(), record_alert_change(), wait_for_ruleset(), publish_ruleset(), reserve_ids(), reserve_id(regclass, bigint), settle_history() TO PUBLIC;
