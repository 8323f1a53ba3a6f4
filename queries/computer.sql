-- name: ListComputers :many
-- Lists the computers.
SELECT
    sqlc.embed(computer),
    search_text(
        name || coalesce(E'\n' || mac::text || E'\n' || replace(mac::text, ':', ''), '')
    ) AS search
FROM computer;

-- name: GetComputer :one
-- Returns one computer.
SELECT *
FROM computer
WHERE id = @id::bigint;

-- name: CreateComputer :one
-- Creates a computer. The server assigns the ID.
INSERT INTO computer (
    name,
    mac,
    site_id
)
VALUES (
    @name::text,
    sqlc.narg('mac')::macaddr,
    @site_id::bigint
)
RETURNING *;

-- name: UpsertComputer :one
-- Creates or replaces the computer with this ID.
INSERT INTO computer (
    id,
    name,
    mac,
    site_id
)
SELECT
    @id::bigint,
    @name::text,
    sqlc.narg('mac')::macaddr,
    @site_id::bigint
WHERE coalesce(sqlc.narg('version')::bigint, 0) = 0
   OR EXISTS (SELECT FROM computer WHERE id = @id)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    mac = excluded.mac,
    site_id = excluded.site_id
WHERE assert_version(computer.version, sqlc.narg('version'))
RETURNING sqlc.embed(computer), xmax = 0 AS created;

-- name: PatchComputer :one
-- Changes the given fields of a computer. The other fields keep their values.
UPDATE computer SET
    name = CASE WHEN 'name' = ANY (@given::text[]) THEN @name::text ELSE name END,
    mac = CASE WHEN 'mac' = ANY (@given) THEN sqlc.narg('mac')::macaddr ELSE mac END,
    site_id = CASE WHEN 'site_id' = ANY (@given) THEN @site_id::bigint ELSE site_id END
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteComputer :one
-- Deletes a computer.
DELETE FROM computer
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ImportComputers :one
-- Imports computers. A line with an ID creates that computer, or changes the fields of it that the line names. A line
-- without an ID creates a computer.
WITH element AS (
    SELECT line, value
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT
        id,
        version,
        computer.xmin = pg_current_xact_id()::xid AS written,
        to_jsonb(computer) - 'version' AS stored
    FROM computer
    WHERE id IN (SELECT (value ->> 'id')::bigint FROM element)
    ORDER BY id
    FOR UPDATE
), input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        merged ->> 'name' AS name,
        (merged ->> 'mac')::macaddr AS mac,
        (merged ->> 'site_id')::bigint AS site_id,
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
    SELECT line, 'mac', 409, 'is already used by an earlier line'
    FROM (
        SELECT line, row_number() OVER (PARTITION BY mac ORDER BY line) AS nth
        FROM input
        WHERE mac IS NOT NULL
    ) AS numbered
    WHERE nth > 1
    UNION ALL
    SELECT
        line,
        'mac',
        409,
        CASE
            WHEN computer.xmin = pg_current_xact_id()::xid THEN 'is already used by an earlier line'
            ELSE format('belongs to computer %s', computer.id)
        END
    FROM input
    JOIN computer USING (mac)
    WHERE input.id IS DISTINCT FROM computer.id
    UNION ALL
    SELECT line, field, 400, format('is missing, but needed to create computer %s', id)
    FROM input
    CROSS JOIN unnest(ARRAY['name', 'site_id']) AS field
    WHERE id IS NOT NULL
      AND merged -> field IS NULL
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO computer (name, mac, site_id)
    SELECT name, mac, site_id
    FROM valid
    CROSS JOIN advance_ids('computer', ARRAY(SELECT valid.id FROM valid WHERE valid.id IS NOT NULL))
    WHERE id IS NULL
    ORDER BY line
    RETURNING true AS created
), inserted AS (
    INSERT INTO computer (id, name, mac, site_id)
    SELECT id, name, mac, site_id
    FROM valid
    WHERE id IS NOT NULL
      AND id NOT IN (SELECT present.id FROM present)
    RETURNING true AS created
), updated AS (
    UPDATE computer SET
        name = valid.name,
        mac = valid.mac,
        site_id = valid.site_id
    FROM valid
    WHERE computer.id = valid.id
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

-- name: ListComputerChanges :many
-- Lists the history of a computer, oldest change first. The history remains after the computer is deleted.
SELECT *
FROM change
WHERE table_name = 'computer'
  AND row_key = cast(@id::bigint AS text);
