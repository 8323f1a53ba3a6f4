-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

DROP FUNCTION free_positions;
CREATE OR REPLACE FUNCTION total_positions(storage container) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
    $1.capacity,
    $1.rows * $1.columns - coalesce(cardinality(string_to_array($1.blocked, ',')), 0)
);
DROP FUNCTION count_positions;
DROP FUNCTION instrument_as_of;
DROP FUNCTION site_as_of;
DROP FUNCTION site_changed_since;
DROP FUNCTION site_unchanged_since;
DROP FUNCTION freezer_as_of;
DROP FUNCTION freezer_changed_since;
DROP FUNCTION freezer_unchanged_since;
DROP FUNCTION computer_as_of;
DROP FUNCTION computer_changed_since;
DROP FUNCTION computer_unchanged_since;
DROP FUNCTION container_as_of;
DROP FUNCTION container_changed_since;
DROP FUNCTION container_unchanged_since;

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

DROP FUNCTION last_changed_at;

DROP INDEX
    change_before_parent_uuid_before_since_at_idx,
    change_before_freezer_id_before_id_before_since_at_idx,
    change_before_uuid_before_since_at_idx,
    change_table_name_before_id_before_since_at_idx,
    change_table_name_at_idx,
    change_table_name_row_key_id_at_idx;
CREATE INDEX change_table_name_row_key_id_idx ON change (table_name, row_key, id);

ALTER TABLE change DROP COLUMN before_since;
