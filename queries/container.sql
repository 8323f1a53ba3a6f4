-- name: ListContainers :many
-- Lists the containers.
SELECT
    sqlc.embed(container),
    search_text(
        coalesce(description, '') || coalesce(E'\n' || barcode, '') || coalesce(E'\n' || kind, '')
        || coalesce(E'\n' || type, '') || coalesce(E'\n' || owner, '') || coalesce(E'\n' || project, '')
    ) AS search
FROM container;

-- name: GetContainer :one
-- Returns one container.
SELECT *
FROM container
WHERE uuid = @uuid::uuid;

-- name: CreateContainer :one
-- Creates a container. The server assigns the ID, and the UUID unless one is given. A container in another one lies in
-- the freezer of that one.
INSERT INTO container (
    uuid,
    description,
    freezer_id,
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
    position
)
VALUES (
    coalesce(sqlc.narg('uuid')::uuid, gen_random_uuid()),
    sqlc.narg('description')::text,
    sqlc.narg('freezer_id')::bigint,
    sqlc.narg('barcode')::text,
    sqlc.narg('kind')::text,
    sqlc.narg('type')::text,
    sqlc.narg('owner')::text,
    sqlc.narg('project')::text,
    sqlc.narg('quantity')::numeric,
    sqlc.narg('unit')::text,
    sqlc.narg('expires_on')::date,
    coalesce(sqlc.narg('thaw_count')::integer, 0),
    sqlc.narg('rows')::integer,
    sqlc.narg('columns')::integer,
    sqlc.narg('scheme')::text,
    sqlc.narg('blocked')::text,
    sqlc.narg('capacity')::integer,
    sqlc.narg('parent_uuid')::uuid,
    sqlc.narg('position')::text
)
RETURNING *;

-- name: UpsertContainer :one
-- Creates or replaces the container with this UUID. The ID of an existing container cannot be changed. A container that
-- gets another freezer leaves the container it lies in.
INSERT INTO container (
    id,
    uuid,
    description,
    freezer_id,
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
    position
)
SELECT
    coalesce(sqlc.narg('id')::bigint, nextval('container_id_seq')),
    @uuid::uuid,
    sqlc.narg('description')::text,
    sqlc.narg('freezer_id')::bigint,
    sqlc.narg('barcode')::text,
    sqlc.narg('kind')::text,
    sqlc.narg('type')::text,
    sqlc.narg('owner')::text,
    sqlc.narg('project')::text,
    sqlc.narg('quantity')::numeric,
    sqlc.narg('unit')::text,
    sqlc.narg('expires_on')::date,
    coalesce(sqlc.narg('thaw_count')::integer, 0),
    sqlc.narg('rows')::integer,
    sqlc.narg('columns')::integer,
    sqlc.narg('scheme')::text,
    sqlc.narg('blocked')::text,
    sqlc.narg('capacity')::integer,
    CASE WHEN 'parent_uuid' = ANY (@given::text[]) THEN sqlc.narg('parent_uuid')::uuid ELSE present.parent_uuid END,
    CASE WHEN 'position' = ANY (@given) THEN sqlc.narg('position')::text ELSE present.position END
FROM ( -- ON CONFLICT knows one unique key of the UUID: without a lock, concurrent requests can violate the other
    SELECT pg_advisory_xact_lock(hashtextextended(cast(@uuid::uuid AS text), 24))
) AS one_row
LEFT JOIN container AS present ON present.uuid = @uuid
    AND (present.freezer_id = sqlc.narg('freezer_id') OR sqlc.narg('freezer_id') IS NULL)
WHERE coalesce(sqlc.narg('version')::bigint, 0) = 0
   OR EXISTS (SELECT FROM container WHERE uuid = @uuid)
