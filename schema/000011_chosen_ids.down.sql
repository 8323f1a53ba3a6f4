-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

DROP TRIGGER prepare_ids ON site;
DROP TRIGGER prepare_ids ON freezer;
DROP TRIGGER prepare_ids ON computer;
DROP TRIGGER prepare_ids ON container;
DROP TRIGGER prepare_ids ON account;
DROP TRIGGER prepare_ids ON todo;
DROP TRIGGER prepare_ids ON attachment;
DROP FUNCTION prepare_ids();
DROP FUNCTION return_ids(text, regclass, bigint);

CREATE FUNCTION reserve_id(of_table regclass, id bigint) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    ids       constant regclass := pg_get_serial_sequence(of_table::text, 'id');
    lock_name constant bigint   := 5006007000 + ids::oid::bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = of_table AND tgname = 'reserve_ids') THEN
        RAISE EXCEPTION 'clients cannot choose IDs in table %', of_table USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF id IS NULL OR id <= coalesce(pg_sequence_last_value(ids), 0) THEN
        RETURN;
    END IF;
    IF id > 4503599627370495 THEN
        RAISE EXCEPTION 'must be at most 4503599627370495' USING ERRCODE = 'check_violation', COLUMN = 'id';
    END IF;
    PERFORM pg_advisory_lock(lock_name);
    BEGIN
        PERFORM setval(ids, reserve_id.id) WHERE reserve_id.id > coalesce(pg_sequence_last_value(ids), 0);
    EXCEPTION WHEN query_canceled OR OTHERS THEN
        PERFORM pg_advisory_unlock(lock_name);
        RAISE;
    END;
    PERFORM pg_advisory_unlock(lock_name);
END
$$;
COMMENT ON FUNCTION reserve_id IS 'Advances the ID sequence of a table past an ID chosen by a client.';
REVOKE EXECUTE ON FUNCTION reserve_id FROM PUBLIC;

CREATE OR REPLACE FUNCTION reserve_ids() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
BEGIN
    PERFORM reserve_id(TG_RELID, (SELECT max(id) FROM inserted));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION reserve_ids IS 'Trigger function: reserves the IDs that a statement inserted.';

DROP FUNCTION advance_ids(regclass, bigint[]);
DROP FUNCTION pass_ids(regclass, bigint[]);
DROP FUNCTION last_id(regclass);
DROP FUNCTION greatest_id(text, bigint, bigint);
DROP INDEX change_table_name_before_id_idx;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT EXECUTE ON FUNCTION reserve_id(regclass, bigint) TO labledger_server;
    END IF;
END
$$;
