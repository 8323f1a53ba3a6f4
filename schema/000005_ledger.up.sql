-- The event ledger: deposits and withdrawals of users, and the alerts that the rules raised about them.
--
-- The tables user_state, event, alert, alert_change and idempotency can be distributed over several machines by
-- user_id. Primary keys and unique indexes begin with it. Foreign keys contain it and stay among these tables.
-- The server generates the IDs (UUIDv7), and rows store their actor. No foreign key ties these tables to the others.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

CREATE FUNCTION reject_ledger_write() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% on table % is not allowed: the ledger is append-only', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation',
              HINT = 'To correct a mistake, record another event, or close the alert with a note.';
END
$$;
COMMENT ON FUNCTION reject_ledger_write IS 'Trigger function: rejects a statement that would change the ledger.';


CREATE TABLE rule (
    code           integer        CONSTRAINT rule_pkey PRIMARY KEY,
    title          text           NOT NULL,
    applies_to     text           NOT NULL,
    "limit"        numeric(12, 2) NOT NULL,
    window_seconds bigint,
    enabled        boolean        NOT NULL,
    version        bigint         NOT NULL DEFAULT 1,
    CONSTRAINT rule_code_30_123_300_500_or_1100        CHECK (code IN (30, 123, 300, 500, 1100)),
    CONSTRAINT rule_title_not_blank                    CHECK (title ~ '[^[:space:]]'),
    CONSTRAINT rule_applies_to_deposit_withdraw_or_any CHECK (applies_to IN ('deposit', 'withdraw', 'any')),
    CONSTRAINT rule_limit_at_least_0                   CHECK ("limit" >= 0 AND "limit" <> 'NaN'),
    CONSTRAINT rule_limit_an_integer_from_1_to_1_million
        CHECK (code IN (123, 1100) OR "limit" = trunc("limit") AND "limit" BETWEEN 1 AND 1000000),
    CONSTRAINT rule_window_seconds_from_0_to_3600      CHECK (window_seconds BETWEEN 0 AND 3600),
    CONSTRAINT rule_window_seconds_set_for_rules_123_and_500_only
        CHECK ((window_seconds IS NOT NULL) = (code IN (123, 500)))
);

COMMENT ON TABLE  rule                IS
    'An alert rule. Its code determines what it measures; the columns are its settings.';
COMMENT ON COLUMN rule.code           IS 'Code of the rule, and of the alerts that it raises.';
COMMENT ON COLUMN rule.title          IS 'Title of the rule.';
COMMENT ON COLUMN rule.applies_to     IS 'Type of the events that the rule evaluates: deposit, withdraw or any.';
COMMENT ON COLUMN rule."limit"        IS
    'Limit for users of medium risk: an amount or a number of events. '
    'It is doubled for low risk, and halved, rounded down and increased by 1 for high risk.';
COMMENT ON COLUMN rule.window_seconds IS
    'Length of the time window in seconds; null for rules without a window. It does not depend on the risk level.';
COMMENT ON COLUMN rule.enabled        IS 'False if the rule is switched off.';
COMMENT ON COLUMN rule.version        IS 'Version of the row: 1, 2, 3, …; every change increases it.';

CREATE TRIGGER set_version BEFORE INSERT OR UPDATE ON rule
    FOR EACH ROW EXECUTE FUNCTION set_version('code');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON rule
    FOR EACH ROW EXECUTE FUNCTION record_change('code');
CREATE TRIGGER no_delete BEFORE DELETE OR TRUNCATE ON rule
    FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write();


CREATE TABLE ruleset (
    id    bigint      CONSTRAINT ruleset_pkey PRIMARY KEY,
    at    timestamptz NOT NULL DEFAULT now(),
    actor text        NOT NULL DEFAULT current_actor(),
    rules jsonb       NOT NULL
);

COMMENT ON TABLE  ruleset       IS
    'All rules as they were after each change of a rule. Events refer to it. Append-only.';
COMMENT ON COLUMN ruleset.id    IS 'ID of the rule set, ascending.';
COMMENT ON COLUMN ruleset.at    IS 'Time when the transaction of the change began.';
COMMENT ON COLUMN ruleset.actor IS 'User or database role that changed a rule.';
COMMENT ON COLUMN ruleset.rules IS 'Rows of table rule, in the order of their codes.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ruleset
    FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write();

-- Without this lock, two concurrent transactions would publish rule sets that each lack the change of the other.
CREATE FUNCTION lock_ruleset() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    LOCK TABLE ruleset IN SHARE ROW EXCLUSIVE MODE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION lock_ruleset IS 'Trigger function: serializes transactions that change rules.';
REVOKE EXECUTE ON FUNCTION lock_ruleset FROM PUBLIC;

