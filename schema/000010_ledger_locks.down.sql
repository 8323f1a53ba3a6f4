-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

CREATE OR REPLACE FUNCTION reset_restored_xids() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    total   bigint;
    updated bigint;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'reset_restored_xids() must run before the transaction writes'
            USING ERRCODE = 'active_sql_transaction';
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
    GET DIAGNOSTICS total = ROW_COUNT;
    ALTER TABLE change ENABLE TRIGGER append_only;
    ALTER TABLE event DISABLE TRIGGER append_only;
    UPDATE event SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS updated = ROW_COUNT;
    total := total + updated;
    ALTER TABLE event ENABLE TRIGGER append_only;
    ALTER TABLE alert DISABLE TRIGGER set_alert_version;
    UPDATE alert SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS updated = ROW_COUNT;
    total := total + updated;
    ALTER TABLE alert ENABLE TRIGGER set_alert_version;
    RETURN total;
END
$$;
DROP FUNCTION has_restored_xids();
DROP FUNCTION lock_username(text);

CREATE OR REPLACE FUNCTION rename_owner() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE todo SET owner = NEW.username WHERE owner = OLD.username;
    UPDATE todo SET assignee = NEW.username WHERE assignee = OLD.username;
    UPDATE attachment SET owner = NEW.username WHERE owner = OLD.username;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION rename_owner IS
    'Trigger function: updates the todos and attachments of an account to its new username.';

DROP TRIGGER sync_risk ON account;
CREATE OR REPLACE FUNCTION sync_risk() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP <> 'INSERT' AND (TG_OP = 'DELETE' OR OLD.id <> NEW.id) THEN
        INSERT INTO user_state (user_id, risk) VALUES (OLD.id, 'medium')
        ON CONFLICT (user_id) DO UPDATE SET risk = excluded.risk;
    END IF;
    IF TG_OP = 'INSERT' OR TG_OP = 'UPDATE' AND (OLD.id <> NEW.id OR OLD.risk IS DISTINCT FROM NEW.risk) THEN
        INSERT INTO user_state (user_id, risk) VALUES (NEW.id, coalesce(NEW.risk, 'medium'))
        ON CONFLICT (user_id) DO UPDATE SET risk = excluded.risk;
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sync_risk IS 'Trigger function: copies the risk level of an account to its user state.';
CREATE TRIGGER sync_risk AFTER INSERT OR UPDATE OR DELETE ON account
    FOR EACH ROW EXECUTE FUNCTION sync_risk();

DROP INDEX alert_assignee_id_idx;
DROP INDEX alert_time_idx;
DROP INDEX event_time_idx;
DROP INDEX change_actor_xid_id_idx;
DROP INDEX change_request_id_xid_id_idx;
