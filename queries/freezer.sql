-- name: ListFreezers :many
-- Lists the freezers.
SELECT
    sqlc.embed(freezer),
    search_text(name) AS search
FROM freezer;

-- name: GetFreezer :one
-- Returns one freezer.
SELECT *
FROM freezer
WHERE id = @id::bigint;

-- name: CreateFreezer :one
-- Creates a freezer. The server assigns the ID.
INSERT INTO freezer (
    name,
    site_id,
    capacity
)
VALUES (
    @name::text,
    @site_id::bigint,
    sqlc.narg('capacity')::integer
)
RETURNING *;

-- name: UpsertFreezer :one
-- Creates or replaces the freezer with this ID.
INSERT INTO freezer (
    id,
    name,
    site_id,
    capacity
)
SELECT
    @id::bigint,
    @name::text,
    @site_id::bigint,
    sqlc.narg('capacity')::integer
WHERE coalesce(sqlc.narg('version')::bigint, 0) = 0
   OR EXISTS (SELECT FROM freezer WHERE id = @id)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    site_id = excluded.site_id,
    capacity = CASE WHEN 'capacity' = ANY (@given::text[]) THEN excluded.capacity ELSE freezer.capacity END
WHERE assert_version(freezer.version, sqlc.narg('version'))
RETURNING sqlc.embed(freezer), xmax = 0 AS created;

-- name: PatchFreezer :one
-- Changes the given fields of a freezer. The other fields keep their values.
UPDATE freezer SET
    name = CASE WHEN 'name' = ANY (@given::text[]) THEN @name::text ELSE name END,
    site_id = CASE WHEN 'site_id' = ANY (@given) THEN @site_id::bigint ELSE site_id END,
    capacity = CASE WHEN 'capacity' = ANY (@given) THEN sqlc.narg('capacity')::integer ELSE capacity END
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteFreezer :one
-- Deletes a freezer. If it holds containers or has stock-takes, the request fails with 409, unless cascade=true deletes
-- them as well.
WITH deleted_container AS (
    DELETE FROM container WHERE @cascade::boolean AND container.freezer_id = @id
)
DELETE FROM freezer
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND (@cascade::boolean OR assert_unreferenced(jsonb_build_object(
      'containers', (SELECT count(*) FROM container WHERE container.freezer_id = freezer.id),
      'stock-takes', (SELECT count(*) FROM stocktake WHERE stocktake.freezer_id = freezer.id)
  )))
RETURNING *;

-- name: ImportFreezers :one
-- Imports freezers. A line with an ID creates that freezer, or changes the fields of it that the line names. A line
-- without an ID creates a freezer.
WITH element AS (
    SELECT line, value
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT
        id,
        version,
        freezer.xmin = pg_current_xact_id()::xid AS written,
        to_jsonb(freezer) - 'version' AS stored
    FROM freezer
    WHERE id IN (SELECT (value ->> 'id')::bigint FROM element)
    ORDER BY id
    FOR UPDATE
), input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        merged ->> 'name' AS name,
        (merged ->> 'site_id')::bigint AS site_id,
        (merged ->> 'capacity')::integer AS capacity,
        (value ->> 'version')::bigint AS version,
        merged
    FROM element
    LEFT JOIN present ON present.id = (value ->> 'id')::bigint
    CROSS JOIN LATERAL (SELECT coalesce(stored, '{}') || value AS merged) AS row_of_line
), problem AS (
    SELECT line, 'id' AS field, 409 AS status, 'is already used by an earlier line' AS message
    FROM (
        SELECT line, id, row_number() OVER (PARTITION BY id ORDER BY line) AS nth
        FROM input
        WHERE id IS NOT NULL
    ) AS numbered
    LEFT JOIN present USING (id)
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
    LEFT JOIN present USING (id)
    WHERE input.version <> coalesce(present.version, 0)
    UNION ALL
    SELECT line, 'site_id', 400, format('there is no site %s', site_id)
    FROM input
    WHERE site_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM site WHERE site.id = input.site_id)
    UNION ALL
    SELECT line, field, 400, format('is missing, but needed to create freezer %s', id)
    FROM input
    CROSS JOIN unnest(ARRAY['name', 'site_id']) AS field
    WHERE id IS NOT NULL
      AND merged -> field IS NULL
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO freezer (name, site_id, capacity)
    SELECT name, site_id, capacity
    FROM valid
    CROSS JOIN advance_ids('freezer', ARRAY(SELECT valid.id FROM valid WHERE valid.id IS NOT NULL))
    WHERE id IS NULL
    ORDER BY line
    RETURNING true AS created
), inserted AS (
    INSERT INTO freezer (id, name, site_id, capacity)
    SELECT id, name, site_id, capacity
    FROM valid
    WHERE id IS NOT NULL
      AND id NOT IN (SELECT present.id FROM present)
    RETURNING true AS created
), updated AS (
    UPDATE freezer SET
        name = valid.name,
        site_id = valid.site_id,
        capacity = valid.capacity
    FROM valid
    WHERE freezer.id = valid.id
    RETURNING true AS updated
)
SELECT
    (
        SELECT (SELECT count(*) FROM created) + (SELECT count(*) FROM inserted)
    )::bigint AS created,
    (SELECT count(*) FROM updated) AS updated,
    (
        SELECT count(*)
        FROM valid
        JOIN present USING (id)
        CROSS JOIN jsonb_each(stored) AS field (name, value)
        WHERE field.value <> 'null'
          AND merged -> field.name = 'null'
    ) AS cleared,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(problem) ORDER BY problem.line), '[]')
        FROM problem
    )::jsonb AS problems;

-- name: ListFreezerChanges :many
-- Lists the history of a freezer, oldest change first. The history remains after the freezer is deleted.
SELECT *
FROM change
WHERE table_name = 'freezer'
  AND row_key = cast(@id::bigint AS text);
