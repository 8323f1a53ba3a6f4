-- name: ListContainers :many
-- Lists the containers.
SELECT
    sqlc.embed(container),
    search_text(description) AS search
FROM container;

-- name: GetContainer :one
-- Returns one container.
SELECT *
FROM container
WHERE uuid = @uuid::uuid;

-- name: CreateContainer :one
-- Creates a container. The server assigns the ID, and the UUID unless one is given.
INSERT INTO container (
    uuid,
    description,
    freezer_id
)
VALUES (
    coalesce(sqlc.narg('uuid')::uuid, gen_random_uuid()),
    sqlc.narg('description')::text,
    @freezer_id::bigint
)
RETURNING *;

-- name: UpsertContainer :one
-- Creates or replaces the container with this UUID. The ID of an existing container cannot be changed.
INSERT INTO container (
    id,
    uuid,
    description,
    freezer_id
)
SELECT
    coalesce(sqlc.narg('id')::bigint, nextval('container_id_seq')),
    @uuid::uuid,
    sqlc.narg('description')::text,
    @freezer_id::bigint
WHERE coalesce(sqlc.narg('version')::bigint, 0) = 0
   OR EXISTS (SELECT FROM container WHERE uuid = @uuid)
ON CONFLICT (uuid) DO UPDATE SET
    description = excluded.description,
    freezer_id = excluded.freezer_id
WHERE assert_version(container.version, sqlc.narg('version'))
  AND assert_unchanged('id', container.id, sqlc.narg('id'))
RETURNING sqlc.embed(container), xmax = 0 AS created;

-- name: PatchContainer :one
-- Changes the given fields of a container. The other fields keep their values.
UPDATE container SET
    description = CASE
        WHEN 'description' = ANY (@given::text[]) THEN sqlc.narg('description')::text
        ELSE description
    END,
    freezer_id = CASE WHEN 'freezer_id' = ANY (@given) THEN @freezer_id::bigint ELSE freezer_id END
WHERE uuid = @uuid::uuid
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND assert_unchanged('id', id, sqlc.narg('id')::bigint)
RETURNING *;

-- name: DeleteContainer :one
-- Deletes a container.
DELETE FROM container
WHERE uuid = @uuid::uuid
  AND assert_version(version, sqlc.narg('version')::bigint)
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
        (value ->> 'version')::bigint AS version,
        merged
    FROM element
    LEFT JOIN present ON present.uuid = (value ->> 'uuid')::uuid
    CROSS JOIN LATERAL (SELECT coalesce(stored, '{}') || value AS merged) AS row_of_line
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
    SELECT line, field, 400, format('is missing, but needed to create container %s', uuid)
    FROM input
    CROSS JOIN unnest(ARRAY['freezer_id']) AS field
    WHERE uuid IS NOT NULL
      AND merged -> field IS NULL
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO container (id, description, freezer_id)
    SELECT coalesce(id, nextval('container_id_seq')), description, freezer_id
    FROM valid
    CROSS JOIN advance_ids('container', ARRAY(SELECT valid.id FROM valid WHERE valid.id IS NOT NULL))
    WHERE uuid IS NULL
    ORDER BY line
    RETURNING true AS created
), inserted AS (
    INSERT INTO container (id, uuid, description, freezer_id)
    SELECT coalesce(id, nextval('container_id_seq')), uuid, description, freezer_id
    FROM valid
    CROSS JOIN advance_ids('container', ARRAY(SELECT valid.id FROM valid WHERE valid.id IS NOT NULL))
    WHERE uuid IS NOT NULL
      AND uuid NOT IN (SELECT present.uuid FROM present)
    ORDER BY line
    RETURNING true AS created
), updated AS (
    UPDATE container SET
        description = valid.description,
        freezer_id = valid.freezer_id
    FROM valid
    WHERE container.uuid = valid.uuid
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
        JOIN present USING (uuid)
        CROSS JOIN jsonb_each(stored) AS field (name, value)
        WHERE field.value <> 'null'
          AND merged -> field.name = 'null'
    ) AS cleared,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(problem) ORDER BY problem.line), '[]')
        FROM problem
    )::jsonb AS problems;

-- name: ListContainerChanges :many
-- Lists the history of a container, oldest change first. The history remains after the container is deleted.
SELECT *
FROM change
WHERE table_name = 'container'
  AND row_key = cast(@uuid::uuid AS text);
