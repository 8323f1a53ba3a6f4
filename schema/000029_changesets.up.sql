-- Change sets: all changes of one transaction, which is one request of the API or one transaction in psql.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

-- A change set has the ID of its first change. So the first changes alone list all change sets.
ALTER TABLE change ADD COLUMN changeset_id bigint;

-- Transactions of another cluster, from which the history was restored, have the transaction ID 0.
ALTER TABLE change DISABLE TRIGGER append_only;
UPDATE change SET changeset_id = numbered.first_id
FROM (
    SELECT
        id,
        min(id) OVER (PARTITION BY xid, CASE xid WHEN 0 THEN at END, CASE xid WHEN 0 THEN actor END) AS first_id
    FROM change
) AS numbered
WHERE change.id = numbered.id;
ALTER TABLE change ENABLE TRIGGER append_only;

-- The first change of a transaction calls this function after its ID has been drawn.
CREATE FUNCTION start_changeset() RETURNS bigint
LANGUAGE sql
RETURN set_config('labledger.changeset_id', lastval()::text, true)::bigint;
COMMENT ON FUNCTION start_changeset IS
    'Makes the ID that was last drawn for a change that of the change set of the transaction, and returns it.';

ALTER TABLE change
    ALTER COLUMN actor SET DEFAULT current_actor(),
    ALTER COLUMN request_id SET DEFAULT nullif(current_setting('labledger.request_id', true), ''),
    ALTER COLUMN message SET DEFAULT current_change_message(),
    ALTER COLUMN changeset_id SET DEFAULT
        coalesce(nullif(current_setting('labledger.changeset_id', true), '')::bigint, start_changeset()),
    ALTER COLUMN changeset_id SET NOT NULL;

COMMENT ON COLUMN change.changeset_id IS
    'ID of the change set, which is the ID of its first change. A change set has all changes of one transaction.';

CREATE INDEX change_changeset_id_id_idx ON change (changeset_id, id) INCLUDE (table_name, action);
-- IS TRUE makes the statistics count for Postgres. Without them it expects one of 200 changes to be a first one.
CREATE STATISTICS change_changeset_id_stats ON (id = changeset_id) FROM change;
CREATE INDEX change_id_idx ON change (id) WHERE (id = changeset_id) IS TRUE;
CREATE INDEX change_at_id_idx ON change (at, id) WHERE (id = changeset_id) IS TRUE;
CREATE INDEX change_actor_at_id_idx ON change (actor, at, id) WHERE (id = changeset_id) IS TRUE;
CREATE INDEX change_request_id_id_idx ON change (request_id, id) WHERE (id = changeset_id) IS TRUE;

DO $$
BEGIN
    IF to_regtype('gtrgm') IS NOT NULL THEN
        CREATE INDEX change_search_text_idx ON change USING gin (search_text(message) gin_trgm_ops)
            WHERE (id = changeset_id) IS TRUE;
    END IF;
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
    INSERT INTO change (table_name, row_key, action, before, after)
    VALUES (TG_TABLE_NAME, coalesce(after, before) ->> TG_ARGV[0], lower(TG_OP), before, after);
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
    INSERT INTO change (table_name, row_key, action, before, after)
    VALUES (TG_TABLE_NAME, coalesce(after, before) ->> 'account_id', lower(TG_OP), before, after);
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
    INSERT INTO change (table_name, row_key, action, before, after)
    VALUES (TG_TABLE_NAME, coalesce(after, before) ->> 'account_id', lower(TG_OP), before, after);
    RETURN NULL;
END
$$;
