-- The register as it was at a time: sites, freezers, computers, containers, and the view of instruments.
--
-- The state at a time has the changes of the transactions that had begun by then. A change holds the row as it was
-- before, so that row was valid from the change before it up to this one. A row without a later change is
-- the present one.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

ALTER TABLE change ADD COLUMN before_since timestamptz;

COMMENT ON COLUMN change.before_since IS
    'Time since when the row of the register was as before: the latest time of its earlier changes; null for a new row '
    'and for other tables.';

-- An earlier change has the key that the row had before this change.
ALTER TABLE change DISABLE TRIGGER append_only;
UPDATE change SET before_since = coalesce(
    (
        SELECT max(earlier.at)
        FROM change AS earlier
        WHERE earlier.table_name = change.table_name
          AND earlier.row_key = change.before ->> CASE change.table_name WHEN 'container' THEN 'uuid' ELSE 'id' END
          AND earlier.id < change.id
    ),
    '-infinity'
)
WHERE table_name IN ('site', 'freezer', 'computer', 'container')
  AND before IS NOT NULL;
ALTER TABLE change ENABLE TRIGGER append_only;

-- An UPDATE leaves the history twice as long until VACUUM, so the indexes are built after it. The column at lets
-- Postgres find the first change after a time in the index.
DROP INDEX change_table_name_row_key_id_idx;
CREATE INDEX change_table_name_row_key_id_at_idx ON change (table_name, row_key, id, at);
CREATE INDEX change_table_name_at_idx ON change (table_name, at)
    WHERE table_name IN ('site', 'freezer', 'computer', 'container');

-- These indexes hold no new rows, so imports do not pay for them.
CREATE INDEX change_table_name_before_id_before_since_at_idx
    ON change (table_name, ((before ->> 'id')::bigint), before_since, at)
    WHERE before IS NOT NULL AND table_name IN ('site', 'freezer', 'computer', 'container');
CREATE INDEX change_before_uuid_before_since_at_idx ON change (((before ->> 'uuid')::uuid), before_since, at)
    WHERE before IS NOT NULL AND table_name = 'container';
CREATE INDEX change_before_freezer_id_before_id_before_since_at_idx
    ON change (((before ->> 'freezer_id')::bigint), ((before ->> 'id')::bigint), before_since, at)
    WHERE before IS NOT NULL AND table_name = 'container';
CREATE INDEX change_before_parent_uuid_before_since_at_idx
    ON change (((before ->> 'parent_uuid')::uuid), before_since, at)
    WHERE (before ->> 'parent_uuid')::uuid IS NOT NULL AND table_name = 'container';


-- The range of one key has the order of the index, so that Postgres does not read the history backwards instead.
-- The collation is that of the index; names such as TG_TABLE_NAME have another one. Sequential scans are off as in
-- set_version.
CREATE FUNCTION last_changed_at(noun text, key text) RETURNS timestamptz
LANGUAGE plpgsql SET enable_seqscan = off
AS $$
BEGIN
    RETURN (
        SELECT greatest(at, before_since)
        FROM change
        WHERE table_name = noun COLLATE "default"
          AND row_key BETWEEN (key COLLATE "default") AND (key COLLATE "default")
        ORDER BY row_key DESC, id DESC
        LIMIT 1
    );
END
$$;
COMMENT ON FUNCTION last_changed_at IS 'Returns the latest time of the changes of a row; null if it has none.';

CREATE OR REPLACE FUNCTION record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END;
    after  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END;
    since  timestamptz;
BEGIN
    IF before = after THEN
        RETURN NULL;
    END IF;
    -- The first version of a row has no earlier changes.
    IF TG_TABLE_NAME IN ('site', 'freezer', 'computer', 'container')
        AND (before IS NOT NULL OR after ->> 'version' <> '1') THEN
        since := coalesce(last_changed_at(TG_TABLE_NAME, coalesce(before, after) ->> TG_ARGV[0]), '-infinity');
    END IF;
    INSERT INTO change (table_name, row_key, action, before, after, before_since)
    VALUES (TG_TABLE_NAME, coalesce(after, before) ->> TG_ARGV[0], lower(TG_OP), before, after, since);
    RETURN NULL;
