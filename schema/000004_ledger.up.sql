-- The event ledger: who put in and took out what, and the alerts that the rules raised over it.
--
-- Tables keyed by user (user_state, event, alert, alert_change, idempotency) can be spread over machines by user_id: their primary keys and
-- unique indexes begin with it, foreign keys stay among them and carry it, ids are UUIDv7 made by the server, and who wrote a row stands in
-- a column of it. Nothing ties them to the register or the directory.

-- caller() is who the running transaction works for.
CREATE FUNCTION caller() RETURNS text LANGUAGE sql STABLE RETURN coalesce(nullif(current_setting('labledger.actor', true), ''), session_user);
COMMENT ON FUNCTION caller IS 'Who the running transaction works for: the API''s caller, or the database role of a person in psql.';


-- keep_ledger() guards what may never happen to the ledger.
CREATE FUNCTION keep_ledger() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of table % is refused: what the ledger holds stays as it is', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', HINT = 'To set something right, record a further event, or close the alert with a note.';
END
$$;
COMMENT ON FUNCTION keep_ledger IS 'Trigger: refuses the statement.';


CREATE TABLE rule (
    code           integer        CONSTRAINT rule_pkey PRIMARY KEY,
    title          text           NOT NULL,
    applies_to     text           NOT NULL,
    "limit"        numeric(12, 2) NOT NULL,
    window_seconds bigint,
    enabled        boolean        NOT NULL,
    version        bigint         NOT NULL DEFAULT 1,
    CONSTRAINT rule_code_known                                  CHECK (code IN (30, 123, 300, 500, 1100)),
    CONSTRAINT rule_title_not_blank                             CHECK (title ~ '[^[:space:]]'),
    CONSTRAINT rule_applies_to_deposit_withdraw_or_any          CHECK (applies_to IN ('deposit', 'withdraw', 'any')),
    CONSTRAINT rule_limit_at_least_0                            CHECK ("limit" >= 0 AND "limit" <> 'NaN'),
    CONSTRAINT rule_limit_a_whole_number_from_1_to_1_million    CHECK (code IN (123, 1100) OR "limit" = trunc("limit") AND "limit" BETWEEN 1 AND 1000000),
    CONSTRAINT rule_window_seconds_from_0_to_3600               CHECK (window_seconds BETWEEN 0 AND 3600),
    CONSTRAINT rule_window_seconds_given_for_123_and_500_alone  CHECK ((window_seconds IS NOT NULL) = (code IN (123, 500)))
);

COMMENT ON TABLE  rule                IS 'An alert rule. What its code measures is fixed; its settings are these.';
COMMENT ON COLUMN rule.code           IS 'Code of the alert that the rule raises.';
COMMENT ON COLUMN rule.title          IS 'What the rule looks for, for people.';
COMMENT ON COLUMN rule.applies_to     IS 'Events that the rule looks at: deposit, withdraw or any.';
COMMENT ON COLUMN rule."limit"        IS 'Limit for users of medium risk: an amount, or a number of events. Low risk: twice as much. High risk: half of it, rounded down, plus 1.';
COMMENT ON COLUMN rule.window_seconds IS 'How far back the rule counts, in seconds; null where time plays no part. It does not scale with the risk.';
COMMENT ON COLUMN rule.enabled        IS 'False: the rule raises nothing.';
COMMENT ON COLUMN rule.version        IS 'Counts the states of this row: 1, 2, 3, …';

CREATE TRIGGER stamp_version BEFORE INSERT OR UPDATE ON rule FOR EACH ROW EXECUTE FUNCTION stamp_version('code');
CREATE TRIGGER record_change AFTER INSERT OR UPDATE OR DELETE ON rule FOR EACH ROW EXECUTE FUNCTION record_change('code');
CREATE TRIGGER no_truncate BEFORE DELETE OR TRUNCATE ON rule FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger();


CREATE TABLE ruleset (
    id    bigint      CONSTRAINT ruleset_pkey PRIMARY KEY,
    at    timestamptz NOT NULL DEFAULT now(),
    actor text        NOT NULL DEFAULT caller(),
    rules jsonb       NOT NULL
);

COMMENT ON TABLE  ruleset       IS 'All rules together, as they stood after each change of one: what an event was judged by. Append-only.';
COMMENT ON COLUMN ruleset.id    IS 'Number of the rule set, ascending.';
COMMENT ON COLUMN ruleset.at    IS 'When the transaction that made it began.';
COMMENT ON COLUMN ruleset.actor IS 'Who changed a rule.';
COMMENT ON COLUMN ruleset.rules IS 'The rules, by code: rows of table rule.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ruleset FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger();