ON CONFLICT (uuid) DO UPDATE SET
    description = excluded.description,
    freezer_id = excluded.freezer_id,
    barcode = CASE WHEN 'barcode' = ANY (@given) THEN excluded.barcode ELSE container.barcode END,
    kind = CASE WHEN 'kind' = ANY (@given) THEN excluded.kind ELSE container.kind END,
    type = CASE WHEN 'type' = ANY (@given) THEN excluded.type ELSE container.type END,
    owner = CASE WHEN 'owner' = ANY (@given) THEN excluded.owner ELSE container.owner END,
    project = CASE WHEN 'project' = ANY (@given) THEN excluded.project ELSE container.project END,
    quantity = CASE WHEN 'quantity' = ANY (@given) THEN excluded.quantity ELSE container.quantity END,
    unit = CASE WHEN 'unit' = ANY (@given) THEN excluded.unit ELSE container.unit END,
    expires_on = CASE WHEN 'expires_on' = ANY (@given) THEN excluded.expires_on ELSE container.expires_on END,
    thaw_count = CASE WHEN 'thaw_count' = ANY (@given) THEN excluded.thaw_count ELSE container.thaw_count END,
    rows = CASE WHEN 'rows' = ANY (@given) THEN excluded.rows ELSE container.rows END,
    columns = CASE WHEN 'columns' = ANY (@given) THEN excluded.columns ELSE container.columns END,
    scheme = CASE WHEN 'scheme' = ANY (@given) THEN excluded.scheme ELSE container.scheme END,
    blocked = CASE WHEN 'blocked' = ANY (@given) THEN excluded.blocked ELSE container.blocked END,
    capacity = CASE WHEN 'capacity' = ANY (@given) THEN excluded.capacity ELSE container.capacity END,
    parent_uuid = CASE WHEN 'parent_uuid' = ANY (@given) THEN excluded.parent_uuid ELSE container.parent_uuid END,
    position = CASE
        WHEN 'position' = ANY (@given) THEN excluded.position
        WHEN 'parent_uuid' = ANY (@given) AND excluded.parent_uuid IS DISTINCT FROM container.parent_uuid THEN NULL
        ELSE container.position
    END
WHERE assert_version(container.version, sqlc.narg('version'))
  AND assert_unchanged('id', container.id, sqlc.narg('id'))
RETURNING sqlc.embed(container), xmax = 0 AS created;

-- name: PatchContainer :one
-- Changes the given fields of a container. The other fields keep their values. What lies in the container moves with
-- it.
UPDATE container SET
    description = CASE
        WHEN 'description' = ANY (@given::text[]) THEN sqlc.narg('description')::text
        ELSE description
    END,
    freezer_id = CASE WHEN 'freezer_id' = ANY (@given) THEN @freezer_id::bigint ELSE freezer_id END,
    barcode = CASE WHEN 'barcode' = ANY (@given) THEN sqlc.narg('barcode')::text ELSE barcode END,
    kind = CASE WHEN 'kind' = ANY (@given) THEN sqlc.narg('kind')::text ELSE kind END,
    type = CASE WHEN 'type' = ANY (@given) THEN sqlc.narg('type')::text ELSE type END,
    owner = CASE WHEN 'owner' = ANY (@given) THEN sqlc.narg('owner')::text ELSE owner END,
    project = CASE WHEN 'project' = ANY (@given) THEN sqlc.narg('project')::text ELSE project END,
    quantity = CASE WHEN 'quantity' = ANY (@given) THEN sqlc.narg('quantity')::numeric ELSE quantity END,
    unit = CASE WHEN 'unit' = ANY (@given) THEN sqlc.narg('unit')::text ELSE unit END,
    expires_on = CASE WHEN 'expires_on' = ANY (@given) THEN sqlc.narg('expires_on')::date ELSE expires_on END,
    thaw_count = CASE WHEN 'thaw_count' = ANY (@given) THEN @thaw_count::integer ELSE thaw_count END,
    rows = CASE WHEN 'rows' = ANY (@given) THEN sqlc.narg('rows')::integer ELSE rows END,
    columns = CASE WHEN 'columns' = ANY (@given) THEN sqlc.narg('columns')::integer ELSE columns END,
    scheme = CASE WHEN 'scheme' = ANY (@given) THEN sqlc.narg('scheme')::text ELSE scheme END,
    blocked = CASE WHEN 'blocked' = ANY (@given) THEN sqlc.narg('blocked')::text ELSE blocked END,
    capacity = CASE WHEN 'capacity' = ANY (@given) THEN sqlc.narg('capacity')::integer ELSE capacity END,
    parent_uuid = CASE WHEN 'parent_uuid' = ANY (@given) THEN sqlc.narg('parent_uuid')::uuid ELSE parent_uuid END,
    position = CASE
        WHEN 'position' = ANY (@given) THEN sqlc.narg('position')::text
        WHEN 'parent_uuid' = ANY (@given) AND sqlc.narg('parent_uuid')::uuid IS DISTINCT FROM parent_uuid THEN NULL
        ELSE position
    END