CREATE FUNCTION publish_ruleset() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    INSERT INTO ruleset (id, rules)
    SELECT coalesce((SELECT max(id) FROM ruleset), 0) + 1, rules
    FROM (SELECT jsonb_agg(to_jsonb(rule) ORDER BY code) AS rules FROM rule) AS now
    WHERE rules IS DISTINCT FROM (SELECT latest.rules FROM ruleset AS latest ORDER BY id DESC LIMIT 1);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION publish_ruleset IS 'Trigger function: stores the current rules as a new rule set if they changed.';
REVOKE EXECUTE ON FUNCTION publish_ruleset FROM PUBLIC;

CREATE TRIGGER lock_ruleset BEFORE INSERT OR UPDATE ON rule
    FOR EACH STATEMENT EXECUTE FUNCTION lock_ruleset();
CREATE TRIGGER publish_ruleset AFTER INSERT OR UPDATE ON rule
    FOR EACH STATEMENT EXECUTE FUNCTION publish_ruleset();

INSERT INTO rule (code, title, applies_to, "limit", window_seconds, enabled) VALUES
    (30,   'Consecutive withdrawals',        'withdraw', 3,   NULL, true),
    (123,  'Deposit total in time window',   'deposit',  200, 30,   true),
    (300,  'Rising deposits',                'deposit',  3,   NULL, true),
    (500,  'Too many events in time window', 'any',      5,   60,   true),
    (1100, 'Large withdrawal',               'withdraw', 100, NULL, true);


-- One row per user, with or without an account. A transaction that adds to the ledger of a user locks this row first.
CREATE TABLE user_state (
    user_id bigint CONSTRAINT user_state_pkey PRIMARY KEY,
    risk    text   NOT NULL DEFAULT 'medium',
    last_id uuid,
    state   json   NOT NULL DEFAULT '{}',
    CONSTRAINT user_state_user_id_in_range        CHECK (user_id BETWEEN 0 AND 9007199254740991),
    CONSTRAINT user_state_risk_low_medium_or_high CHECK (risk IN ('low', 'medium', 'high'))
) WITH (fillfactor = 50);

COMMENT ON TABLE  user_state         IS
    'What the rules need to know about the past events of a user. '
    'Derived from the events: labledger ledger verify recomputes it.';
COMMENT ON COLUMN user_state.user_id IS 'ID of the user.';
COMMENT ON COLUMN user_state.risk    IS 'Copy of the risk level of the account; medium for users without one.';
COMMENT ON COLUMN user_state.last_id IS
    'Greatest ID among the events and alerts of the user; the next ID is greater. Null before the first event.';
COMMENT ON COLUMN user_state.state   IS 'Run lengths, latest amounts and window contents: the state of package rules.';

CREATE FUNCTION sync_risk() RETURNS trigger
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

INSERT INTO user_state (user_id, risk) SELECT id, coalesce(risk, 'medium') FROM account;


CREATE TABLE event (
    user_id        bigint         NOT NULL,
    id             uuid           NOT NULL,
    type           text           NOT NULL,
    amount         numeric(12, 2) NOT NULL,
    time           bigint         NOT NULL,
    effective_time bigint         NOT NULL,
    risk           text           NOT NULL,
    ruleset_id     bigint         NOT NULL,
    facts          jsonb          NOT NULL,
    alert_codes    integer[]      NOT NULL,
    alert_id       uuid,
    created_at     timestamptz    NOT NULL,
    actor          text           NOT NULL,
    xid            bigint         NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    CONSTRAINT event_pkey                           PRIMARY KEY (user_id, id),
    CONSTRAINT event_user_id_in_range               CHECK (user_id BETWEEN 0 AND 9007199254740991),
    CONSTRAINT event_type_deposit_or_withdraw       CHECK (type IN ('deposit', 'withdraw')),
    CONSTRAINT event_amount_more_than_0             CHECK (amount > 0 AND amount <> 'NaN'),
    CONSTRAINT event_time_in_range                  CHECK (time BETWEEN 0 AND 9007199254740991),
    CONSTRAINT event_effective_time_not_before_time CHECK (effective_time >= time),
    CONSTRAINT event_risk_low_medium_or_high        CHECK (risk IN ('low', 'medium', 'high')),
    CONSTRAINT event_alert_id_set_if_any_rule_fired CHECK ((alert_id IS NULL) = (alert_codes = '{}'))
);

CREATE INDEX event_id_idx ON event (id);
CREATE INDEX event_xid_id_idx ON event (xid, id);

COMMENT ON TABLE  event                IS
    'A deposit or a withdrawal of a user, with the results of the rules. Append-only.';