-- Two changes of rules at once must not publish sets that each lack the other: the second waits for the first before it changes anything.
CREATE FUNCTION wait_for_ruleset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    LOCK TABLE ruleset IN SHARE ROW EXCLUSIVE MODE;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION wait_for_ruleset IS 'Trigger: lets changes of rules go one after the other.';

CREATE FUNCTION publish_ruleset() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ruleset (id, rules)
    SELECT coalesce((SELECT max(id) FROM ruleset), 0) + 1, rules
    FROM (SELECT jsonb_agg(to_jsonb(rule) ORDER BY code) AS rules FROM rule) AS now
    WHERE rules IS DISTINCT FROM (SELECT latest.rules FROM ruleset AS latest ORDER BY id DESC LIMIT 1);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION publish_ruleset IS 'Trigger: keeps the rules as they stand now as a set.';

CREATE TRIGGER wait_for_ruleset BEFORE INSERT OR UPDATE ON rule FOR EACH STATEMENT EXECUTE FUNCTION wait_for_ruleset();
CREATE TRIGGER publish_ruleset AFTER INSERT OR UPDATE ON rule FOR EACH STATEMENT EXECUTE FUNCTION publish_ruleset();

INSERT INTO rule (code, title, applies_to, "limit", window_seconds, enabled) VALUES
    (30,   'Withdrawals in a row',              'withdraw', 3,   NULL, true),
    (123,  'Deposits add up within the window', 'deposit',  200, 30,   true),
    (300,  'Deposits rise one after the other', 'deposit',  3,   NULL, true),
    (500,  'Many events within the window',     'any',      5,   60,   true),
    (1100, 'A large withdrawal',                'withdraw', 100, NULL, true);


-- One row a user; whoever adds to the user's ledger locks it first. Users who are not in the directory have one as well.
CREATE TABLE user_state (
    user_id bigint CONSTRAINT user_state_pkey PRIMARY KEY,
    risk    text   NOT NULL DEFAULT 'medium',
    last_id uuid,
    state   json   NOT NULL DEFAULT '{}',
    CONSTRAINT user_state_user_id_in_range           CHECK (user_id BETWEEN 0 AND 9007199254740991),
    CONSTRAINT user_state_risk_low_medium_or_high    CHECK (risk IN ('low', 'medium', 'high'))
) WITH (fillfactor = 50);

COMMENT ON TABLE  user_state         IS 'What the rules need to know of a user''s past. It follows from the events: labledger ledger verify recomputes it.';
COMMENT ON COLUMN user_state.user_id IS 'The user.';
COMMENT ON COLUMN user_state.risk    IS 'Copy of the account''s risk level; medium for users without one.';
COMMENT ON COLUMN user_state.last_id IS 'Newest id among the user''s events and alerts; the next one is greater. Null before the first.';
COMMENT ON COLUMN user_state.state   IS 'Run lengths, last amounts and the seconds of the windows: the state of package rules.';

CREATE FUNCTION copy_risk() RETURNS trigger LANGUAGE plpgsql AS $$
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
COMMENT ON FUNCTION copy_risk IS 'Trigger: keeps an account''s risk level where the intake of events reads it, in the same transaction.';

CREATE TRIGGER copy_risk AFTER INSERT OR UPDATE OR DELETE ON account FOR EACH ROW EXECUTE FUNCTION copy_risk();

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
    CONSTRAINT event_pkey                         PRIMARY KEY (user_id, id),
    CONSTRAINT event_user_id_in_range             CHECK (user_id BETWEEN 0 AND 9007199254740991),
    CONSTRAINT event_type_deposit_or_withdraw     CHECK (type IN ('deposit', 'withdraw')),
    CONSTRAINT event_amount_more_than_0           CHECK (amount > 0 AND amount <> 'NaN'),
    CONSTRAINT event_time_in_range                CHECK (time BETWEEN 0 AND 9007199254740991),
    CONSTRAINT event_effective_time_not_before_time CHECK (effective_time >= time),
    CONSTRAINT event_risk_low_medium_or_high      CHECK (risk IN ('low', 'medium', 'high')),
    CONSTRAINT event_alert_id_with_codes          CHECK ((alert_id IS NULL) = (alert_codes = '{}'))
);

CREATE INDEX event_by_id ON event (id);
CREATE INDEX event_in_order ON event (xid, id);

