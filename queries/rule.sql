-- name: ListRules :many
-- Lists the alert rules.
SELECT
    sqlc.embed(rule),
    search_text(title) AS search
FROM rule;

-- name: GetRule :one
-- Returns one alert rule.
SELECT *
FROM rule
WHERE code = @code::integer;

-- name: UpdateRule :one
-- Replaces the settings of a rule. They apply from the next event on.
UPDATE rule SET
    title = @title::text,
    applies_to = @applies_to::text,
    "limit" = sqlc.arg('limit')::numeric,
    window_seconds = sqlc.narg('window_seconds')::bigint,
    enabled = @enabled::boolean,
    severity = @severity::text
WHERE code = @code::integer
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: PatchRule :one
-- Changes the given settings of a rule, from the next event on. The other settings keep their values.
UPDATE rule SET
    title = CASE WHEN 'title' = ANY (@given::text[]) THEN @title::text ELSE title END,
    applies_to = CASE WHEN 'applies_to' = ANY (@given) THEN @applies_to::text ELSE applies_to END,
    "limit" = CASE WHEN 'limit' = ANY (@given) THEN nullif(sqlc.arg('limit')::text, '')::numeric ELSE "limit" END,
    window_seconds = CASE
        WHEN 'window_seconds' = ANY (@given) THEN sqlc.narg('window_seconds')::bigint
        ELSE window_seconds
    END,
    enabled = CASE WHEN 'enabled' = ANY (@given) THEN @enabled::boolean ELSE enabled END,
    severity = CASE WHEN 'severity' = ANY (@given) THEN @severity::text ELSE severity END
WHERE code = @code::integer
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ListRuleChanges :many
-- Lists the history of a rule, oldest change first.
SELECT *
FROM change
WHERE table_name = 'rule'
  AND row_key = cast(@code::integer AS text);
