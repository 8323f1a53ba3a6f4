-- Storage: containers lie in other containers, which may have a grid of positions. Constraints guarantee the places: no
-- two containers in one position, no position outside its grid, no cycle, and everything inside a container in the
-- freezer of that container.

-- A layout is the grid of a container in one text: rows, columns, scheme and blocked positions, such as "10x10 A1" or
-- "10x10 A1 C3,C4". It is empty without a grid. What lies in a container repeats the layout of the container, so that a
-- constraint of one row can compare its position with the grid. A foreign key keeps the copies equal.

CREATE FUNCTION grid_layout(rows integer, columns integer, scheme text, blocked text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
    rows::text || 'x' || columns::text || ' ' || scheme || coalesce(' ' || replace(blocked, ', ', ','), ''),
    ''
);
COMMENT ON FUNCTION grid_layout IS 'Returns the layout of a grid; empty without rows and columns.';

CREATE FUNCTION layout_rows(layout text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN nullif(split_part(layout, 'x', 1), '')::integer;
COMMENT ON FUNCTION layout_rows IS 'Returns the number of rows of a layout; null without a grid.';

CREATE FUNCTION layout_columns(layout text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN nullif(split_part(split_part(layout, ' ', 1), 'x', 2), '')::integer;
COMMENT ON FUNCTION layout_columns IS 'Returns the number of columns of a layout; null without a grid.';

-- Rows are named like the columns of a spreadsheet: A, B, …, Z, AA, AB, …
CREATE FUNCTION row_letters(position_row integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE WHEN position_row > 26 THEN chr(64 + (position_row - 1) / 26) ELSE '' END
    || chr(65 + (position_row - 1) % 26);
COMMENT ON FUNCTION row_letters IS 'Returns the letters of a row of a grid, from A to ZZ.';

CREATE FUNCTION position_label(layout text, position_row integer, position_column integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN CASE split_part(layout, ' ', 2)
    WHEN 'A1' THEN row_letters(position_row) || position_column::text
    WHEN '1-1' THEN position_row::text || '-' || position_column::text
    WHEN '1' THEN ((position_row - 1) * layout_columns(layout) + position_column)::text
END;
COMMENT ON FUNCTION position_label IS 'Returns the label of a position of a grid, such as B4; null without a grid.';

CREATE FUNCTION position_range(layout text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN position_label(layout, 1, 1) || ' to ' || position_label(layout, layout_rows(layout), layout_columns(layout));
COMMENT ON FUNCTION position_range IS 'Returns the first and the last position of a grid, such as A1 to J10.';

CREATE FUNCTION is_blocked(layout text, label text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN label = ANY (string_to_array(split_part(layout, ' ', 3), ','));
COMMENT ON FUNCTION is_blocked IS 'Reports whether a layout blocks a position.';

-- A label is accepted in any case, with leading zeros and with spaces around it.
CREATE FUNCTION parse_position(layout text, label text, OUT position_row integer, OUT position_column integer)
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE STRICT
AS $$
DECLARE
    part text[];
    nth  integer;
BEGIN
    CASE split_part(layout, ' ', 2)
        WHEN 'A1' THEN
            part := regexp_match(upper(label), '^\s*([A-Z]{1,2})0*([1-9][0-9]{0,2})\s*$');
            position_row := CASE WHEN length(part[1]) = 2 THEN (ascii(part[1]) - 64) * 26 ELSE 0 END
                + ascii(right(part[1], 1)) - 64;
            position_column := part[2]::integer;
        WHEN '1-1' THEN
            part := regexp_match(label, '^\s*0*([1-9][0-9]{0,2})\s*-\s*0*([1-9][0-9]{0,2})\s*$');
            position_row := part[1]::integer;
            position_column := part[2]::integer;
        WHEN '1' THEN
            part := regexp_match(label, '^\s*0*([1-9][0-9]{0,4})\s*$');
            nth := part[1]::integer - 1;
            position_row := nth / layout_columns(layout) + 1;
            position_column := nth % layout_columns(layout) + 1;
        ELSE
            RETURN;
    END CASE;
    IF position_row > layout_rows(layout) OR position_column > layout_columns(layout) THEN
        position_row := NULL;
        position_column := NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION parse_position IS
    'Returns the row and the column of a label; nulls if the grid has no such position.';

-- STRICT and ROWS keep the estimate of the planner small: with a large one, Postgres compiles the query for seconds.
CREATE FUNCTION list_positions(layout text)
RETURNS TABLE (position_row integer, position_column integer, label text, blocked boolean)
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT ROWS 100
AS $$
    SELECT r, c, position_label($1, r, c), is_blocked($1, position_label($1, r, c))
    FROM generate_series(1, layout_rows($1)) AS r, generate_series(1, layout_columns($1)) AS c
    ORDER BY r, c
$$;
COMMENT ON FUNCTION list_positions IS 'Lists the positions of a layout, row by row.';


ALTER TABLE freezer
    ADD COLUMN capacity integer,
    ADD CONSTRAINT freezer_capacity_from_1_to_100000 CHECK (capacity BETWEEN 1 AND 100000);

COMMENT ON COLUMN freezer.capacity IS
    'How many containers may lie directly in the freezer, such as its shelves; null for any number.';


-- Adding the columns rewrites no row, so that the existing rows keep their versions.
ALTER TABLE container
    ADD COLUMN barcode         text,
    ADD COLUMN kind            text,
    ADD COLUMN type            text,
    ADD COLUMN owner           text,
    ADD COLUMN project         text,
    ADD COLUMN quantity        numeric,
    ADD COLUMN unit            text,
    ADD COLUMN expires_on      date,
    ADD COLUMN thaw_count      integer  NOT NULL DEFAULT 0,
    ADD COLUMN rows            integer,
    ADD COLUMN columns         integer,
    ADD COLUMN scheme          text,
    ADD COLUMN blocked         text,
    ADD COLUMN capacity        integer,
    ADD COLUMN parent_uuid     uuid,
    ADD COLUMN position        text,
    ADD COLUMN position_row    integer,
    ADD COLUMN position_column integer,
    ADD COLUMN parent_depth    integer,
    ADD COLUMN parent_layout   text,
    ADD COLUMN depth           integer  NOT NULL DEFAULT 0,
    ADD COLUMN layout          text     NOT NULL DEFAULT '',
    ADD COLUMN status          text     NOT NULL DEFAULT 'stored',
    ADD COLUMN status_reason   text;

ALTER TABLE container
    ADD CONSTRAINT container_barcode_unique                   UNIQUE (barcode),
    ADD CONSTRAINT container_barcode_not_blank                CHECK (barcode ~ '[^[:space:]]'),
    ADD CONSTRAINT container_barcode_at_most_200_characters   CHECK (length(barcode) <= 200),
    ADD CONSTRAINT container_kind_not_blank                   CHECK (kind ~ '[^[:space:]]'),
    ADD CONSTRAINT container_kind_at_most_100_characters      CHECK (length(kind) <= 100),
    ADD CONSTRAINT container_type_not_blank                   CHECK (type ~ '[^[:space:]]'),
    ADD CONSTRAINT container_type_at_most_100_characters      CHECK (length(type) <= 100),
    ADD CONSTRAINT container_owner_fkey                       FOREIGN KEY (owner) REFERENCES account (username)
        ON UPDATE CASCADE ON DELETE SET NULL,
    ADD CONSTRAINT container_project_not_blank                CHECK (project ~ '[^[:space:]]'),
    ADD CONSTRAINT container_project_at_most_100_characters   CHECK (length(project) <= 100),
    ADD CONSTRAINT container_quantity_from_0_to_1e12          CHECK (quantity BETWEEN 0 AND 1e12),
    ADD CONSTRAINT container_unit_not_blank                   CHECK (unit ~ '[^[:space:]]'),
    ADD CONSTRAINT container_unit_at_most_20_characters       CHECK (length(unit) <= 20),
    ADD CONSTRAINT container_thaw_count_from_0_to_10000       CHECK (thaw_count BETWEEN 0 AND 10000),
    ADD CONSTRAINT container_rows_from_1_to_100               CHECK (rows BETWEEN 1 AND 100),
    ADD CONSTRAINT container_columns_from_1_to_100            CHECK (columns BETWEEN 1 AND 100),
    ADD CONSTRAINT container_columns_set_together_with_rows   CHECK ((rows IS NULL) = (columns IS NULL)),
    ADD CONSTRAINT container_scheme_one_of_the_known          CHECK (scheme IN ('A1', '1-1', '1')),
    ADD CONSTRAINT container_scheme_null_without_rows         CHECK ((rows IS NULL) = (scheme IS NULL)),
    ADD CONSTRAINT container_blocked_null_without_rows        CHECK (blocked IS NULL OR rows IS NOT NULL),
    ADD CONSTRAINT container_blocked_at_most_1000_characters  CHECK (length(blocked) <= 1000),
    ADD CONSTRAINT container_capacity_from_1_to_100000        CHECK (capacity BETWEEN 1 AND 100000),
    ADD CONSTRAINT container_capacity_null_with_rows          CHECK (capacity IS NULL OR rows IS NULL),
    ADD CONSTRAINT container_depth_one_more_than_parent_depth CHECK (depth = coalesce(parent_depth + 1, 0)),
    ADD CONSTRAINT container_depth_at_most_15                 CHECK (depth <= 15),
    ADD CONSTRAINT container_layout_from_the_grid             CHECK (
        layout = grid_layout(rows, columns, scheme, blocked)
    ),
    ADD CONSTRAINT container_parent_uuid_with_its_copies      CHECK (
        num_nulls(parent_uuid, parent_depth, parent_layout) IN (0, 3)
    ),
    ADD CONSTRAINT container_position_in_the_grid             CHECK (
        CASE
            WHEN position IS NULL THEN position_row IS NULL AND position_column IS NULL
            ELSE coalesce(
                position_row BETWEEN 1 AND layout_rows(parent_layout)
                AND position_column BETWEEN 1 AND layout_columns(parent_layout)
                AND position = position_label(parent_layout, position_row, position_column)
                AND NOT is_blocked(parent_layout, position),
                false
            )
        END
    ),
    ADD CONSTRAINT container_status_one_of_the_known          CHECK (
        status IN ('stored', 'checked_out', 'missing', 'discarded')
    ),
    ADD CONSTRAINT container_status_reason_at_most_1000_characters CHECK (length(status_reason) <= 1000),
    ADD CONSTRAINT container_parent_uuid_null_if_discarded    CHECK (status <> 'discarded' OR parent_uuid IS NULL),
    ADD CONSTRAINT container_place_unique                     UNIQUE (uuid, freezer_id, depth, layout),
    ADD CONSTRAINT container_position_unique                  UNIQUE (parent_uuid, position_row, position_column),
    ADD CONSTRAINT container_parent_uuid_fkey                 FOREIGN KEY (
        parent_uuid, freezer_id, parent_depth, parent_layout
    ) REFERENCES container (uuid, freezer_id, depth, layout) ON UPDATE CASCADE;

CREATE INDEX container_freezer_id_parent_uuid_idx ON container (freezer_id, parent_uuid)
    WHERE status <> 'discarded';
CREATE INDEX container_freezer_id_depth_uuid_idx ON container (freezer_id, depth, uuid)
    WHERE rows IS NOT NULL OR capacity IS NOT NULL;
CREATE INDEX container_status_id_idx ON container (status, id) WHERE status <> 'stored';
CREATE INDEX container_owner_id_idx ON container (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX container_expires_on_id_idx ON container (expires_on, id) WHERE expires_on IS NOT NULL;
CREATE INDEX container_type_id_idx ON container (left(type, 100) COLLATE natural_sort, id);
CREATE INDEX container_project_id_idx ON container (left(project, 100) COLLATE natural_sort, id);

COMMENT ON TABLE  container                 IS
    'A shelf, rack, box, plate or tube. It lies in a freezer directly or in another container.';
COMMENT ON COLUMN container.uuid            IS 'UUID of the container: its key in the API.';
COMMENT ON COLUMN container.freezer_id      IS
    'ID of the freezer that holds the container: that of the container it lies in, if there is one.';
COMMENT ON COLUMN container.barcode         IS
    'Barcode on the container, unique among containers, without spaces around it; null for none.';
COMMENT ON COLUMN container.kind            IS 'Kind of container, such as shelf, rack, drawer, box, plate or tube.';
COMMENT ON COLUMN container.type            IS 'Type of the contents, such as serum.';
COMMENT ON COLUMN container.owner           IS 'Username of the owner; becomes null if the user is deleted.';
COMMENT ON COLUMN container.project         IS 'Project that the contents belong to.';
COMMENT ON COLUMN container.quantity        IS 'Quantity of the contents.';
COMMENT ON COLUMN container.unit            IS 'Unit of the quantity, such as ml.';
COMMENT ON COLUMN container.expires_on      IS 'Day when the contents expire.';
COMMENT ON COLUMN container.thaw_count      IS 'How often the contents were thawed.';
COMMENT ON COLUMN container.rows            IS 'Number of rows of the grid; null without a grid.';
COMMENT ON COLUMN container.columns         IS 'Number of columns of the grid; null without a grid.';
COMMENT ON COLUMN container.scheme          IS
    'How positions are labelled: A1 (B4 is row 2, column 4), 1-1 (2-4) or 1 (numbers, row by row). A1 unless given; '
    'null without a grid.';
COMMENT ON COLUMN container.blocked         IS 'Positions that cannot be used, such as "C3, C4"; null for none.';
COMMENT ON COLUMN container.capacity        IS
    'How many containers may lie in one without a grid; null for any number.';
COMMENT ON COLUMN container.parent_uuid     IS
    'UUID of the container in which this container lies; null for one that lies in the freezer directly.';
COMMENT ON COLUMN container.position        IS 'Position in the grid of the parent, such as B4; null for none.';
COMMENT ON COLUMN container.position_row    IS 'Row of the position, from 1.';
COMMENT ON COLUMN container.position_column IS 'Column of the position, from 1.';
COMMENT ON COLUMN container.parent_depth    IS 'Depth of the parent: a copy.';
COMMENT ON COLUMN container.parent_layout   IS 'Layout of the parent: a copy.';
COMMENT ON COLUMN container.depth           IS 'Number of containers in which the container lies, one within another.';
COMMENT ON COLUMN container.layout          IS
    'The grid in one text: rows, columns, scheme and blocked positions; empty without a grid.';
COMMENT ON COLUMN container.status          IS
    'stored, checked_out, missing or discarded. A missing or checked-out container keeps its position; a discarded one '
    'lies nowhere, and freezer_id is where it was last.';
COMMENT ON COLUMN container.status_reason   IS 'Why the container is missing or discarded.';


CREATE FUNCTION container_name(container) RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(btrim($1.description), ''), $1.barcode, $1.uuid::text);
COMMENT ON FUNCTION container_name IS 'Returns what people call a container: its description, barcode or UUID.';


-- Sets what follows from the place of a container, and rejects a place that is taken, full or impossible. The
-- constraints guarantee the same; this function says why. It locks the parent, so that a conflict with another
-- transaction has the same message.
CREATE FUNCTION set_place() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    parent   container;
    occupant container;
    moved    constant boolean := TG_OP = 'INSERT' OR NEW.parent_uuid IS DISTINCT FROM OLD.parent_uuid;
BEGIN
    NEW.barcode := nullif(btrim(NEW.barcode, E' \t\r\n'), '');
    IF NEW.rows IS NULL THEN
        NEW.scheme := NULL;
    ELSE
        NEW.scheme := coalesce(NEW.scheme, 'A1');
    END IF;
    IF TG_OP = 'INSERT' OR (NEW.blocked, NEW.rows, NEW.columns, NEW.scheme) IS DISTINCT FROM
        (OLD.blocked, OLD.rows, OLD.columns, OLD.scheme) THEN
        NEW.blocked := normalize_blocked(NEW, OLD);
    END IF;
    NEW.layout := grid_layout(NEW.rows, NEW.columns, NEW.scheme, NEW.blocked);
    IF TG_OP = 'UPDATE' THEN
        PERFORM assert_contents_fit(OLD, NEW);
    END IF;

    -- A container that changes only its freezer leaves its parent, unless the parent is in that freezer: then the
    -- foreign key moves what lies in the parent.
    IF TG_OP = 'UPDATE' AND NOT moved AND NEW.parent_uuid IS NOT NULL AND NEW.freezer_id <> OLD.freezer_id THEN
        SELECT * INTO parent FROM container WHERE uuid = NEW.parent_uuid;
        IF parent.freezer_id <> NEW.freezer_id THEN
            NEW.parent_uuid := NULL;
        END IF;
    END IF;

    IF NEW.parent_uuid IS NULL THEN
        NEW.parent_depth := NULL;
        NEW.parent_layout := NULL;
        NEW.depth := 0;
        IF TG_OP = 'UPDATE' AND OLD.parent_uuid IS NOT NULL AND NEW.position IS NOT DISTINCT FROM OLD.position THEN
            NEW.position := NULL; -- it lies in no grid any more
        END IF;
        IF NEW.freezer_id IS NULL THEN
            RAISE EXCEPTION 'is required, unless the container lies in another one'
                USING ERRCODE = 'check_violation', COLUMN = 'freezer_id';
        END IF;
        IF NEW.position IS NOT NULL THEN
            RAISE EXCEPTION 'needs a parent with a grid' USING ERRCODE = 'check_violation', COLUMN = 'position';
        END IF;
        NEW.position_row := NULL;
        NEW.position_column := NULL;
        IF TG_OP = 'INSERT' OR OLD.parent_uuid IS NOT NULL OR NEW.freezer_id <> OLD.freezer_id THEN
            PERFORM assert_freezer_capacity(NEW);
        END IF;
        RETURN NEW;
    END IF;

    NEW.depth := NEW.parent_depth + 1;
    IF moved OR NEW.position IS DISTINCT FROM OLD.position
        OR (NEW.position_row, NEW.position_column) IS DISTINCT FROM (OLD.position_row, OLD.position_column) THEN
        SELECT * INTO parent FROM container WHERE uuid = NEW.parent_uuid FOR NO KEY UPDATE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'refers to no existing container'
                USING ERRCODE = 'check_violation', COLUMN = 'parent_uuid';
        END IF;
    ELSIF NEW.parent_layout IS NOT DISTINCT FROM OLD.parent_layout THEN
        RETURN NEW;
    END IF;

    IF moved THEN
        IF NEW.freezer_id IS NOT NULL AND NEW.freezer_id <> parent.freezer_id
            AND (TG_OP = 'INSERT' OR NEW.freezer_id <> OLD.freezer_id) THEN
            RAISE EXCEPTION 'must be %, the freezer of the parent', parent.freezer_id
                USING ERRCODE = 'check_violation', COLUMN = 'freezer_id';
        END IF;
        IF TG_OP = 'UPDATE' THEN
            PERFORM assert_no_cycle(NEW, parent);
            IF NEW.position IS NOT DISTINCT FROM OLD.position THEN
                IF parent.layout = '' THEN -- the position was one of the former parent
                    NEW.position := NULL;
                    NEW.position_row := NULL;
                    NEW.position_column := NULL;
                ELSIF (NEW.position_row, NEW.position_column) IS DISTINCT FROM
                    (OLD.position_row, OLD.position_column) THEN
                    NEW.position := NULL; -- row and column determine it
                END IF;
            ELSIF NEW.position IS NULL AND (NEW.position_row, NEW.position_column) IS NOT DISTINCT FROM
                (OLD.position_row, OLD.position_column) THEN
                NEW.position_row := NULL;
                NEW.position_column := NULL;
            END IF;
        END IF;
        NEW.freezer_id := parent.freezer_id;
        NEW.parent_depth := parent.depth;
        NEW.parent_layout := parent.layout;
        NEW.depth := parent.depth + 1;
        PERFORM assert_capacity(NEW, parent);
    END IF;

    NEW := with_position(NEW, CASE WHEN TG_OP = 'UPDATE' AND NOT moved THEN OLD END);
    IF NEW.position IS NOT NULL AND parent.uuid IS NOT NULL THEN
        SELECT * INTO occupant
        FROM container
        WHERE parent_uuid = NEW.parent_uuid
          AND position_row = NEW.position_row
          AND position_column = NEW.position_column
          AND uuid <> NEW.uuid;
        IF FOUND THEN
            RAISE EXCEPTION '% of % is taken by %',
                NEW.position, container_name(parent), container_name(occupant)
                USING ERRCODE = 'unique_violation', COLUMN = 'position', DETAIL = occupant.uuid;
        END IF;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_place IS
    'Trigger function: sets what follows from the place of a container, and checks the place.';


-- with_position(container, former) derives the label from row and column, or row and column from the label, whichever
-- was changed. former is the same row before an update in the same parent.
CREATE FUNCTION with_position(placed container, former container) RETURNS container
LANGUAGE plpgsql
AS $$
DECLARE
    label_given constant boolean := placed.position IS DISTINCT FROM former.position;
    cell        record;
BEGIN
    IF label_given AND placed.position IS NULL OR NOT label_given AND placed.position_row IS NULL THEN
        placed.position := NULL;
        placed.position_row := NULL;
        placed.position_column := NULL;
        RETURN placed;
    END IF;
    IF placed.parent_layout = '' THEN
        RAISE EXCEPTION 'needs a parent with a grid' USING ERRCODE = 'check_violation', COLUMN = 'position';
    END IF;
    IF label_given THEN
        cell := parse_position(placed.parent_layout, placed.position);
        placed.position_row := cell.position_row;
        placed.position_column := cell.position_column;
    END IF;
    IF (
        placed.position_row BETWEEN 1 AND layout_rows(placed.parent_layout)
        AND placed.position_column BETWEEN 1 AND layout_columns(placed.parent_layout)
    ) IS NOT TRUE THEN
        RAISE EXCEPTION 'must be from %', position_range(placed.parent_layout)
            USING ERRCODE = 'check_violation', COLUMN = 'position';
    END IF;
    placed.position := position_label(placed.parent_layout, placed.position_row, placed.position_column);
    IF is_blocked(placed.parent_layout, placed.position) THEN
        RAISE EXCEPTION '% is blocked', placed.position USING ERRCODE = 'check_violation', COLUMN = 'position';
    END IF;
    RETURN placed;
END
$$;
COMMENT ON FUNCTION with_position IS 'Returns a container with a position whose label, row and column agree.';


-- normalize_blocked(container, former) keeps the blocked positions under their labels of another scheme, if only the
-- scheme was changed. former is the same row before an update.
CREATE FUNCTION normalize_blocked(storage container, former container) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    grid  constant text := nullif(grid_layout(storage.rows, storage.columns, storage.scheme, NULL), '');
    wrong text;
BEGIN
    IF (storage.rows, storage.columns, storage.blocked) = (former.rows, former.columns, former.blocked) THEN
        RETURN (
            SELECT string_agg(
                position_label(grid, position_row, position_column), ', ' ORDER BY position_row, position_column
            )
            FROM list_positions(former.layout) AS cell
            WHERE cell.blocked
        );
    END IF;
    IF btrim(storage.blocked) = '' OR storage.blocked IS NULL THEN
        RETURN NULL;
    END IF;
    IF grid IS NULL THEN
        RAISE EXCEPTION 'needs rows and columns' USING ERRCODE = 'check_violation', COLUMN = 'blocked';
    END IF;
    wrong := (
        SELECT string_agg(btrim(label), ', ')
        FROM regexp_split_to_table(storage.blocked, ',') AS label
        WHERE (parse_position(grid, label)).position_row IS NULL
    );
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION 'must list positions of the grid, but it has no %', wrong
            USING ERRCODE = 'check_violation', COLUMN = 'blocked';
    END IF;
    RETURN (
        SELECT string_agg(position_label(grid, position_row, position_column), ', '
            ORDER BY position_row, position_column)
        FROM (
            SELECT DISTINCT cell.position_row, cell.position_column
            FROM regexp_split_to_table(storage.blocked, ',') AS label, parse_position(grid, label) AS cell
        ) AS ordered
    );
END
$$;
COMMENT ON FUNCTION normalize_blocked IS 'Returns the blocked positions of a container in order, without repetitions.';


CREATE FUNCTION assert_no_cycle(moved container, parent container) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    ancestor container := parent;
BEGIN
    LOOP
        IF ancestor.uuid = moved.uuid THEN
            RAISE EXCEPTION 'must not be the container itself or one inside it'
                USING ERRCODE = 'check_violation', COLUMN = 'parent_uuid';
        END IF;
        EXIT WHEN ancestor.parent_uuid IS NULL;
        SELECT * INTO ancestor FROM container WHERE uuid = ancestor.parent_uuid;
    END LOOP;
END
$$;
COMMENT ON FUNCTION assert_no_cycle IS 'Raises a check violation if a container would lie in itself.';


CREATE FUNCTION total_positions(storage container) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(
    $1.capacity,
    $1.rows * $1.columns - coalesce(cardinality(string_to_array($1.blocked, ',')), 0)
);
COMMENT ON FUNCTION total_positions IS 'Returns how many containers fit into a container; null for any number.';


-- A transaction with one snapshot for all of its statements does not see what another one has put into the container in
-- the meantime, although it waited for the lock of that transaction.
CREATE FUNCTION assert_read_committed() RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
        RAISE EXCEPTION 'a capacity can be checked only in a transaction that is READ COMMITTED'
            USING ERRCODE = 'feature_not_supported';
    END IF;
END
$$;
COMMENT ON FUNCTION assert_read_committed IS
    'Raises an error in a transaction whose snapshot is too old to count the contents of a container.';


CREATE FUNCTION assert_capacity(placed container, parent container) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF total_positions(parent) IS NULL THEN
        RETURN;
    END IF;
    PERFORM assert_read_committed();
    IF total_positions(parent) <= (
        SELECT count(*) FROM container WHERE parent_uuid = parent.uuid AND uuid <> placed.uuid
    ) THEN
        RAISE EXCEPTION 'is full: % holds at most % containers', container_name(parent), total_positions(parent)
            USING ERRCODE = 'unique_violation', COLUMN = 'parent_uuid';
    END IF;
END
$$;
COMMENT ON FUNCTION assert_capacity IS 'Raises a unique violation if a container is full.';


-- The lock of the key conflicts with a transaction that sets the first capacity of the freezer. Other transactions that
-- put containers into a freezer without a capacity do not wait. The statement after the lock sees the new capacity.
CREATE FUNCTION assert_freezer_capacity(placed container) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    holder freezer;
BEGIN
    PERFORM FROM freezer WHERE id = placed.freezer_id FOR KEY SHARE;
    SELECT * INTO holder FROM freezer WHERE id = placed.freezer_id;
    IF holder.capacity IS NULL THEN
        RETURN;
    END IF;
    PERFORM assert_read_committed();
    SELECT * INTO holder FROM freezer WHERE id = placed.freezer_id FOR NO KEY UPDATE;
    IF holder.capacity <= (
        SELECT count(*)
        FROM container
        WHERE freezer_id = placed.freezer_id AND parent_uuid IS NULL AND status <> 'discarded' AND uuid <> placed.uuid
    ) THEN
        RAISE EXCEPTION 'is full: % holds at most % containers directly', holder.name, holder.capacity
            USING ERRCODE = 'unique_violation', COLUMN = 'freezer_id';
    END IF;
END
$$;
COMMENT ON FUNCTION assert_freezer_capacity IS 'Raises a unique violation if a freezer is full.';


-- An update of the grid locks the row before this function runs, as each new content does.
CREATE FUNCTION assert_contents_fit(former container, changed container) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    content container;
BEGIN
    IF (former.rows, former.columns, former.blocked, former.capacity)
        IS NOT DISTINCT FROM (changed.rows, changed.columns, changed.blocked, changed.capacity) THEN
        RETURN;
    END IF;
    SELECT * INTO content
    FROM container
    WHERE parent_uuid = former.uuid
      AND position_row IS NOT NULL
      AND (
          changed.rows IS NULL
          OR position_row > changed.rows
          OR position_column > changed.columns
          OR position = ANY (string_to_array(changed.blocked, ', '))
      )
    ORDER BY position_row, position_column
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'would leave no position for %, which is at %', container_name(content), content.position
            USING ERRCODE = 'unique_violation',
                  COLUMN = CASE
                      WHEN changed.blocked IS DISTINCT FROM former.blocked
                          AND (former.rows, former.columns) IS NOT DISTINCT FROM (changed.rows, changed.columns)
                          THEN 'blocked'
                      ELSE 'rows'
                  END;
    END IF;
    IF total_positions(changed) IS NULL THEN
        RETURN;
    END IF;
    PERFORM assert_read_committed();
    IF total_positions(changed) < (SELECT count(*) FROM container WHERE parent_uuid = former.uuid) THEN
        RAISE EXCEPTION 'is less than the number of containers inside'
            USING ERRCODE = 'unique_violation',
                  COLUMN = CASE
                      WHEN changed.capacity IS DISTINCT FROM former.capacity AND changed.capacity IS NOT NULL
                          THEN 'capacity'
                      WHEN (changed.rows, changed.columns) IS DISTINCT FROM (former.rows, former.columns) THEN 'rows'
                      ELSE 'blocked'
                  END;
    END IF;
END
$$;
COMMENT ON FUNCTION assert_contents_fit IS
    'Raises a unique violation if the contents of a container do not fit its grid.';

CREATE TRIGGER set_place BEFORE INSERT OR UPDATE ON container
    FOR EACH ROW EXECUTE FUNCTION set_place();


-- A container that is created again continues the versions of the deleted one. If another transaction is deleting it,
-- its last version is known only when that transaction ends. This trigger runs between set_place, which may wait for
-- the parent, and set_version.
CREATE FUNCTION set_row_lock() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    PERFORM FROM container WHERE uuid = NEW.uuid FOR NO KEY UPDATE;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_row_lock IS 'Trigger function: locks the present row of a container that is to be inserted.';

CREATE TRIGGER set_row_lock BEFORE INSERT ON container
    FOR EACH ROW EXECUTE FUNCTION set_row_lock();


CREATE FUNCTION assert_freezer_fits() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF NEW.capacity IS NULL THEN
        RETURN NEW;
    END IF;
    PERFORM assert_read_committed();
    IF OLD.capacity IS NULL THEN -- transactions that saw no capacity did not lock more than the key
        PERFORM FROM freezer WHERE id = OLD.id FOR UPDATE;
    END IF;
    IF NEW.capacity < (
        SELECT count(*)
        FROM container
        WHERE freezer_id = NEW.id AND parent_uuid IS NULL AND status <> 'discarded'
    ) THEN
        RAISE EXCEPTION 'is less than the number of containers that lie directly in the freezer'
            USING ERRCODE = 'unique_violation', COLUMN = 'capacity';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION assert_freezer_fits IS 'Trigger function: rejects a capacity below what the freezer holds.';

CREATE TRIGGER assert_freezer_fits BEFORE UPDATE OF capacity ON freezer
    FOR EACH ROW WHEN (NEW.capacity IS DISTINCT FROM OLD.capacity) EXECUTE FUNCTION assert_freezer_fits();


DO $$
BEGIN
    IF to_regtype('gtrgm') IS NOT NULL THEN
        DROP INDEX container_search_text_idx;
        CREATE INDEX container_search_text_idx ON container USING gin (search_text(
            coalesce(description, '') || coalesce(E'\n' || barcode, '') || coalesce(E'\n' || kind, '')
            || coalesce(E'\n' || type, '') || coalesce(E'\n' || owner, '') || coalesce(E'\n' || project, '')
        ) gin_trgm_ops);
    END IF;
END
$$;


-- One row for each freezer and for each container with a grid or a capacity. The row of a freezer adds up those of its
-- containers and its own capacity. There is no CTE, because Postgres would read all of it for a single row.
CREATE VIEW occupancy AS
SELECT
    container.freezer_id,
    container.uuid AS container_uuid,
    inside.taken AS containers,
    total_positions(container)::bigint AS positions,
    inside.taken,
    (total_positions(container) - inside.taken)::bigint AS free
FROM container
CROSS JOIN LATERAL (
    SELECT count(*) AS taken
    FROM container AS content
    WHERE content.parent_uuid = container.uuid
) AS inside
WHERE container.rows IS NOT NULL OR container.capacity IS NOT NULL
UNION ALL
SELECT
    freezer.id,
    NULL::uuid,
    (SELECT count(*) FROM container WHERE container.freezer_id = freezer.id AND status <> 'discarded'),
    total.positions,
    total.taken,
    (total.positions - total.taken)::bigint
FROM freezer
CROSS JOIN LATERAL (
    SELECT
        (coalesce(freezer.capacity, 0) + coalesce(sum(total_positions(container)), 0))::bigint AS positions,
        (
            coalesce(sum((SELECT count(*) FROM container AS content WHERE content.parent_uuid = container.uuid)), 0)
            + CASE WHEN freezer.capacity IS NULL THEN 0 ELSE (
                SELECT count(*)
                FROM container
                WHERE container.freezer_id = freezer.id AND parent_uuid IS NULL AND status <> 'discarded'
            ) END
        )::bigint AS taken
    FROM container
    WHERE container.freezer_id = freezer.id
      AND (container.rows IS NOT NULL OR container.capacity IS NOT NULL)
) AS total;

COMMENT ON VIEW   occupancy                IS
    'How full freezers and containers are. The row of a freezer adds up its containers and its own capacity.';
COMMENT ON COLUMN occupancy.freezer_id     IS 'ID of the freezer.';
COMMENT ON COLUMN occupancy.container_uuid IS 'UUID of the container; null in the row of the freezer.';
COMMENT ON COLUMN occupancy.containers     IS
    'Number of containers inside: all of a freezer, or directly in a container.';
COMMENT ON COLUMN occupancy.positions      IS 'Number of positions that can be used.';
COMMENT ON COLUMN occupancy.taken          IS 'Number of positions that are taken.';
COMMENT ON COLUMN occupancy.free           IS 'Number of positions that are free.';


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT SELECT ON occupancy TO labledger_server;
    END IF;
END
$$;