COMMENT ON COLUMN event.user_id        IS 'ID of the user who deposited or withdrew.';
COMMENT ON COLUMN event.id             IS 'ID of the event, a UUIDv7 that ascends in the order of arrival.';
COMMENT ON COLUMN event.type           IS 'deposit or withdraw.';
COMMENT ON COLUMN event.amount         IS 'Amount, more than 0, with two decimals.';
COMMENT ON COLUMN event.time           IS 'Time of the event as sent by the client, in seconds since 1970-01-01 UTC.';
COMMENT ON COLUMN event.effective_time IS
    'Time that the windows of the rules use: the greatest time among the events of the user so far.';
COMMENT ON COLUMN event.risk           IS 'Risk level of the user when the event arrived.';
COMMENT ON COLUMN event.ruleset_id     IS 'ID of the rule set that evaluated the event.';
COMMENT ON COLUMN event.facts          IS
    'Value that each rule measured, by code: the length of a run, a number of events or an amount.';
COMMENT ON COLUMN event.alert_codes    IS 'Codes of the rules that fired, ascending; empty if none fired.';
COMMENT ON COLUMN event.alert_id       IS 'ID of the alert that the event raised; null if no rule fired.';
COMMENT ON COLUMN event.created_at     IS 'Time when the server recorded the event.';
COMMENT ON COLUMN event.actor          IS 'User or database role that recorded the event.';
COMMENT ON COLUMN event.xid            IS
    'ID of the transaction that recorded the event. '
    'Readers that follow the ledger read in the order (xid, id), up to the oldest running transaction.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write();


CREATE TABLE alert (
    user_id     bigint      NOT NULL,
    id          uuid        NOT NULL,
    event_id    uuid        NOT NULL,
    alert_codes integer[]   NOT NULL,
    time        bigint      NOT NULL,
    risk        text        NOT NULL,
    ruleset_id  bigint      NOT NULL,
    reasons     jsonb       NOT NULL,
    state       text        NOT NULL DEFAULT 'open',
    assignee    text,
    note        text,
    disposition text,
    created_at  timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,
    actor       text        NOT NULL,
    xid         bigint      NOT NULL DEFAULT pg_current_xact_id()::text::bigint,
    version     bigint      NOT NULL DEFAULT 1,
    CONSTRAINT alert_pkey            PRIMARY KEY (user_id, id),
    CONSTRAINT alert_event_id_unique UNIQUE (user_id, event_id),
    CONSTRAINT alert_event_id_fkey   FOREIGN KEY (user_id, event_id) REFERENCES event (user_id, id),
    CONSTRAINT alert_alert_codes_not_empty                   CHECK (cardinality(alert_codes) > 0),
    CONSTRAINT alert_risk_low_medium_or_high                 CHECK (risk IN ('low', 'medium', 'high')),
    CONSTRAINT alert_state_open_acknowledged_or_closed       CHECK (state IN ('open', 'acknowledged', 'closed')),
    CONSTRAINT alert_disposition_confirmed_or_false_positive CHECK (disposition IN ('confirmed', 'false_positive')),
    CONSTRAINT alert_assignee_at_most_100_characters         CHECK (length(assignee) <= 100),
    CONSTRAINT alert_note_at_most_10000_characters           CHECK (length(note) <= 10000)
);

CREATE INDEX alert_id_idx ON alert (id);
CREATE INDEX alert_state_id_idx ON alert (state, id);
CREATE INDEX alert_xid_id_idx ON alert (xid, id);

COMMENT ON TABLE  alert             IS 'The record of an event that fired at least one rule, and of its investigation.';
COMMENT ON COLUMN alert.user_id     IS 'ID of the user of the event.';
COMMENT ON COLUMN alert.id          IS 'ID of the alert, a UUIDv7 that ascends in the order of arrival.';
COMMENT ON COLUMN alert.event_id    IS 'ID of the event that raised the alert.';
COMMENT ON COLUMN alert.alert_codes IS 'Codes of the rules that fired, ascending.';
COMMENT ON COLUMN alert.time        IS 'Time of the event, in seconds since 1970-01-01 UTC.';
COMMENT ON COLUMN alert.risk        IS 'Risk level of the user when the event arrived.';
COMMENT ON COLUMN alert.ruleset_id  IS 'ID of the rule set that evaluated the event.';
COMMENT ON COLUMN alert.reasons     IS
    'One reason per code: the version and settings of the rule, its limit at the risk level of the user, '
    'and the measured value.';
COMMENT ON COLUMN alert.state       IS 'open, acknowledged or closed.';
COMMENT ON COLUMN alert.assignee    IS 'Username of the assignee.';
COMMENT ON COLUMN alert.note        IS 'Notes of the investigation.';
COMMENT ON COLUMN alert.disposition IS
    'Outcome of the investigation: confirmed or false_positive; null until it is known.';
