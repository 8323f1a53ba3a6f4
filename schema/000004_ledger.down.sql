DROP FUNCTION explained(alert);
DROP FUNCTION counted_events(bigint, uuid, jsonb);
DROP TABLE idempotency;
DROP TABLE alert_change;
DROP TABLE alert;
DROP FUNCTION record_alert_change();
DROP FUNCTION stamp_alert();
DROP TABLE event;
DROP TRIGGER copy_risk ON account;
DROP FUNCTION copy_risk();
DROP TABLE user_state;
DROP TABLE rule;
DROP FUNCTION publish_ruleset();
DROP FUNCTION wait_for_ruleset();
DROP TABLE ruleset;
DROP FUNCTION keep_ledger();
DROP FUNCTION caller();

CREATE OR REPLACE FUNCTION settle_history() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    settled bigint;
BEGIN
    IF coalesce((SELECT max(xid) FROM change), 0) < pg_snapshot_xmax(pg_current_snapshot())::text::bigint THEN
        RETURN 0;
    END IF;
    LOCK TABLE change IN SHARE ROW EXCLUSIVE MODE;
    ALTER TABLE change DISABLE TRIGGER append_only;
    UPDATE change SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS settled = ROW_COUNT;
    ALTER TABLE change ENABLE TRIGGER append_only;
    RETURN settled;
END
$$;
