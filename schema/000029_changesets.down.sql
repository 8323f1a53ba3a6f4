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

CREATE OR REPLACE FUNCTION record_password_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    before jsonb := CASE
        WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('account_id', OLD.account_id, 'expires_at', OLD.expires_at)
    END;
    after  jsonb := CASE
        WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('account_id', NEW.account_id, 'expires_at', NEW.expires_at)
    END;
BEGIN
    IF TG_OP = 'DELETE' AND OLD.expires_at <= now() THEN
        RETURN NULL;
    END IF;
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

DROP STATISTICS change_changeset_id_stats;
ALTER TABLE change
    DROP COLUMN changeset_id,
    ALTER COLUMN actor DROP DEFAULT,
    ALTER COLUMN request_id DROP DEFAULT,
    ALTER COLUMN message DROP DEFAULT;
DROP FUNCTION start_changeset();
