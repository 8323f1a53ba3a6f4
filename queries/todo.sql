-- name: ListTodos :many
-- Lists the todos. at_site_id is the site of what a todo links to; filter by it, or add it with include=at_site_id.
SELECT
    sqlc.embed(todo),
    search_text(description || coalesce(E'\n' || assignee, '')) AS search,
    coalesce(
        site_id,
        (SELECT freezer.site_id FROM freezer WHERE freezer.id = freezer_id),
        (SELECT computer.site_id FROM computer WHERE computer.id = computer_id)
    ) AS at_site_id
FROM todo;

-- name: GetTodo :one
-- Returns one todo.
SELECT *
FROM todo
WHERE id = @id::bigint;

-- name: CreateTodo :one
-- Creates a todo. The server assigns the ID.
INSERT INTO todo (
    description,
    status,
    assignee,
    due_on,
    site_id,
    freezer_id,
    computer_id,
    alert_id
)
VALUES (
    @description::text,
    @status::text,
    lock_username(sqlc.narg('assignee')::text),
    sqlc.narg('due_on')::date,
    sqlc.narg('site_id')::bigint,
    sqlc.narg('freezer_id')::bigint,
    sqlc.narg('computer_id')::bigint,
    sqlc.narg('alert_id')::uuid
)
RETURNING *;

-- name: UpdateTodo :one
-- Replaces a todo. Missing fields that may be null become null.
UPDATE todo SET
    description = @description::text,
    status = @status::text,
    assignee = lock_username(sqlc.narg('assignee')::text),
    due_on = sqlc.narg('due_on')::date,
    site_id = sqlc.narg('site_id')::bigint,
    freezer_id = sqlc.narg('freezer_id')::bigint,
    computer_id = sqlc.narg('computer_id')::bigint,
    alert_id = sqlc.narg('alert_id')::uuid
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: PatchTodo :one
-- Changes the given fields of a todo. The other fields keep their values.
UPDATE todo SET
    description = CASE WHEN 'description' = ANY (@given::text[]) THEN @description::text ELSE description END,
    status = CASE WHEN 'status' = ANY (@given) THEN @status::text ELSE status END,
    assignee = CASE WHEN 'assignee' = ANY (@given) THEN lock_username(sqlc.narg('assignee')::text) ELSE assignee END,
    due_on = CASE WHEN 'due_on' = ANY (@given) THEN sqlc.narg('due_on')::date ELSE due_on END,
    site_id = CASE WHEN 'site_id' = ANY (@given) THEN sqlc.narg('site_id')::bigint ELSE site_id END,
    freezer_id = CASE WHEN 'freezer_id' = ANY (@given) THEN sqlc.narg('freezer_id')::bigint ELSE freezer_id END,
    computer_id = CASE WHEN 'computer_id' = ANY (@given) THEN sqlc.narg('computer_id')::bigint ELSE computer_id END,
    alert_id = CASE WHEN 'alert_id' = ANY (@given) THEN sqlc.narg('alert_id')::uuid ELSE alert_id END
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteTodo :one
-- Deletes a todo. Its ID is never reused.
DELETE FROM todo
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ImportTodos :one
-- Imports todos. A line with an ID changes the fields that it names of that todo; a line without an ID creates a todo.
WITH element AS (
    SELECT line, value
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT
        id,
        version,
        todo.xmin = pg_current_xact_id()::xid AS written,
        to_jsonb(todo) - 'version' AS stored
    FROM todo
    WHERE id IN (SELECT (value ->> 'id')::bigint FROM element)
    ORDER BY id
    FOR UPDATE
), input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        merged ->> 'description' AS description,
        merged ->> 'status' AS status,
        merged ->> 'assignee' AS assignee,
        (merged ->> 'due_on')::date AS due_on,
        (merged ->> 'site_id')::bigint AS site_id,
        (merged ->> 'freezer_id')::bigint AS freezer_id,
        (merged ->> 'computer_id')::bigint AS computer_id,
        (merged ->> 'alert_id')::uuid AS alert_id,
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
    SELECT line, 'id', 400, 'there is no todo ' || input.id || '; leave the ID out to create one'
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
    SELECT line, 'site_id', 400, format('there is no site %s', site_id)
    FROM input
    WHERE site_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM site WHERE site.id = input.site_id)
    UNION ALL
    SELECT line, 'freezer_id', 400, format('there is no freezer %s', freezer_id)
    FROM input
    WHERE freezer_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM freezer WHERE freezer.id = input.freezer_id)
    UNION ALL
    SELECT line, 'computer_id', 400, format('there is no computer %s', computer_id)
    FROM input
    WHERE computer_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM computer WHERE computer.id = input.computer_id)
    UNION ALL
    SELECT line, 'alert_id', 400, format('there is no alert %s', alert_id)
    FROM input
    WHERE alert_id IS NOT NULL
      AND NOT EXISTS (SELECT FROM alert WHERE alert.id = input.alert_id)
    UNION ALL
    SELECT line, 'assignee', 400, format('there is no user %s', assignee)
    FROM input
    WHERE assignee IS NOT NULL
      AND NOT EXISTS (SELECT FROM account WHERE account.username = input.assignee)
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO todo (description, status, assignee, due_on, site_id, freezer_id, computer_id, alert_id)
    SELECT description, status, assignee, due_on, site_id, freezer_id, computer_id, alert_id
    FROM valid
    WHERE id IS NULL
    ORDER BY line
    RETURNING true AS created
), updated AS (
    UPDATE todo SET
        description = valid.description,
        status = valid.status,
        assignee = valid.assignee,
        due_on = valid.due_on,
        site_id = valid.site_id,
        freezer_id = valid.freezer_id,
        computer_id = valid.computer_id,
        alert_id = valid.alert_id
    FROM valid
    WHERE todo.id = valid.id
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

-- name: ListTodoChanges :many
-- Lists the history of a todo, oldest change first. The history remains after the todo is deleted.
SELECT *
FROM change
WHERE table_name = 'todo'
  AND row_key = cast(@id::bigint AS text);
