-- The inbox of alerts: the severity of rules, snoozed alerts, and changes that can be undone.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

-- Older alerts have no severity in their reasons. They have that of the code.
CREATE FUNCTION default_severity(code integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN code IN (500, 1100) THEN 'critical' WHEN code = 300 THEN 'info' ELSE 'warning' END;
COMMENT ON FUNCTION default_severity IS 'The severity of a rule before one is set.';

-- The rules keep their versions: the migration is no change of a rule.
ALTER TABLE rule ADD COLUMN severity text NOT NULL DEFAULT 'warning';
ALTER TABLE rule DISABLE TRIGGER USER;
UPDATE rule SET severity = default_severity(code);
ALTER TABLE rule ENABLE TRIGGER USER;
ALTER TABLE rule
    ALTER COLUMN severity DROP DEFAULT,
    ADD CONSTRAINT rule_severity_critical_warning_or_info CHECK (severity IN ('critical', 'warning', 'info'));

-- Rule sets are copies of the rules, so that they get the new column as well.
ALTER TABLE ruleset DISABLE TRIGGER append_only;
UPDATE ruleset SET rules = (
    SELECT jsonb_agg(
        rule || jsonb_build_object('severity', default_severity((rule ->> 'code')::integer)) ORDER BY rule -> 'code'
    )
    FROM jsonb_array_elements(rules) AS rule
);
ALTER TABLE ruleset ENABLE TRIGGER append_only;

COMMENT ON COLUMN rule.severity IS 'How severe the alerts of the rule are: critical, warning or info.';


CREATE FUNCTION greatest_severity(reasons jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT (ARRAY['info', 'warning', 'critical'])[max(array_position(
        ARRAY['info', 'warning', 'critical'],
        coalesce(reason ->> 'severity', default_severity((reason ->> 'code')::integer))
    ))]
    FROM jsonb_array_elements(reasons) AS reason
);
COMMENT ON FUNCTION greatest_severity IS 'The severity of an alert: the greatest of its reasons.';

ALTER TABLE alert
    ADD COLUMN severity text NOT NULL
        GENERATED ALWAYS AS (coalesce(greatest_severity(reasons), 'warning')) STORED,
    ADD COLUMN snoozed_until timestamptz,
    ADD CONSTRAINT alert_severity_critical_warning_or_info CHECK (severity IN ('critical', 'warning', 'info')),
    ADD CONSTRAINT alert_snoozed_until_null_if_closed CHECK (snoozed_until IS NULL OR state <> 'closed');

-- For the inbox. Most alerts are closed.
CREATE INDEX alert_severity_id_idx ON alert (severity, id) WHERE state <> 'closed';
CREATE INDEX alert_snoozed_until_idx ON alert (snoozed_until) WHERE snoozed_until IS NOT NULL;

COMMENT ON COLUMN alert.severity      IS
    'critical, warning or info: the greatest severity of the rules that fired, as it was then.';
COMMENT ON COLUMN alert.snoozed_until IS 'Time until which the alert is snoozed; null if it is not.';


-- Sessions in different time zones write the same time.
CREATE FUNCTION alert_values(alert) RETURNS jsonb
LANGUAGE sql STABLE SET timezone = 'UTC'
RETURN jsonb_build_object(
    'state', $1.state,
    'assignee', $1.assignee,
    'note', $1.note,
    'disposition', $1.disposition,
    'snoozed_until', $1.snoozed_until
);
COMMENT ON FUNCTION alert_values IS 'The values of an alert that people change, as its history records them.';


-- An alert moves back only to the values that its last change replaced, so that a mistake can be undone.
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
        RAISE EXCEPTION 'only state, assignee, note, disposition and snoozed_until of an alert can be changed'
            USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.void_id IS DISTINCT FROM OLD.void_id AND OLD.void_id IS NOT NULL THEN
        RAISE EXCEPTION 'the void of an alert cannot be changed' USING ERRCODE = 'restrict_violation';
    END IF;
    IF NEW.state = 'closed' AND NEW.snoozed_until IS NOT DISTINCT FROM OLD.snoozed_until THEN
        NEW.snoozed_until := NULL;
    END IF;
    IF array_position(states, NEW.state) < array_position(states, OLD.state)
        AND NOT EXISTS (
            SELECT
            FROM alert_change
            WHERE user_id = OLD.user_id AND alert_id = OLD.id AND version = OLD.version
                AND before @> alert_values(NEW)
        )
    THEN
        RAISE EXCEPTION 'is already %; an alert moves from open to acknowledged to closed, and back only to undo '
            'its last change', OLD.state
            USING ERRCODE = 'check_violation', COLUMN = 'state';
    END IF;
    NEW.version := OLD.version;
    NEW.changed_at := OLD.changed_at;
    NEW.actor := OLD.actor;
    NEW.xid := OLD.xid;
    NEW.severity := OLD.severity; -- which Postgres computes after this trigger
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.version := OLD.version + 1;
        NEW.changed_at := now();
        NEW.actor := current_actor();
        NEW.xid := pg_current_xact_id()::text::bigint;
    END IF;
    RETURN NEW;
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
        alert_values(OLD) || void_before,
        alert_values(NEW) || void_after
    );
    RETURN NULL;
END
$$;

COMMENT ON COLUMN alert_change.before IS
    'State, assignee, note, disposition and snoozed_until before the change.';
COMMENT ON COLUMN alert_change.after  IS
    'State, assignee, note, disposition and snoozed_until after the change.';


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT UPDATE (snoozed_until) ON alert TO labledger_server;
        GRANT UPDATE (severity) ON rule TO labledger_server;
    END IF;
END
$$;