END
$$;


-- Postgres inlines these functions into the statement that calls them, so that its conditions can use indexes. Older
-- history has only the columns of its time: for the others, a row has their defaults.

CREATE FUNCTION site_unchanged_since(as_of timestamptz) RETURNS SETOF site
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT *
    FROM site
    WHERE NOT EXISTS (
        SELECT
        FROM change
        WHERE change.table_name = 'site'
          AND change.row_key = site.id::text
          AND change.at > $1
    )
$$;
COMMENT ON FUNCTION site_unchanged_since IS
    'Returns the sites that have not changed since a time: as they were then, and still are.';

CREATE FUNCTION site_changed_since(as_of timestamptz) RETURNS SETOF site
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        (before ->> 'id')::bigint,
        before ->> 'name',
        before ->> 'contact',
        before ->> 'address',
        before ->> 'state_or_region',
        before ->> 'country',
        before ->> 'postcode_or_zip',
        (before ->> 'version')::bigint
    FROM change
    WHERE table_name = 'site'
      AND before IS NOT NULL
      AND before_since <= $1
      AND at > $1
$$;
COMMENT ON FUNCTION site_changed_since IS 'Returns the sites that have changed since a time, as they were then.';

CREATE FUNCTION site_as_of(as_of timestamptz) RETURNS SETOF site
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT * FROM site_unchanged_since($1)
    UNION ALL
    SELECT * FROM site_changed_since($1)
$$;
COMMENT ON FUNCTION site_as_of IS 'Returns the sites as they were at a time.';

CREATE FUNCTION freezer_unchanged_since(as_of timestamptz) RETURNS SETOF freezer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT *
    FROM freezer
    WHERE NOT EXISTS (
        SELECT
        FROM change
        WHERE change.table_name = 'freezer'
          AND change.row_key = freezer.id::text
          AND change.at > $1
    )
$$;
COMMENT ON FUNCTION freezer_unchanged_since IS
    'Returns the freezers that have not changed since a time: as they were then, and still are.';

CREATE FUNCTION freezer_changed_since(as_of timestamptz) RETURNS SETOF freezer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        (before ->> 'id')::bigint,
        before ->> 'name',
        (before ->> 'site_id')::bigint,
        (before ->> 'version')::bigint,
        (before ->> 'capacity')::integer
    FROM change
    WHERE table_name = 'freezer'
      AND before IS NOT NULL
      AND before_since <= $1
      AND at > $1
$$;
COMMENT ON FUNCTION freezer_changed_since IS 'Returns the freezers that have changed since a time, as they were then.';

CREATE FUNCTION freezer_as_of(as_of timestamptz) RETURNS SETOF freezer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT * FROM freezer_unchanged_since($1)
    UNION ALL
    SELECT * FROM freezer_changed_since($1)
$$;
COMMENT ON FUNCTION freezer_as_of IS 'Returns the freezers as they were at a time.';

CREATE FUNCTION computer_unchanged_since(as_of timestamptz) RETURNS SETOF computer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT *
    FROM computer
    WHERE NOT EXISTS (
        SELECT
        FROM change
        WHERE change.table_name = 'computer'
          AND change.row_key = computer.id::text
          AND change.at > $1
    )
$$;
COMMENT ON FUNCTION computer_unchanged_since IS
    'Returns the computers that have not changed since a time: as they were then, and still are.';

CREATE FUNCTION computer_changed_since(as_of timestamptz) RETURNS SETOF computer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        (before ->> 'id')::bigint,
        before ->> 'name',
        (before ->> 'mac')::macaddr,
        (before ->> 'site_id')::bigint,
        (before ->> 'version')::bigint
    FROM change
    WHERE table_name = 'computer'
      AND before IS NOT NULL
      AND before_since <= $1
      AND at > $1
$$;
COMMENT ON FUNCTION computer_changed_since IS
    'Returns the computers that have changed since a time, as they were then.';

