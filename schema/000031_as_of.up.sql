-- The register as it was at a time: sites, freezers, computers, containers, and the view of instruments.
--
-- The state at a time has the changes of the transactions that had begun by then. Each row of the register has the time
-- since when it is as it is. A former version of a row is kept in columns, with the time until which it was valid, so
-- that reads of the past take about as long as those of the present. The history has the same versions.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

-- Postgres 17 adds no column with a default to a table whose row type a function takes.
ALTER TABLE site ADD COLUMN since timestamptz;
ALTER TABLE freezer ADD COLUMN since timestamptz;
ALTER TABLE computer ADD COLUMN since timestamptz;
ALTER TABLE container ADD COLUMN since timestamptz;

DO $$
DECLARE
    of_table text;
BEGIN
    FOREACH of_table IN ARRAY ARRAY['site', 'freezer', 'computer', 'container'] LOOP
        EXECUTE format('ALTER TABLE %I DISABLE TRIGGER USER', of_table);
        EXECUTE format(
            'UPDATE %1$I
            SET since = coalesce(
                (SELECT max(at) FROM change WHERE table_name = %1$L AND row_key = %1$I.%2$I::text),
                ''-infinity''
            )',
            of_table, history_key(of_table)
        );
        EXECUTE format('ALTER TABLE %I ENABLE TRIGGER USER', of_table);
    END LOOP;
END
$$;

ALTER TABLE site ALTER COLUMN since SET DEFAULT '-infinity', ALTER COLUMN since SET NOT NULL;
ALTER TABLE freezer ALTER COLUMN since SET DEFAULT '-infinity', ALTER COLUMN since SET NOT NULL;
ALTER TABLE computer ALTER COLUMN since SET DEFAULT '-infinity', ALTER COLUMN since SET NOT NULL;
ALTER TABLE container ALTER COLUMN since SET DEFAULT '-infinity', ALTER COLUMN since SET NOT NULL;

COMMENT ON COLUMN site.since      IS
    'Time since when the row is as it is: that of its last change; -infinity for a row from before the history.';
COMMENT ON COLUMN freezer.since   IS
    'Time since when the row is as it is: that of its last change; -infinity for a row from before the history.';
COMMENT ON COLUMN computer.since  IS
    'Time since when the row is as it is: that of its last change; -infinity for a row from before the history.';
COMMENT ON COLUMN container.since IS
    'Time since when the row is as it is: that of its last change; -infinity for a row from before the history.';

CREATE TABLE site_past (
    until timestamptz NOT NULL,
    LIKE site INCLUDING COMMENTS,
    CONSTRAINT site_past_until_not_before_since CHECK (until >= since)
);

COMMENT ON TABLE  site_past       IS 'Former versions of the sites, also of deleted ones. Append-only.';
COMMENT ON COLUMN site_past.until IS 'Time until which the row was as it is here.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON site_past
    FOR EACH STATEMENT EXECUTE FUNCTION reject_statement();

CREATE TABLE freezer_past (
    until timestamptz NOT NULL,
    LIKE freezer INCLUDING COMMENTS,
    CONSTRAINT freezer_past_until_not_before_since CHECK (until >= since)
);

COMMENT ON TABLE  freezer_past       IS 'Former versions of the freezers, also of deleted ones. Append-only.';
COMMENT ON COLUMN freezer_past.until IS 'Time until which the row was as it is here.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON freezer_past
    FOR EACH STATEMENT EXECUTE FUNCTION reject_statement();

CREATE TABLE computer_past (
    until timestamptz NOT NULL,
    LIKE computer INCLUDING COMMENTS,
    CONSTRAINT computer_past_until_not_before_since CHECK (until >= since)
);

COMMENT ON TABLE  computer_past       IS 'Former versions of the computers, also of deleted ones. Append-only.';
COMMENT ON COLUMN computer_past.until IS 'Time until which the row was as it is here.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON computer_past
    FOR EACH STATEMENT EXECUTE FUNCTION reject_statement();

CREATE TABLE container_past (
    until timestamptz NOT NULL,
    LIKE container INCLUDING COMMENTS,
    CONSTRAINT container_past_until_not_before_since CHECK (until >= since)
);

COMMENT ON TABLE  container_past       IS 'Former versions of the containers, also of deleted ones. Append-only.';
COMMENT ON COLUMN container_past.until IS 'Time until which the row was as it is here.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON container_past
    FOR EACH STATEMENT EXECUTE FUNCTION reject_statement();