COMMENT ON COLUMN alert.created_at  IS 'Time when the alert was raised.';
COMMENT ON COLUMN alert.changed_at  IS 'Time of the last change of the alert.';
COMMENT ON COLUMN alert.actor       IS 'User or database role that made the last change.';
COMMENT ON COLUMN alert.xid         IS 'ID of the transaction that made the last change: see event.xid.';
COMMENT ON COLUMN alert.version     IS 'Version of the row: 1, 2, 3, …; every change increases it.';


CREATE TABLE alert_change (
    user_id    bigint      NOT NULL,
    alert_id   uuid        NOT NULL,
    version    bigint      NOT NULL,
    at         timestamptz NOT NULL,
    actor      text        NOT NULL,
    request_id text,
    before     jsonb       NOT NULL,
    after      jsonb       NOT NULL,
    CONSTRAINT alert_change_pkey PRIMARY KEY (user_id, alert_id, version),
    CONSTRAINT alert_change_alert_id_fkey FOREIGN KEY (user_id, alert_id) REFERENCES alert (user_id, id)
);

CREATE INDEX alert_change_alert_id_version_idx ON alert_change (alert_id, version);

COMMENT ON TABLE  alert_change            IS 'History of alerts: one row per change of an alert. Append-only.';
COMMENT ON COLUMN alert_change.user_id    IS 'ID of the user of the alert.';
COMMENT ON COLUMN alert_change.alert_id   IS 'ID of the alert.';
COMMENT ON COLUMN alert_change.version    IS 'Version of the alert after the change.';
COMMENT ON COLUMN alert_change.at         IS 'Time when the transaction of the change began.';
COMMENT ON COLUMN alert_change.actor      IS 'Caller of the API, or the database role of a change made in psql.';
COMMENT ON COLUMN alert_change.request_id IS
    'X-Request-Id of the request that made the change; null for a change made in psql.';
COMMENT ON COLUMN alert_change.before     IS 'State, assignee, note and disposition before the change.';
COMMENT ON COLUMN alert_change.after      IS 'State, assignee, note and disposition after the change.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_change
    FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write();

CREATE FUNCTION set_alert_version() RETURNS trigger
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

CREATE FUNCTION record_alert_change() RETURNS trigger
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
REVOKE EXECUTE ON FUNCTION record_alert_change FROM PUBLIC;

CREATE TRIGGER set_alert_version BEFORE UPDATE ON alert
    FOR EACH ROW EXECUTE FUNCTION set_alert_version();
CREATE TRIGGER record_alert_change AFTER UPDATE ON alert
    FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION record_alert_change();
CREATE TRIGGER no_delete BEFORE DELETE OR TRUNCATE ON alert
    FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write();


CREATE TABLE idempotency (
    user_id      bigint      NOT NULL,
    caller       text        NOT NULL,
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,
    first_id     uuid        NOT NULL,
    last_id      uuid        NOT NULL,
    created_at   timestamptz NOT NULL,
    CONSTRAINT idempotency_pkey PRIMARY KEY (user_id, caller, key)
);

CREATE INDEX idempotency_caller_key_idx ON idempotency (caller, key);
CREATE INDEX idempotency_created_at_idx ON idempotency (created_at);

COMMENT ON TABLE  idempotency              IS
    'Recent idempotency keys. A repeated request is answered from the events that the first request recorded.';
COMMENT ON COLUMN idempotency.user_id      IS 'ID of the user of the event; the smallest user ID of a batch.';
COMMENT ON COLUMN idempotency.caller       IS 'Caller who sent the key. Keys of different callers are independent.';
COMMENT ON COLUMN idempotency.key          IS 'Value of the header Idempotency-Key.';
COMMENT ON COLUMN idempotency.request_hash IS
    'SHA-256 of path and body. A different request with the same key is rejected.';
COMMENT ON COLUMN idempotency.first_id     IS 'ID of the first event that the request recorded.';
COMMENT ON COLUMN idempotency.last_id      IS 'ID of the last event that the request recorded.';
COMMENT ON COLUMN idempotency.created_at   IS 'Time of the first request; equal to created_at of its events.';

CREATE TRIGGER no_update BEFORE UPDATE OR TRUNCATE ON idempotency
    FOR EACH STATEMENT EXECUTE FUNCTION reject_ledger_write();


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


-- The server calls reset_restored_xids when it starts. A database restored from a dump contains transaction IDs of
-- another cluster, which may be greater than those of this one: readers that follow the changes would miss such rows.
-- Without such IDs the function only reads three index entries. It rejects a transaction that has already written:
-- the ID of that transaction looks like one of another cluster, so the function would reset the whole history.
CREATE FUNCTION reset_restored_xids() RETURNS bigint
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
COMMENT ON FUNCTION reset_restored_xids IS
    'Sets all transaction IDs to 0 if some come from another cluster. Returns the number of changed rows.';
REVOKE EXECUTE ON FUNCTION reset_restored_xids FROM PUBLIC;
