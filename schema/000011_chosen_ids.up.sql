-- Sequences are not part of a transaction: what is rolled back has moved them all the same. So each transaction first
-- sets the sequence of a table back to the greatest ID that is or was stored, if no other transaction inserts into the
-- table. Inserting transactions hold an advisory lock in share mode until they end. No transaction waits for that lock
-- for longer than the sequence is being set, because the exclusive lock is only tried.
--
-- A chosen ID moves the sequence only if it is near, that is at most 50,000 above. So a chosen ID such as 20250101001
-- does not use up the IDs below it. When the sequence comes near a stored ID, the next insert moves it past that ID.
-- Transactions in flight draw fewer IDs than that: an import stores up to 5,000 rows with a statement.
--
-- A sequence is never set back below its MINVALUE. A recovery raises it above the IDs that were lost with their rows.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;


-- IDs of deleted rows are not used again.
CREATE INDEX change_table_name_before_id_idx ON change (table_name, (before -> 'id')) WHERE action = 'delete';

CREATE FUNCTION greatest_id(of_table text, above bigint, up_to bigint) RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    CASE of_table
        WHEN 'site' THEN
            RETURN (SELECT max(id) FROM site WHERE id > above AND id <= up_to);
        WHEN 'freezer' THEN
            RETURN (SELECT max(id) FROM freezer WHERE id > above AND id <= up_to);
        WHEN 'computer' THEN
            RETURN (SELECT max(id) FROM computer WHERE id > above AND id <= up_to);
        WHEN 'container' THEN
            RETURN (SELECT max(id) FROM container WHERE id > above AND id <= up_to);
        WHEN 'account' THEN
            RETURN (SELECT max(id) FROM account WHERE id > above AND id <= up_to);
        WHEN 'todo' THEN
            RETURN (SELECT max(id) FROM todo WHERE id > above AND id <= up_to);
        WHEN 'attachment' THEN
            RETURN (SELECT max(id) FROM attachment WHERE id > above AND id <= up_to);
    END CASE;
END
$$;
COMMENT ON FUNCTION greatest_id IS
    'Returns the greatest ID of the rows of a table above one ID and up to another, or null if there is none.';


CREATE FUNCTION last_id(ids regclass) RETURNS bigint
STABLE
RETURN coalesce(pg_sequence_last_value(ids), (SELECT seqmin - 1 FROM pg_sequence WHERE seqrelid = ids));
COMMENT ON FUNCTION last_id IS 'Returns the last ID that a sequence has assigned, or the one below its first.';


-- A block that ends with the error LL000 releases the advisory locks that it took: its rollback does that, also if the
-- statement is canceled in the middle. A session lock would remain in that case. setval is not rolled back.

