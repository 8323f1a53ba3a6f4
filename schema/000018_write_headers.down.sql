-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

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
    INSERT INTO change (actor, request_id, table_name, row_key, action, before, after)
    VALUES (
        current_actor(),
        nullif(current_setting('labledger.request_id', true), ''),
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
    INSERT INTO change (actor, request_id, table_name, row_key, action, before, after)
    VALUES (
        current_actor(),
        nullif(current_setting('labledger.request_id', true), ''),
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

ALTER TABLE event_void DROP COLUMN message;
ALTER TABLE alert_change DROP COLUMN message;
ALTER TABLE change DROP COLUMN message;
DROP FUNCTION current_change_message();
DROP FUNCTION claim_idempotency_key(text);
DROP TABLE idempotency_key;