WHERE uuid = @uuid::uuid
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND assert_unchanged('id', id, sqlc.narg('id')::bigint)
RETURNING *;

-- name: DeleteContainer :one
-- Deletes a container with its check-outs. If containers lie in it or if it is checked out, the request fails with 409,
-- unless cascade=true.
WITH RECURSIVE inside AS (
    SELECT container.uuid
    FROM container
    WHERE @cascade::boolean AND container.parent_uuid = @uuid
    UNION ALL
    SELECT container.uuid
    FROM container
    JOIN inside ON container.parent_uuid = inside.uuid
), deleted_content AS (
    DELETE FROM container WHERE container.uuid IN (SELECT inside.uuid FROM inside)
)
DELETE FROM container
WHERE container.uuid = @uuid::uuid
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND (@cascade::boolean OR assert_unreferenced(jsonb_build_object(
      'containers', (SELECT count(*) FROM container AS content WHERE content.parent_uuid = @uuid),
      'open check-outs', (SELECT count(*) FROM checkout WHERE container_uuid = @uuid AND returned_at IS NULL)
  )))
RETURNING *;

-- name: ImportContainers :one
-- Imports containers. A line with a UUID creates that container, or changes the fields of it that the line names.
-- A line without a UUID creates a container.
WITH element AS (
    SELECT line, value
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT
        uuid,
        id,
        version,
        container.xmin = pg_current_xact_id()::xid AS written,
        to_jsonb(container) - 'version' AS stored
    FROM container
    WHERE uuid IN (SELECT (value ->> 'uuid')::uuid FROM element)
    ORDER BY id
    FOR UPDATE
), input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        (value ->> 'uuid')::uuid AS uuid,
        merged ->> 'description' AS description,
        (merged ->> 'freezer_id')::bigint AS freezer_id,
        merged ->> 'barcode' AS barcode,
        merged ->> 'kind' AS kind,
        merged ->> 'type' AS type,
        merged ->> 'owner' AS owner,
        merged ->> 'project' AS project,
        (merged ->> 'quantity')::numeric AS quantity,
        merged ->> 'unit' AS unit,
        (merged ->> 'expires_on')::date AS expires_on,
        coalesce((merged ->> 'thaw_count')::integer, 0) AS thaw_count,
        (merged ->> 'rows')::integer AS rows,
        (merged ->> 'columns')::integer AS columns,
        merged ->> 'scheme' AS scheme,
        merged ->> 'blocked' AS blocked,
        (merged ->> 'capacity')::integer AS capacity,
        (merged ->> 'parent_uuid')::uuid AS parent_uuid,
        CASE
            WHEN value ? 'position' OR NOT value ? 'parent_uuid' THEN merged ->> 'position'
            WHEN value ->> 'parent_uuid' IS NOT DISTINCT FROM stored ->> 'parent_uuid' THEN merged ->> 'position'
        END AS position,
        (value ->> 'version')::bigint AS version,
        merged
    FROM element
    LEFT JOIN present ON present.uuid = (value ->> 'uuid')::uuid
    CROSS JOIN LATERAL (SELECT coalesce(stored, '{}') || value AS merged) AS row_of_line
), place AS (
    SELECT
        line,
        input.uuid,
        input.parent_uuid,
        input.position,
        coalesce(parent.freezer_id, earlier.freezer_id) AS freezer_id,
        coalesce(parent.layout, earlier.layout) AS layout,
        coalesce(total_positions(parent), earlier.capacity) AS capacity,
        cell.position_row,
        cell.position_column,
        stored ->> 'parent_uuid' IS DISTINCT FROM input.parent_uuid::text AS is_new_there
    FROM input
    LEFT JOIN present USING (uuid)
    LEFT JOIN container AS parent ON parent.uuid = input.parent_uuid
    LEFT JOIN (
        SELECT
            line AS earlier_line,
            uuid,
            freezer_id,
            grid_layout(rows, columns, coalesce(scheme, 'A1'), blocked) AS layout,
            coalesce(capacity, rows * columns - coalesce(cardinality(string_to_array(blocked, ',')), 0)) AS capacity
        FROM input
    ) AS earlier ON earlier.uuid = input.parent_uuid AND earlier_line < line AND parent.uuid IS NULL
    LEFT JOIN LATERAL parse_position(coalesce(parent.layout, earlier.layout), input.position) AS cell ON true
    WHERE input.parent_uuid IS NOT NULL
), inside AS (
    SELECT content.parent_uuid, count(*) AS total
    FROM container AS content
    WHERE content.parent_uuid IN (SELECT place.parent_uuid FROM place WHERE is_new_there AND capacity IS NOT NULL)
    GROUP BY content.parent_uuid
), problem AS (
    SELECT line, 'uuid' AS field, 409 AS status, 'is already used by an earlier line' AS message
    FROM (
        SELECT line, uuid, row_number() OVER (PARTITION BY uuid ORDER BY line) AS nth
        FROM input
        WHERE uuid IS NOT NULL
    ) AS numbered
    LEFT JOIN present USING (uuid)
    WHERE nth > 1 OR written
    UNION ALL
    SELECT
        line,
        'version',
        412,
        coalesce(
            'the row is at version ' || present.version,
            'there is no such row; leave the version out to create it'
        )
    FROM input
    LEFT JOIN present USING (uuid)
    WHERE input.version <> coalesce(present.version, 0)
    UNION ALL
    SELECT line, 'freezer_id', 400, format('there is no freezer %s', freezer_id)
    FROM input
    WHERE freezer_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM freezer WHERE freezer.id = input.freezer_id)
    UNION ALL
    SELECT line, 'id', 409, 'is already used by an earlier line'
    FROM (
        SELECT line, row_number() OVER (PARTITION BY id ORDER BY line) AS nth
        FROM input
        WHERE id IS NOT NULL
    ) AS numbered
    WHERE nth > 1
    UNION ALL
    SELECT
        line,
        'id',
        409,
        CASE
            WHEN container.xmin = pg_current_xact_id()::xid THEN 'is already used by an earlier line'
            ELSE format('belongs to container %s', container.uuid)
        END
    FROM input
    JOIN container USING (id)
    WHERE input.uuid IS DISTINCT FROM container.uuid
    UNION ALL
    SELECT line, 'id', 400, format('is %s and cannot be changed', present.id)
    FROM input
    JOIN present USING (uuid)
    WHERE input.id <> present.id
    UNION ALL
    SELECT line, 'freezer_id', 400, 'is missing, but needed for a container that lies in no other'
    FROM input
    WHERE freezer_id IS NULL
      AND parent_uuid IS NULL
    UNION ALL
    SELECT line, 'barcode', 409, 'is already used by an earlier line'
    FROM (
        SELECT line, row_number() OVER (PARTITION BY barcode ORDER BY line) AS nth
        FROM input
        WHERE barcode IS NOT NULL
    ) AS numbered
    WHERE nth > 1
    UNION ALL
    SELECT line, 'barcode', 409, format('belongs to container %s', container.uuid)
    FROM input
    JOIN container USING (barcode)
    WHERE input.uuid IS DISTINCT FROM container.uuid
    UNION ALL
    SELECT line, 'owner', 400, format('there is no user %s', owner)
    FROM input
    WHERE owner IS NOT NULL
      AND NOT EXISTS (SELECT FROM account WHERE account.username = input.owner)
    UNION ALL
    SELECT line, 'columns', 400, 'must be set together with rows'
    FROM input
    WHERE (rows IS NULL) <> (columns IS NULL)
    UNION ALL
    SELECT line, 'parent_uuid', 400, format('there is no container %s, also not in an earlier line', parent_uuid)
    FROM place
    WHERE layout IS NULL
    UNION ALL
    SELECT place.line, 'freezer_id', 400, format('must be %s, the freezer of the parent', place.freezer_id)
    FROM place
    JOIN element USING (line)
    WHERE place.freezer_id <> (value ->> 'freezer_id')::bigint
      AND value ? 'parent_uuid'
    UNION ALL
    SELECT line, 'position', 400, 'needs a parent with a grid'
    FROM input
    WHERE position IS NOT NULL
      AND parent_uuid IS NULL
    UNION ALL
    SELECT line, 'position', 400, CASE
        WHEN layout = '' THEN 'needs a parent with a grid'
        WHEN position_row IS NULL THEN 'must be from ' || position_range(layout)
        ELSE 'is blocked'
    END
    FROM place
    WHERE layout IS NOT NULL
      AND position IS NOT NULL
      AND (position_row IS NULL OR is_blocked(layout, position_label(layout, position_row, position_column)))
    UNION ALL
    SELECT line, 'position', 409, format('%s is taken by %s', place.position, container_name(occupant))
    FROM place
    JOIN container AS occupant USING (parent_uuid, position_row, position_column)
    WHERE place.uuid IS DISTINCT FROM occupant.uuid
    UNION ALL
    SELECT line, 'position', 409, 'is already used by an earlier line'
    FROM (
        SELECT
            line,
            row_number() OVER (PARTITION BY parent_uuid, position_row, position_column ORDER BY line) AS nth
        FROM place
        WHERE position_row IS NOT NULL
    ) AS numbered
    WHERE nth > 1
    UNION ALL
    SELECT line, 'parent_uuid', 409, format('is full: it holds at most %s containers', capacity)
    FROM (
        SELECT
            line,
            capacity,
            coalesce(inside.total, 0) + row_number() OVER (PARTITION BY parent_uuid ORDER BY line) AS nth
        FROM place
        LEFT JOIN inside USING (parent_uuid)
        WHERE is_new_there
    ) AS numbered
    WHERE nth > capacity
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO container (
        id, uuid,
        description, freezer_id, barcode, kind, type, owner, project, quantity, unit, expires_on,
        thaw_count, rows, columns, scheme, blocked, capacity, parent_uuid, position
    )
    SELECT
        coalesce(id, nextval('container_id_seq')), coalesce(uuid, gen_random_uuid()),
        description, freezer_id, barcode, kind, type, owner, project, quantity, unit, expires_on,
        thaw_count, rows, columns, scheme, blocked, capacity, parent_uuid, position
    FROM valid
    CROSS JOIN advance_ids('container', ARRAY(SELECT valid.id FROM valid WHERE valid.id IS NOT NULL))
    WHERE uuid IS NULL
       OR uuid NOT IN (SELECT present.uuid FROM present)
    ORDER BY line
    RETURNING true AS created
), updated AS (
    UPDATE container SET
        description = valid.description,
        freezer_id = valid.freezer_id,
        barcode = valid.barcode,
        kind = valid.kind,
        type = valid.type,
        owner = valid.owner,
        project = valid.project,
        quantity = valid.quantity,
        unit = valid.unit,
        expires_on = valid.expires_on,
        thaw_count = valid.thaw_count,
        rows = valid.rows,
        columns = valid.columns,
        scheme = valid.scheme,
        blocked = valid.blocked,
        capacity = valid.capacity,
        parent_uuid = valid.parent_uuid,
        position = valid.position
    FROM valid
    WHERE container.uuid = valid.uuid
    RETURNING true AS updated
)
SELECT
    (SELECT count(*) FROM created) AS created,
    (SELECT count(*) FROM updated) AS updated,
    (
        SELECT count(*)
        FROM valid
        JOIN present USING (uuid)
        CROSS JOIN jsonb_each(stored) AS field (name, value)
        WHERE field.value <> 'null'
          AND merged -> field.name = 'null'
    ) AS cleared,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(problem) ORDER BY problem.line, problem.field), '[]')
        FROM problem
    )::jsonb AS problems;

-- name: ListContainerChanges :many
-- Lists the history of a container, oldest change first. The history remains after the container is deleted.
SELECT *
FROM change
WHERE table_name = 'container'
  AND row_key = cast(@uuid::uuid AS text);
