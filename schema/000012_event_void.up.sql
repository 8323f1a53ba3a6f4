-- Voids of events: the remedy for an event that was recorded by mistake, such as one with a wrong clock. A void is a
-- record in the ledger, with an ID in the order of arrival of the user's events. Events before it were evaluated with
-- the voided event, events after it without. Nothing recorded changes.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;


CREATE OR REPLACE FUNCTION reject_ledger_write() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on table % is not allowed: the ledger is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'To correct a mistake, void the event, or close the alert with a note.';
END
$$;
COMMENT ON FUNCTION reject_ledger_write IS 'Trigger function: rejects a statement that would change the ledger.';


CREATE TABLE event_void (
    user_id    bigint      NOT NULL,
    id         uuid        NOT NULL,
    event_id   uuid        NOT NULL,
    reason     text        NOT NULL,
    created_at timestamptz NOT NULL,
    actor      text        NOT NULL,
    request_id text,
    CONSTRAINT event_void_pkey            PRIMARY KEY (user_id, id),
    CONSTRAINT event_void_event_id_unique UNIQUE (user_id, event_id),
    CONSTRAINT event_void_event_id_fkey   FOREIGN KEY (user_id, event_id) REFERENCES event (user_id, id),
    CONSTRAINT event_void_id_after_event                CHECK (id > event_id),
    CONSTRAINT event_void_reason_not_blank              CHECK (reason ~ '[^[:space:]]'),
    CONSTRAINT event_void_reason_at_most_1000_characters CHECK (length(reason) <= 1000)
);

CREATE INDEX event_void_event_id_idx ON event_void (event_id);

COMMENT ON TABLE  event_void            IS 'Voids: the events that do not count for later events. Append-only.';
COMMENT ON COLUMN event_void.user_id    IS 'ID of the user of the event.';
COMMENT ON COLUMN event_void.id         IS
    'ID of the void, a UUIDv7 that ascends in the order of arrival among the events of the user. '
    'Later events are evaluated without the voided event.';
COMMENT ON COLUMN event_void.event_id   IS 'ID of the voided event.';
COMMENT ON COLUMN event_void.reason     IS 'Why the event does not count.';
COMMENT ON COLUMN event_void.created_at IS 'Time when the server recorded the void.';
COMMENT ON COLUMN event_void.actor      IS 'User or database role that voided the event.';
COMMENT ON COLUMN event_void.request_id IS 'X-Request-Id of the request; null for a void made in psql.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event_void
    FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write();


ALTER TABLE alert
    ADD COLUMN void_id uuid,
    ADD CONSTRAINT alert_void_id_fkey FOREIGN KEY (user_id, void_id) REFERENCES event_void (user_id, id);

-- For the list of marked alerts. Few alerts are marked.
CREATE INDEX alert_void_id_idx ON alert (void_id) WHERE void_id IS NOT NULL;

COMMENT ON COLUMN alert.void_id IS
    'ID of the void of the event, or of an earlier event without which no rule would have fired; null for none.';

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
COMMENT ON FUNCTION set_alert_version IS
    'Trigger function: sets the version, the time and the actor of a changed alert. '
    'Rejects changes that are not allowed.';

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
        ) || void_before,
        jsonb_build_object(
            'state', NEW.state, 'assignee', NEW.assignee, 'note', NEW.note, 'disposition', NEW.disposition
        ) || void_after
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_alert_change IS 'Trigger function: records a change of an alert in its history.';


-- Around a void, the stored effective times of events do not ascend.
DROP FUNCTION alert_reasons(alert);
DROP FUNCTION counted_events(bigint, uuid, jsonb);
CREATE FUNCTION counted_events(event_of_user bigint, raising_event uuid, reason jsonb) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE
AS $$
#variable_conflict use_column
BEGIN
    IF EXISTS (SELECT FROM event_void WHERE user_id = event_of_user AND id < raising_event) THEN
        RETURN QUERY
        WITH judged AS (
            SELECT id, type, max(time) OVER (ORDER BY id) AS effective_time
            FROM event
            WHERE user_id = event_of_user
              AND id <= raising_event
              AND NOT EXISTS (
                  SELECT FROM event_void AS void
                  WHERE void.user_id = event_of_user AND void.event_id = event.id AND void.id < raising_event
              )
        ), raising AS (
            SELECT effective_time - (reason ->> 'window_seconds')::bigint AS since
            FROM judged
            WHERE id = raising_event
        ), counted AS (
            SELECT id
            FROM judged
            WHERE (reason ->> 'applies_to' = 'any' OR type = reason ->> 'applies_to')
              AND id > coalesce(
                  (
                      SELECT id
                      FROM judged
                      WHERE effective_time < (SELECT since FROM raising)
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
        SELECT id FROM counted ORDER BY id;
    ELSE
        RETURN QUERY
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
        SELECT id FROM counted ORDER BY id;
    END IF;
END
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


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT SELECT, INSERT ON event_void TO labledger_server;
        GRANT UPDATE (void_id) ON alert TO labledger_server;
    END IF;
END
$$;