CREATE FUNCTION computer_as_of(as_of timestamptz) RETURNS SETOF computer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT * FROM computer_unchanged_since($1)
    UNION ALL
    SELECT * FROM computer_changed_since($1)
$$;
COMMENT ON FUNCTION computer_as_of IS 'Returns the computers as they were at a time.';

CREATE FUNCTION container_unchanged_since(as_of timestamptz) RETURNS SETOF container
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT *
    FROM container
    WHERE NOT EXISTS (
        SELECT
        FROM change
        WHERE change.table_name = 'container'
          AND change.row_key = container.uuid::text
          AND change.at > $1
    )
$$;
COMMENT ON FUNCTION container_unchanged_since IS
    'Returns the containers that have not changed since a time: as they were then, and still are.';

CREATE FUNCTION container_changed_since(as_of timestamptz) RETURNS SETOF container
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        (before ->> 'id')::bigint,
        (before ->> 'uuid')::uuid,
        before ->> 'description',
        (before ->> 'freezer_id')::bigint,
        (before ->> 'version')::bigint,
        before ->> 'barcode',
        before ->> 'kind',
        before ->> 'type',
        before ->> 'owner',
        before ->> 'project',
        (before ->> 'quantity')::numeric,
        before ->> 'unit',
        (before ->> 'expires_on')::date,
        coalesce((before ->> 'thaw_count')::integer, 0),
        (before ->> 'rows')::integer,
        (before ->> 'columns')::integer,
        before ->> 'scheme',
        before ->> 'blocked',
        (before ->> 'capacity')::integer,
        (before ->> 'parent_uuid')::uuid,
        before ->> 'position',
        (before ->> 'position_row')::integer,
        (before ->> 'position_column')::integer,
        (before ->> 'parent_depth')::integer,
        before ->> 'parent_layout',
        coalesce((before ->> 'depth')::integer, 0),
        coalesce(before ->> 'layout', ''),
        coalesce(before ->> 'status', 'stored'),
        before ->> 'status_reason',
        before ->> 'holder',
        (before ->> 'held_since')::timestamptz,
        (before ->> 'due_on')::date
    FROM change
    WHERE table_name = 'container'
      AND before IS NOT NULL
      AND before_since <= $1
      AND at > $1
$$;
COMMENT ON FUNCTION container_changed_since IS
    'Returns the containers that have changed since a time, as they were then.';

CREATE FUNCTION container_as_of(as_of timestamptz) RETURNS SETOF container
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT * FROM container_unchanged_since($1)
    UNION ALL
    SELECT * FROM container_changed_since($1)
$$;
COMMENT ON FUNCTION container_as_of IS 'Returns the containers as they were at a time.';

CREATE FUNCTION instrument_as_of(as_of timestamptz) RETURNS SETOF instrument
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT computer.site_id, site.name, computer.id, NULL::bigint, computer.name
    FROM computer_as_of($1) AS computer
    JOIN site_as_of($1) AS site ON site.id = computer.site_id
    UNION ALL
    SELECT freezer.site_id, site.name, NULL::bigint, freezer.id, freezer.name
    FROM freezer_as_of($1) AS freezer
    JOIN site_as_of($1) AS site ON site.id = freezer.site_id
$$;
COMMENT ON FUNCTION instrument_as_of IS 'Returns the instruments as they were at a time.';


-- The states of the past are no rows of the table, so they cannot be the argument of total_positions(container).
CREATE FUNCTION count_positions(rows integer, columns integer, blocked text, capacity integer) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(capacity, rows * columns - coalesce(cardinality(string_to_array(blocked, ',')), 0));
COMMENT ON FUNCTION count_positions IS
    'Returns how many containers fit into a container; null for any number.';

CREATE OR REPLACE FUNCTION total_positions(storage container) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN count_positions($1.rows, $1.columns, $1.blocked, $1.capacity)::integer;

CREATE FUNCTION free_positions(rows integer, columns integer, blocked text, capacity integer, taken bigint)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN count_positions(rows, columns, blocked, capacity) - taken;
COMMENT ON FUNCTION free_positions IS
    'Returns how many more containers fit into a container that holds taken ones; null for any number.';
