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
DROP FUNCTION freezer_as_of;
DROP FUNCTION computer_as_of;
DROP FUNCTION container_as_of;

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

CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON site
    FOR EACH ROW EXECUTE FUNCTION set_version('id');
CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON freezer
    FOR EACH ROW EXECUTE FUNCTION set_version('id');
CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON computer
    FOR EACH ROW EXECUTE FUNCTION set_version('id');
CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON container
    FOR EACH ROW EXECUTE FUNCTION set_version('uuid');
DROP FUNCTION set_register_version;

DROP TABLE site_past;
DROP TABLE freezer_past;
DROP TABLE computer_past;
DROP TABLE container_past;
ALTER TABLE site DROP COLUMN since;
ALTER TABLE freezer DROP COLUMN since;
ALTER TABLE computer DROP COLUMN since;
ALTER TABLE container DROP COLUMN since;