COMMENT ON TABLE  event                IS 'A deposit or a withdrawal of a user, with what the rules found. Append-only.';
COMMENT ON COLUMN event.user_id        IS 'The user who put in or took out.';
COMMENT ON COLUMN event.id             IS 'Id of the event, a UUIDv7: ascending in the order of arrival.';
COMMENT ON COLUMN event.type           IS 'deposit or withdraw.';
COMMENT ON COLUMN event.amount         IS 'How much; more than 0.';
COMMENT ON COLUMN event.time           IS 'When it happened, in seconds since 1970, as the caller said.';
COMMENT ON COLUMN event.effective_time IS 'Time by which the windows of the rules count it: the largest time of the user so far.';
COMMENT ON COLUMN event.risk           IS 'Risk level of the user when it arrived.';
COMMENT ON COLUMN event.ruleset_id     IS 'The rules that judged it: see ruleset.';
COMMENT ON COLUMN event.facts          IS 'What each rule measured, by code: a length, a number of events, or an amount.';
COMMENT ON COLUMN event.alert_codes    IS 'Codes of the rules that fired, ascending; empty when none did.';
COMMENT ON COLUMN event.alert_id       IS 'The alert that it raised; null when it raised none.';
COMMENT ON COLUMN event.created_at     IS 'When it arrived.';
COMMENT ON COLUMN event.actor          IS 'Who recorded it.';
COMMENT ON COLUMN event.xid            IS 'Transaction that recorded it: whoever follows the ledger reads it in this order, up to the oldest transaction that still runs.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON event FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger();


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

CREATE INDEX alert_by_id ON alert (id);
CREATE INDEX alert_in_state ON alert (state, id);
CREATE INDEX alert_in_order ON alert (xid, id);

COMMENT ON TABLE  alert             IS 'What the rules found wrong with an event, and what people did about it.';
COMMENT ON COLUMN alert.user_id     IS 'The user whose event raised it.';
COMMENT ON COLUMN alert.id          IS 'Id of the alert, a UUIDv7: ascending in the order of arrival.';
COMMENT ON COLUMN alert.event_id    IS 'The event that raised it.';
COMMENT ON COLUMN alert.alert_codes IS 'Codes of the rules that fired, ascending.';
COMMENT ON COLUMN alert.time        IS 'When the event happened, in seconds since 1970.';
COMMENT ON COLUMN alert.risk        IS 'Risk level of the user when the event arrived.';
COMMENT ON COLUMN alert.ruleset_id  IS 'The rules that judged the event: see ruleset.';
COMMENT ON COLUMN alert.reasons     IS 'Why it was raised: for each code the rule''s version and settings, its limit at the user''s risk level, and what was measured.';
COMMENT ON COLUMN alert.state       IS 'open, acknowledged or closed.';
COMMENT ON COLUMN alert.assignee    IS 'Who looks after it.';
COMMENT ON COLUMN alert.note        IS 'What was found out.';
COMMENT ON COLUMN alert.disposition IS 'What it turned out to be: confirmed or false_positive; null while that is open.';
COMMENT ON COLUMN alert.created_at  IS 'When it was raised.';
COMMENT ON COLUMN alert.changed_at  IS 'When it was last changed.';
COMMENT ON COLUMN alert.actor       IS 'Who made this state of it.';
COMMENT ON COLUMN alert.xid         IS 'Transaction that made this state of it: see event.xid.';
COMMENT ON COLUMN alert.version     IS 'Counts the states of this row: 1, 2, 3, …';


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

CREATE INDEX alert_change_by_alert ON alert_change (alert_id, version);

COMMENT ON TABLE  alert_change            IS 'History of alerts: one row for each change of one. Append-only.';
COMMENT ON COLUMN alert_change.user_id    IS 'The user of the alert.';
COMMENT ON COLUMN alert_change.alert_id   IS 'The alert that was changed.';
COMMENT ON COLUMN alert_change.version    IS 'Version that the change made.';
COMMENT ON COLUMN alert_change.at         IS 'When the transaction that made the change began.';
COMMENT ON COLUMN alert_change.actor      IS 'Who did it: the API''s caller, or the database role of a change made by hand.';
COMMENT ON COLUMN alert_change.request_id IS 'X-Request-Id of the call that made the change; null for a change made by hand.';
COMMENT ON COLUMN alert_change.before     IS 'What people had made of it before: state, assignee, note, disposition.';
COMMENT ON COLUMN alert_change.after      IS 'What it is since.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON alert_change FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger();

