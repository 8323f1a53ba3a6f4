-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

DROP FUNCTION alert_reasons(alert);
DROP FUNCTION counted_events(bigint, uuid, jsonb);
CREATE OR REPLACE FUNCTION record_alert_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO alert_change (user_id, alert_id, version, at, actor, request_id, before, after)
    VALUES (
        NEW.user_id,
        NEW.id,
        NEW.version,
        NEW.changed_at,
        NEW.actor,
        nullif(current_setting('labledger.request_id', true), ''),
        jsonb_build_object(
            'state', OLD.state, 'assignee', OLD.assignee, 'note', OLD.note, 'disposition', OLD.disposition
        ),
        jsonb_build_object(
            'state', NEW.state, 'assignee', NEW.assignee, 'note', NEW.note, 'disposition', NEW.disposition
        )
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_alert_change IS 'Trigger function: records a change of an alert in its history.';

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
COMMENT ON FUNCTION set_alert_version IS
    'Trigger function: sets the version, the time and the actor of a changed alert. '
    'Rejects changes that are not allowed.';

ALTER TABLE alert DROP COLUMN void_id;
DROP TABLE event_void;

CREATE OR REPLACE FUNCTION reject_ledger_write() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on table % is not allowed: the ledger is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'To correct a mistake, record another event, or close the alert with a note.';
END
$$;
COMMENT ON FUNCTION reject_ledger_write IS 'Trigger function: rejects a statement that would change the ledger.';

CREATE FUNCTION counted_events(event_of_user bigint, raising_event uuid, reason jsonb) RETURNS SETOF uuid
LANGUAGE sql STABLE
AS $$
    WITH raising AS (
        SELECT effective_time - (reason ->> 'window_seconds')::bigint AS since
        FROM event
        WHERE user_id = event_of_user AND id = raising_event
    ), counted AS (
        SELECT id
        FROM event
        WHERE user_id = event_of_user
          AND id <= raising_event
          AND (reason ->> 'applies_to' = 'any' OR type = reason ->> 'applies_to')
          AND id > coalesce(
              (
                  SELECT id
                  FROM event
                  WHERE user_id = event_of_user
                    AND id <= raising_event
                    AND effective_time < (SELECT since FROM raising)
                  ORDER BY id DESC
                  LIMIT 1
              ),
              '00000000-0000-0000-0000-000000000000'
          )
        ORDER BY id DESC
        LIMIT CASE
            WHEN reason ->> 'code' = '1100' THEN 1
            WHEN reason ->> 'code' IN ('30', '300')
                THEN least(ceil((reason ->> 'limit_at_risk')::numeric), 1000)::bigint
            ELSE 1000
        END
    )
    SELECT id FROM counted ORDER BY id
$$;
COMMENT ON FUNCTION counted_events IS
    'Returns the IDs of the events that a reason of an alert counted, in the order of arrival: at most the newest '
    '1000.';

CREATE FUNCTION alert_reasons(alert) RETURNS jsonb
LANGUAGE sql STABLE
AS $$
    SELECT jsonb_agg(
        reason || jsonb_build_object('event_ids', ARRAY(SELECT counted_events($1.user_id, $1.event_id, reason)))
        ORDER BY nth
    )
    FROM jsonb_array_elements($1.reasons) WITH ORDINALITY AS each (reason, nth)
$$;
COMMENT ON FUNCTION alert_reasons IS
    'Returns the reasons of an alert with the IDs of the counted events: SELECT alert_reasons(alert) FROM alert.';