CREATE FUNCTION pass_ids(ids regclass, chosen bigint[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    reach constant bigint := 50000;
    last  bigint := last_id(ids);
BEGIN
    IF NOT EXISTS (SELECT FROM unnest(chosen) AS id WHERE id > last AND id <= last + reach) THEN
        RETURN;
    END IF;
    BEGIN
        PERFORM pg_advisory_xact_lock(5006007000 + ids::oid::bigint);
        last := last_id(ids);
        PERFORM setval(ids, max(id)) FROM unnest(chosen) AS id WHERE id > last AND id <= last + reach HAVING count(*) > 0;
        RAISE EXCEPTION 'release the lock' USING ERRCODE = 'LL000';
    EXCEPTION
        WHEN SQLSTATE 'LL000' THEN
            NULL;
    END;
END
$$;
COMMENT ON FUNCTION pass_ids IS 'Advances an ID sequence past those of the given IDs that are near.';

-- The server calls this function because it has no right to set a sequence: that would let it set one back.
-- A chosen ID is at most 2^52 - 1. The other half of the integers that JSON represents exactly is left to the sequence.
CREATE FUNCTION advance_ids(of_table regclass, chosen bigint[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    ids  constant regclass := pg_get_serial_sequence(of_table::text, 'id');
    last constant bigint   := last_id(ids);
BEGIN
    IF NOT EXISTS (SELECT FROM pg_trigger WHERE tgrelid = of_table AND tgname = 'reserve_ids') THEN
        RAISE EXCEPTION 'clients cannot choose IDs in table %', of_table USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (SELECT max(id) FROM unnest(chosen) AS id) > greatest(last, 4503599627370495) THEN
        RAISE EXCEPTION 'must be at most 4503599627370495' USING ERRCODE = 'check_violation', COLUMN = 'id';
    END IF;
    PERFORM pass_ids(ids, chosen);
END
$$;
COMMENT ON FUNCTION advance_ids IS
    'Advances the ID sequence of a table past the chosen IDs that are at most 50,000 above it.';
REVOKE EXECUTE ON FUNCTION advance_ids FROM PUBLIC;

CREATE OR REPLACE FUNCTION reserve_ids() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    last constant bigint := last_id(pg_get_serial_sequence(TG_RELID::regclass::text, 'id'));
BEGIN
    PERFORM advance_ids(TG_RELID, ARRAY(SELECT id FROM inserted WHERE id > last));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION reserve_ids IS
    'Trigger function: advances the ID sequence past the IDs that a statement inserted, if they are at most 50,000 above.';


CREATE FUNCTION return_ids(of_table text, ids regclass, inserts bigint) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    lowest  constant bigint := (SELECT seqmin FROM pg_sequence WHERE seqrelid = ids);
    last    bigint := pg_sequence_last_value(ids);
    used    bigint;
    deleted bigint;
BEGIN
    -- At a higher isolation level, the snapshot may be too old to see the newest rows.
    IF last IS NULL
        OR greatest_id(of_table, last - 1, last) IS NOT NULL
        OR current_setting('transaction_isolation') <> 'read committed' THEN
        RETURN;
    END IF;
    BEGIN
        IF pg_try_advisory_xact_lock(inserts) THEN
            last := pg_sequence_last_value(ids);
            used := greatest_id(of_table, -1, last);
            -- A later statement, which also sees a row that was deleted since.
            deleted := (
                SELECT (before -> 'id')::bigint
                FROM change
                WHERE action = 'delete' AND table_name = of_table AND before -> 'id' <= to_jsonb(last)
                ORDER BY before -> 'id' DESC
                LIMIT 1
            );
            used := greatest(used, deleted, lowest - 1);
            IF used < last THEN
                PERFORM setval(ids, greatest(used, lowest), used >= lowest);
            END IF;
            RAISE EXCEPTION 'release the lock' USING ERRCODE = 'LL000';
        END IF;
    EXCEPTION
        WHEN SQLSTATE 'LL000' THEN
            NULL;
    END;
END
$$;
COMMENT ON FUNCTION return_ids IS
    'Sets an ID sequence back to the greatest ID that is or was stored, unless a transaction inserts into the table.';

-- prepare_ids runs before the statement draws IDs from the sequence. The setting marks the transaction that holds the
-- lock. If a savepoint is rolled back, Postgres resets the setting and releases the lock together.
CREATE FUNCTION prepare_ids() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_seqscan = off
AS $$
DECLARE
    ids     constant regclass := pg_get_serial_sequence(TG_RELID::regclass::text, 'id');
    inserts constant bigint   := 5006008000000 + TG_RELID::bigint;
    marker  constant text     := 'labledger.inserts_into_' || TG_TABLE_NAME;
    last    bigint;
    near    bigint;
BEGIN
    IF current_setting(marker, true) IS DISTINCT FROM 'true' THEN
        PERFORM return_ids(TG_TABLE_NAME, ids, inserts);
        PERFORM pg_advisory_xact_lock_shared(inserts);
        PERFORM set_config(marker, 'true', true);
    END IF;
    LOOP
        last := last_id(ids);
        near := greatest_id(TG_TABLE_NAME, last, last + 50000);
        EXIT WHEN near IS NULL;
        PERFORM pass_ids(ids, ARRAY[near]);
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION prepare_ids IS
    'Trigger function: sets the ID sequence to where the next IDs are free, before a statement inserts rows.';
REVOKE EXECUTE ON FUNCTION prepare_ids FROM PUBLIC;

CREATE TRIGGER prepare_ids BEFORE INSERT ON site
    FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids();
CREATE TRIGGER prepare_ids BEFORE INSERT ON freezer
    FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids();
CREATE TRIGGER prepare_ids BEFORE INSERT ON computer
    FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids();
CREATE TRIGGER prepare_ids BEFORE INSERT ON container
    FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids();
CREATE TRIGGER prepare_ids BEFORE INSERT ON account
    FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids();
CREATE TRIGGER prepare_ids BEFORE INSERT ON todo
    FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids();
CREATE TRIGGER prepare_ids BEFORE INSERT ON attachment
    FOR EACH STATEMENT EXECUTE FUNCTION prepare_ids();

DROP FUNCTION reserve_id(regclass, bigint);

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT EXECUTE ON FUNCTION advance_ids(regclass, bigint[]) TO labledger_server;
    END IF;
END
$$;