-- stamp_alert() lets an alert go from open over acknowledged to closed, not back; what raised it stays as it is.
CREATE FUNCTION stamp_alert() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    life constant text[] := ARRAY['open', 'acknowledged', 'closed'];
BEGIN
    IF (NEW.user_id, NEW.id, NEW.event_id, NEW.alert_codes, NEW.time, NEW.risk, NEW.ruleset_id, NEW.reasons, NEW.created_at)
        IS DISTINCT FROM (OLD.user_id, OLD.id, OLD.event_id, OLD.alert_codes, OLD.time, OLD.risk, OLD.ruleset_id, OLD.reasons, OLD.created_at) THEN
        RAISE EXCEPTION 'what raised an alert stays as it is' USING ERRCODE = 'restrict_violation';
    END IF;
    IF array_position(life, NEW.state) < array_position(life, OLD.state) THEN
        RAISE EXCEPTION 'is % already; an alert goes from open over acknowledged to closed, not back', OLD.state USING ERRCODE = 'check_violation', COLUMN = 'state';
    END IF;
    NEW.version := OLD.version;
    NEW.changed_at := OLD.changed_at;
    NEW.actor := OLD.actor;
    NEW.xid := OLD.xid;
    IF NEW IS DISTINCT FROM OLD THEN
        NEW.version := OLD.version + 1;
        NEW.changed_at := now();
        NEW.actor := caller();
        NEW.xid := pg_current_xact_id()::text::bigint;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION stamp_alert IS 'Trigger: numbers the states of an alert and says who made them.';

CREATE FUNCTION record_alert_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO alert_change (user_id, alert_id, version, at, actor, request_id, before, after)
    VALUES (
        NEW.user_id,
        NEW.id,
        NEW.version,
        NEW.changed_at,
        NEW.actor,
        nullif(current_setting('labledger.request_id', true), ''),
        jsonb_build_object('state', OLD.state, 'assignee', OLD.assignee, 'note', OLD.note, 'disposition', OLD.disposition),
        jsonb_build_object('state', NEW.state, 'assignee', NEW.assignee, 'note', NEW.note, 'disposition', NEW.disposition)
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_alert_change IS 'Trigger: writes a changed alert to its history.';

CREATE TRIGGER stamp_alert BEFORE UPDATE ON alert FOR EACH ROW EXECUTE FUNCTION stamp_alert();
CREATE TRIGGER record_alert_change AFTER UPDATE ON alert FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION record_alert_change();
CREATE TRIGGER no_delete BEFORE DELETE OR TRUNCATE ON alert FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger();


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

CREATE INDEX idempotency_by_key ON idempotency (caller, key);
CREATE INDEX idempotency_by_age ON idempotency (created_at);

COMMENT ON TABLE  idempotency              IS 'Idempotency keys of the last days: a repeated request is answered from the events that the first one recorded.';
COMMENT ON COLUMN idempotency.user_id      IS 'The user of the event; of many, the one with the least number.';
COMMENT ON COLUMN idempotency.caller       IS 'Who sent the key; each caller has keys of its own.';
COMMENT ON COLUMN idempotency.key          IS 'The Idempotency-Key.';
COMMENT ON COLUMN idempotency.request_hash IS 'SHA-256 of path and body: the same key with another request is refused.';
COMMENT ON COLUMN idempotency.first_id     IS 'Id of the first event that was recorded.';
COMMENT ON COLUMN idempotency.last_id      IS 'Id of the last one; of many, all ids between are theirs.';
COMMENT ON COLUMN idempotency.created_at   IS 'When the request was answered first; that of its events.';

CREATE TRIGGER no_truncate BEFORE UPDATE OR TRUNCATE ON idempotency FOR EACH STATEMENT EXECUTE FUNCTION keep_ledger();


-- counted_events() are the events that a reason of an alert speaks of, newest last, at most the newest 1000 of them.
CREATE FUNCTION counted_events(event_of_user bigint, raising_event uuid, reason jsonb) RETURNS SETOF uuid LANGUAGE sql STABLE AS $$
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
              (SELECT id FROM event WHERE user_id = event_of_user AND id <= raising_event AND effective_time < (SELECT since FROM raising) ORDER BY id DESC LIMIT 1),
              '00000000-0000-0000-0000-000000000000'
          )
        ORDER BY id DESC
        LIMIT CASE
            WHEN reason ->> 'code' = '1100' THEN 1
            WHEN reason ->> 'code' IN ('30', '300') THEN least(ceil((reason ->> 'limit_at_risk')::numeric), 1000)::bigint
            ELSE 1000
        END
    )
    SELECT id FROM counted ORDER BY id
$$;
COMMENT ON FUNCTION counted_events IS 'Events that the reason of an alert counted, in the order of arrival, at most the newest 1000.';

-- explained() are the reasons of an alert, each with the events that it counted.
CREATE FUNCTION explained(alert) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT jsonb_agg(reason || jsonb_build_object('event_ids', ARRAY(SELECT counted_events($1.user_id, $1.event_id, reason))) ORDER BY nth)
    FROM jsonb_array_elements($1.reasons) WITH ORDINALITY AS each (reason, nth)
$$;
COMMENT ON FUNCTION explained IS 'Reasons of an alert with the ids of the events that each counted: SELECT alert.explained FROM alert.';


-- settle_history() as before, and for the ledger.
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