-- The versions before this migration. An earlier change has the key that the row had before a change. Older history has
-- only the columns of its time: for the others, a row has their defaults.
DO $$
BEGIN
    CREATE TEMPORARY TABLE former AS
    SELECT change.table_name, change.before, greatest(at, since) AS until, since
    FROM change
    CROSS JOIN LATERAL (
        SELECT coalesce(max(earlier.at), '-infinity') AS since
        FROM change AS earlier
        WHERE earlier.table_name = change.table_name
          AND earlier.row_key = change.before ->> CASE change.table_name WHEN 'container' THEN 'uuid' ELSE 'id' END
          AND earlier.id < change.id
    ) AS earlier
    WHERE table_name IN ('site', 'freezer', 'computer', 'container')
      AND before IS NOT NULL;

    INSERT INTO site_past
    SELECT
        until,
        (before ->> 'id')::bigint,
        before ->> 'name',
        before ->> 'contact',
        before ->> 'address',
        before ->> 'state_or_region',
        before ->> 'country',
        before ->> 'postcode_or_zip',
        (before ->> 'version')::bigint,
        since
    FROM former
    WHERE table_name = 'site';

    INSERT INTO freezer_past
    SELECT
        until,
        (before ->> 'id')::bigint,
        before ->> 'name',
        (before ->> 'site_id')::bigint,
        (before ->> 'version')::bigint,
        (before ->> 'capacity')::integer,
        since
    FROM former
    WHERE table_name = 'freezer';

    INSERT INTO computer_past
    SELECT
        until,
        (before ->> 'id')::bigint,
        before ->> 'name',
        (before ->> 'mac')::macaddr,
        (before ->> 'site_id')::bigint,
        (before ->> 'version')::bigint,
        since
    FROM former
    WHERE table_name = 'computer';

    INSERT INTO container_past
    SELECT
        until,
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
        (before ->> 'due_on')::date,
        since
    FROM former
    WHERE table_name = 'container';

    DROP TABLE former;
END
$$;

CREATE INDEX site_past_until_idx ON site_past (until);
CREATE INDEX site_past_id_since_until_idx ON site_past (id, since, until);
CREATE INDEX freezer_past_until_idx ON freezer_past (until);
CREATE INDEX freezer_past_id_since_until_idx ON freezer_past (id, since, until);
CREATE INDEX computer_past_until_idx ON computer_past (until);
CREATE INDEX computer_past_id_since_until_idx ON computer_past (id, since, until);
CREATE INDEX container_past_until_idx ON container_past (until);
CREATE INDEX container_past_id_since_until_idx ON container_past (id, since, until);
CREATE INDEX container_past_uuid_since_until_idx ON container_past (uuid, since, until);
CREATE INDEX container_past_freezer_id_id_since_until_idx ON container_past (freezer_id, id, since, until)
    INCLUDE (parent_uuid, status); -- for the map of a freezer
CREATE INDEX container_past_freezer_id_since_until_idx ON container_past (freezer_id, since, until)
    WHERE rows IS NOT NULL OR capacity IS NOT NULL;
CREATE INDEX container_past_parent_uuid_since_until_idx ON container_past (parent_uuid, since, until)
    WHERE parent_uuid IS NOT NULL;


-- As set_version, for the tables of the register. A row that is created again begins after its former versions.
CREATE FUNCTION set_register_version() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off
AS $$
DECLARE
    former_version bigint;
    former_until   timestamptz;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.version := OLD.version;
        NEW.since := OLD.since;
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.version := OLD.version + 1;
            NEW.since := greatest(now(), OLD.since);
        END IF;
        RETURN NEW;
    END IF;
    CASE TG_TABLE_NAME
    WHEN 'site' THEN
        SELECT max(version), max(until) INTO former_version, former_until
        FROM site_past
        WHERE id = NEW.id;
    WHEN 'freezer' THEN
        SELECT max(version), max(until) INTO former_version, former_until
        FROM freezer_past
        WHERE id = NEW.id;
    WHEN 'computer' THEN
        SELECT max(version), max(until) INTO former_version, former_until
        FROM computer_past
        WHERE id = NEW.id;
    WHEN 'container' THEN
        SELECT max(version), max(until) INTO former_version, former_until
        FROM container_past
        WHERE uuid = NEW.uuid;
    END CASE;
    NEW.version := coalesce(former_version, 0) + 1;
    NEW.since := greatest(now(), former_until);
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_register_version IS
    'Trigger function: sets the version of a row of the register, and since when it is as it is.';

CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON site
    FOR EACH ROW EXECUTE FUNCTION set_register_version();
CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON freezer
    FOR EACH ROW EXECUTE FUNCTION set_register_version();
CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON computer
    FOR EACH ROW EXECUTE FUNCTION set_register_version();
CREATE OR REPLACE TRIGGER set_version BEFORE INSERT OR UPDATE ON container
    FOR EACH ROW EXECUTE FUNCTION set_register_version();

CREATE OR REPLACE FUNCTION record_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    before jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) - 'since' END;
    after  jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) - 'since' END;
    until  timestamptz;
BEGIN
    IF before = after THEN
        RETURN NULL;
    END IF;
    INSERT INTO change (table_name, row_key, action, before, after)
    VALUES (TG_TABLE_NAME, coalesce(after, before) ->> TG_ARGV[0], lower(TG_OP), before, after);
    IF before IS NOT NULL AND TG_TABLE_NAME IN ('site', 'freezer', 'computer', 'container') THEN
        until := CASE TG_OP WHEN 'DELETE' THEN greatest(now(), OLD.since) ELSE NEW.since END;
        CASE TG_TABLE_NAME
        WHEN 'site'      THEN INSERT INTO site_past      SELECT until, OLD.*;
        WHEN 'freezer'   THEN INSERT INTO freezer_past   SELECT until, OLD.*;
        WHEN 'computer'  THEN INSERT INTO computer_past  SELECT until, OLD.*;
        WHEN 'container' THEN INSERT INTO container_past SELECT until, OLD.*;
        END CASE;
    END IF;
    RETURN NULL;
END
$$;


-- Postgres inlines these functions into the statement that reads them, so that its conditions can use indexes. It would
-- not do so with conditions within the UNION.

CREATE FUNCTION site_as_of(as_of timestamptz) RETURNS SETOF site
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        id,
        name,
        contact,
        address,
        state_or_region,
        country,
        postcode_or_zip,
        version,
        since
    FROM (
        SELECT
            'infinity'::timestamptz AS until,
            site.*
        FROM site
        UNION ALL
        SELECT *
        FROM site_past
    ) AS version
    WHERE since <= $1
      AND until > $1
$$;
COMMENT ON FUNCTION site_as_of IS 'Returns the sites as they were at a time.';

CREATE FUNCTION freezer_as_of(as_of timestamptz) RETURNS SETOF freezer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        id,
        name,
        site_id,
        version,
        capacity,
        since
    FROM (
        SELECT
            'infinity'::timestamptz AS until,
            freezer.*
        FROM freezer
        UNION ALL
        SELECT *
        FROM freezer_past
    ) AS version
    WHERE since <= $1
      AND until > $1
$$;
COMMENT ON FUNCTION freezer_as_of IS 'Returns the freezers as they were at a time.';

CREATE FUNCTION computer_as_of(as_of timestamptz) RETURNS SETOF computer
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        id,
        name,
        mac,
        site_id,
        version,
        since
    FROM (
        SELECT
            'infinity'::timestamptz AS until,
            computer.*
        FROM computer
        UNION ALL
        SELECT *
        FROM computer_past
    ) AS version
    WHERE since <= $1
      AND until > $1
$$;
COMMENT ON FUNCTION computer_as_of IS 'Returns the computers as they were at a time.';

CREATE FUNCTION container_as_of(as_of timestamptz) RETURNS SETOF container
LANGUAGE sql STABLE PARALLEL SAFE
AS $$
    SELECT
        id,
        uuid,
        description,
        freezer_id,
        version,
        barcode,
        kind,
        type,
        owner,
        project,
        quantity,
        unit,
        expires_on,
        thaw_count,
        rows,
        columns,
        scheme,
        blocked,
        capacity,
        parent_uuid,
        position,
        position_row,
        position_column,
        parent_depth,
        parent_layout,
        depth,
        layout,
        status,
        status_reason,
        holder,
        held_since,
        due_on,
        since
    FROM (
        SELECT
            'infinity'::timestamptz AS until,
            container.*
        FROM container
        UNION ALL
        SELECT *
        FROM container_past
    ) AS version
    WHERE since <= $1
      AND until > $1
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


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT SELECT ON site_past, freezer_past, computer_past, container_past TO labledger_server;
    END IF;
END
$$;
