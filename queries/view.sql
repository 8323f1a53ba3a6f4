-- name: ListViews :many
-- Lists the shared views and those of the caller. Admins see all views.
SELECT *
FROM view
WHERE shared
   OR @caller_role::text = 'admin'
   OR owner = (SELECT username FROM account WHERE account.id = @caller_id::bigint);

-- name: GetView :one
-- Returns one view. A view that is not shared exists only for its owner and admins.
SELECT *
FROM view
WHERE id = @id::bigint
  AND (
          shared
          OR @caller_role::text = 'admin'
          OR owner = (SELECT username FROM account WHERE account.id = @caller_id::bigint)
      );

-- name: CreateView :one
-- Creates a view of the caller. The server assigns the ID. By default, the view is not shared.
INSERT INTO view (
    name,
    noun,
    query,
    shared
)
VALUES (
    @name::text,
    @noun::text,
    @query::text,
    coalesce(sqlc.narg('shared')::boolean, false)
)
RETURNING *;

-- name: UpdateView :one
-- Replaces a view. Only its owner and admins may do so.
UPDATE view SET
    name = @name::text,
    noun = @noun::text,
    query = @query::text,
    shared = @shared::boolean
WHERE id = @id::bigint
  AND (
          shared
          OR @caller_role::text = 'admin'
          OR owner = (SELECT username FROM account WHERE account.id = @caller_id::bigint)
      )
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: PatchView :one
-- Changes the given fields of a view. The other fields keep their values. Only its owner and admins may do so.
UPDATE view SET
    name = CASE WHEN 'name' = ANY (@given::text[]) THEN @name::text ELSE name END,
    noun = CASE WHEN 'noun' = ANY (@given) THEN @noun::text ELSE noun END,
    query = CASE WHEN 'query' = ANY (@given) THEN @query::text ELSE query END,
    shared = CASE WHEN 'shared' = ANY (@given) THEN @shared::boolean ELSE shared END
WHERE id = @id::bigint
  AND (
          shared
          OR @caller_role::text = 'admin'
          OR owner = (SELECT username FROM account WHERE account.id = @caller_id::bigint)
      )
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteView :one
-- Deletes a view. Its ID is never reused. Only its owner and admins may do so.
DELETE FROM view
WHERE id = @id::bigint
  AND (
          shared
          OR @caller_role::text = 'admin'
          OR owner = (SELECT username FROM account WHERE account.id = @caller_id::bigint)
      )
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ImportViews :one
-- Imports views. A line with an ID changes the fields that it names of that view; a line without an ID creates a view.
WITH element AS (
    SELECT line, value
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT
        id,
        version,
        owner,
        view.xmin = pg_current_xact_id()::xid AS written,
        to_jsonb(view) - 'version' AS stored
    FROM view
    WHERE id IN (SELECT (value ->> 'id')::bigint FROM element)
      AND (shared OR current_setting('labledger.role', true) = 'admin' OR owner = current_actor())
    ORDER BY id
    FOR UPDATE
), input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        merged ->> 'name' AS name,
        merged ->> 'noun' AS noun,
        merged ->> 'query' AS query,
        coalesce((merged ->> 'shared')::boolean, false) AS shared,
        coalesce(present.owner, current_actor()) AS owner,
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
    SELECT line, 'id', 400, 'there is no view ' || input.id || '; leave the ID out to create one'
    FROM input
    WHERE input.id IS NOT NULL
      AND NOT EXISTS (SELECT FROM present WHERE present.id = input.id)
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
    SELECT line, 'name', 409, 'is already used by an earlier line'
    FROM (
        SELECT line, row_number() OVER (PARTITION BY owner, noun, name ORDER BY line) AS nth
        FROM input
        WHERE id IS NULL OR id IN (SELECT present.id FROM present)
    ) AS numbered
    WHERE nth > 1
    UNION ALL
    SELECT
        line,
        'name',
        409,
        CASE
            WHEN view.xmin = pg_current_xact_id()::xid THEN 'is already used by an earlier line'
            ELSE 'is already used by another view'
        END
    FROM input
    JOIN view USING (owner, noun, name)
    WHERE input.id IS DISTINCT FROM view.id
      AND (input.id IS NULL OR input.id IN (SELECT present.id FROM present))
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO view (name, noun, query, shared)
    SELECT name, noun, query, shared
    FROM valid
    WHERE id IS NULL
    ORDER BY line
    RETURNING true AS created
), updated AS (
    UPDATE view SET
        name = valid.name,
        noun = valid.noun,
        query = valid.query,
        shared = valid.shared
    FROM valid
    WHERE view.id = valid.id
    RETURNING true AS updated
)
SELECT
    (SELECT count(*) FROM created) AS created,
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

-- name: ListViewChanges :many
-- Lists the history of a view, oldest change first. The history remains after the view is deleted. Only its owner and
-- admins see changes from or to a state that is not shared.
SELECT *
FROM change
WHERE table_name = 'view'
  AND row_key = cast(@id::bigint AS text)
  AND (
          coalesce((before -> 'shared')::boolean, true) AND coalesce((after -> 'shared')::boolean, true)
          OR @caller_role::text = 'admin'
          OR (SELECT username FROM account WHERE account.id = @caller_id::bigint) = (
              SELECT coalesce(newest.after, newest.before) ->> 'owner'
              FROM change AS newest
              WHERE newest.table_name = 'view'
                AND newest.row_key = cast(@id AS text)
              ORDER BY newest.id DESC
              LIMIT 1
          )
      );
