DROP VIEW occupancy;

DROP TRIGGER assert_freezer_fits ON freezer;
DROP FUNCTION assert_freezer_fits();
DROP TRIGGER set_row_lock ON container;
DROP FUNCTION set_row_lock();
DROP TRIGGER set_place ON container;
DROP FUNCTION set_place();
DROP FUNCTION assert_contents_fit(container, container);
DROP FUNCTION assert_freezer_capacity(container);
DROP FUNCTION assert_capacity(container, container);
DROP FUNCTION assert_read_committed();
DROP FUNCTION total_positions(container);
DROP FUNCTION assert_no_cycle(container, container);
DROP FUNCTION normalize_blocked(container, container);
DROP FUNCTION with_position(container, container);
DROP FUNCTION container_name(container);

DROP INDEX IF EXISTS container_search_text_idx;
ALTER TABLE container
    DROP CONSTRAINT container_parent_uuid_fkey,
    DROP COLUMN status_reason,
    DROP COLUMN status,
    DROP COLUMN depth,
    DROP COLUMN layout,
    DROP COLUMN parent_depth,
    DROP COLUMN parent_layout,
    DROP COLUMN position,
    DROP COLUMN position_row,
    DROP COLUMN position_column,
    DROP COLUMN parent_uuid,
    DROP COLUMN capacity,
    DROP COLUMN blocked,
    DROP COLUMN scheme,
    DROP COLUMN columns,
    DROP COLUMN rows,
    DROP COLUMN thaw_count,
    DROP COLUMN expires_on,
    DROP COLUMN unit,
    DROP COLUMN quantity,
    DROP COLUMN project,
    DROP COLUMN owner,
    DROP COLUMN type,
    DROP COLUMN kind,
    DROP COLUMN barcode;
ALTER TABLE freezer DROP COLUMN capacity;

DROP FUNCTION list_positions(text);
DROP FUNCTION parse_position(text, text);
DROP FUNCTION is_blocked(text, text);
DROP FUNCTION position_range(text);
DROP FUNCTION position_label(text, integer, integer);
DROP FUNCTION row_letters(integer);
DROP FUNCTION layout_columns(text);
DROP FUNCTION layout_rows(text);
DROP FUNCTION grid_layout(integer, integer, text, text);

DO $$
BEGIN
    IF to_regtype('gtrgm') IS NOT NULL THEN
        CREATE INDEX container_search_text_idx ON container USING gin (search_text(description) gin_trgm_ops);
    END IF;
END
$$;

COMMENT ON TABLE  container             IS 'A box, rack or tube with a UUID, stored in a freezer.';
COMMENT ON COLUMN container.uuid        IS 'UUID of the container: its barcode, and its key in the API.';
COMMENT ON COLUMN container.freezer_id  IS 'ID of the freezer that holds the container.';
