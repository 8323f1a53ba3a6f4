-- Two headers of every write: Idempotency-Key, which makes a write safe to repeat, and X-Change-Message, which says why
-- a change was made.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;


-- Requests that record events have their keys in the table idempotency, which is distributed with the events.
CREATE TABLE idempotency_key (
    caller       text        NOT NULL DEFAULT current_actor(),
    key          text        NOT NULL,
    request_hash bytea       NOT NULL,
    status       integer     NOT NULL,
    headers      jsonb       NOT NULL,
    body         bytea       NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT idempotency_key_pkey PRIMARY KEY (caller, key),
    CONSTRAINT idempotency_key_key_1_to_255_characters   CHECK (length(key) BETWEEN 1 AND 255),
    CONSTRAINT idempotency_key_request_hash_of_32_bytes  CHECK (octet_length(request_hash) = 32),
    CONSTRAINT idempotency_key_status_of_a_success       CHECK (status BETWEEN 200 AND 299),
    CONSTRAINT idempotency_key_headers_an_object         CHECK (jsonb_typeof(headers) = 'object')
);

CREATE INDEX idempotency_key_created_at_idx ON idempotency_key (created_at);

COMMENT ON TABLE  idempotency_key              IS
    'Recent idempotency keys of writes other than events, with the responses that a repeated request gets.';
COMMENT ON COLUMN idempotency_key.caller       IS 'Caller who sent the key. Keys of different callers are independent.';
COMMENT ON COLUMN idempotency_key.key          IS 'Value of the header Idempotency-Key.';
COMMENT ON COLUMN idempotency_key.request_hash IS
    'SHA-256 of method, path, query string, some headers and body. A different request with the same key is rejected.';
COMMENT ON COLUMN idempotency_key.status       IS 'Status of the response.';
COMMENT ON COLUMN idempotency_key.headers      IS 'Headers of the response that are part of the repetition.';
COMMENT ON COLUMN idempotency_key.body         IS 'Body of the response.';
COMMENT ON COLUMN idempotency_key.created_at   IS 'Time of the request.';

CREATE TRIGGER no_update BEFORE UPDATE OR TRUNCATE ON idempotency_key
    FOR EACH STATEMENT EXECUTE FUNCTION reject_statement();


-- The lock is the same as that of LockKeys for events. It is taken before the tables are read: the statements after it
-- see what the transaction that held it before has committed.
CREATE FUNCTION claim_idempotency_key(claimed_key text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended(current_actor() || ' ' || claimed_key, 0)) THEN
        RAISE EXCEPTION 'a request with this idempotency key is in progress' USING ERRCODE = 'LL409';
    END IF;
    IF EXISTS (SELECT FROM idempotency_key WHERE caller = current_actor() AND key = claimed_key) THEN
        RAISE EXCEPTION 'the response for this idempotency key is stored' USING ERRCODE = 'LL200';
    END IF;
    IF EXISTS (SELECT FROM idempotency WHERE caller = current_actor() AND key = claimed_key) THEN
        RAISE EXCEPTION 'this idempotency key was used for events' USING ERRCODE = 'LL422';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION claim_idempotency_key IS
    'Returns true if the actor has not used an idempotency key, and reserves it until the transaction ends. Otherwise '
    'raises LL200 if a response is stored, LL409 if another transaction has reserved it, and LL422 if events have it.';


CREATE FUNCTION current_change_message() RETURNS text
LANGUAGE sql STABLE
RETURN nullif(btrim(current_setting('labledger.change_message', true)), '');
COMMENT ON FUNCTION current_change_message IS
    'Returns why the running transaction makes its changes: the header X-Change-Message, or what a psql session set '
    'with SET labledger.change_message. Null for no message.';

ALTER TABLE change
    ADD COLUMN message text,
    ADD CONSTRAINT change_message_at_most_200_characters CHECK (length(message) <= 200);
COMMENT ON COLUMN change.message IS 'Why the change was made, from the header X-Change-Message; null for no message.';

ALTER TABLE alert_change
    ADD COLUMN message text,
    ADD CONSTRAINT alert_change_message_at_most_200_characters CHECK (length(message) <= 200);
COMMENT ON COLUMN alert_change.message IS
    'Why the change was made, from the header X-Change-Message; null for no message.';

ALTER TABLE event_void
    ADD COLUMN message text,
    ALTER COLUMN message SET DEFAULT current_change_message(),
    ADD CONSTRAINT event_void_message_at_most_200_characters CHECK (length(message) <= 200);
COMMENT ON COLUMN event_void.message IS
    'The header X-Change-Message of the request; null for no message.';


CREATE OR REPLACE FUNCTION record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
BEGIN
    IF before = after THEN
        RETURN NULL;
    END IF;
    INSERT INTO change (actor, request_id, message, table_name, row_key, action, before, after)
    VALUES (
        current_actor(),
        nullif(current_setting('labledger.request_id', true), ''),
        current_change_message(),
        TG_TABLE_NAME,
        coalesce(after, before) ->> TG_ARGV[0],
        lower(TG_OP),
        before,
        after
    );
    RETURN NULL;
END
$$;


CREATE OR REPLACE FUNCTION record_credential() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    before jsonb := CASE
        WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('account_id', OLD.account_id, 'changed_at', OLD.changed_at)
    END;
    after  jsonb := CASE
        WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('account_id', NEW.account_id, 'changed_at', NEW.changed_at)
    END;
BEGIN
    INSERT INTO change (actor, request_id, message, table_name, row_key, action, before, after)
    VALUES (
        current_actor(),
        nullif(current_setting('labledger.request_id', true), ''),
        current_change_message(),
        TG_TABLE_NAME,
        coalesce(after, before) ->> 'account_id',
        lower(TG_OP),
        before,
        after
    );
    RETURN NULL;
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


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT SELECT, INSERT, DELETE ON idempotency_key TO labledger_server;
    END IF;
END
$$;
