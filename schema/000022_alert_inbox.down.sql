-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

CREATE OR REPLACE FUNCTION record_alert_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    void_before jsonb := '{}';
    void_after  jsonb := '{}';
BEGIN
    IF NEW.void_id IS NOT NULL THEN
        void_before := jsonb_build_object('void_id', OLD.void_id);
        void_after := jsonb_build_object('void_id', NEW.void_id);
    END IF;
    INSERT INTO alert_change (user_id, alert_id, version, at, actor, request_id, message, before, after)
    VALUES (
        NEW.user_id,
        NEW.id,
        NEW.version,
        NEW.changed_at,
        NEW.actor,
        nullif(current_setting('labledger.request_id', true), ''),
        current_change_message(),
        jsonb_build_object(
            'state', OLD.state, 'assignee', OLD.assignee, 'note', OLD.note, 'disposition', OLD.disposition
        ) || void_before,
        jsonb_build_object(
            'state', NEW.state, 'assignee', NEW.assignee, 'note', NEW.note, 'disposition', NEW.disposition
        ) || void_after
    );
    RETURN NULL;
END
$$;

COMMENT ON COLUMN alert_change.before IS 'State, assignee, note and disposition before the change.';
COMMENT ON COLUMN alert_change.after  IS 'State, assignee, note and disposition after the change.';

CREATE OR REPLACE FUNCTION set_alert_version() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    states constant text[] := ARRAY['open', 'acknowledged', 'closed'];
BEGIN
    IF (
        NEW.user_id, NEW.id, NEW.event_id, NEW.alert_codes, NEW.time, NEW.risk,
        NEW.ruleset_id, NEW.reasons, NEW.created_at
    ) IS DISTINCT FROM (
        OLD.user_id, OLD.id, OLD.event_id, OLD.alert_codes, OLD.time, OLD.risk,
        OLD.ruleset_id, OLD.reasons, OLD.created_at
    ) THEN
        RAISE EXCEPTION 'only state, assignee, note and disposition of an alert can be changed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.void_id IS DISTINCT FROM OLD.void_id AND OLD.void_id IS NOT NULL THEN
        RAISE EXCEPTION 'the void of an alert cannot be changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF array_position(states, NEW.state) < array_position(states, OLD.state) THEN
        RAISE EXCEPTION 'is already %; an alert moves from open to acknowledged to closed, never back', OLD.state
            USING ERRCODE = 'check_violation', COLUMN = 'state';
    END IF;
    NEW.version := OLD.version;
    NEW.changed_at := OLD.changed_at;
    NEW.actor := OLD.actor;
    NEW.xid := OLD.xid;
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.version := OLD.version + 1;
        NEW.changed_at := now();
        NEW.actor := current_actor();
        NEW.xid := pg_current_xact_id()::text::bigint;
    END IF;
    RETURN NEW;
END
$$;

DROP FUNCTION alert_values(alert);
ALTER TABLE alert
    DROP COLUMN snoozed_until,
    DROP COLUMN severity;
DROP FUNCTION greatest_severity(jsonb);
ALTER TABLE rule DROP COLUMN severity;
ALTER TABLE ruleset DISABLE TRIGGER append_only;
UPDATE ruleset SET rules = (
    SELECT jsonb_agg(rule - 'severity' ORDER BY rule -> 'code') FROM jsonb_array_elements(rules) AS rule
);
ALTER TABLE ruleset ENABLE TRIGGER append_only;
DROP FUNCTION default_severity(integer);
