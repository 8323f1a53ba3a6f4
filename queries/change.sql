-- name: ListChanges :many
-- Lists the changes of all tables in the order of their numbers. A reader who goes on after the last number it has seen overlooks none:
-- a change is held back while a transaction that may have drawn a smaller number is still running.
SELECT
    id,
    at,
    actor,
    request_id,
    table_name,
    row_key,
    action,
    before,
    after
FROM change
WHERE id > @after::bigint
  AND (horizon <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint OR horizon > pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
  AND (sqlc.narg('actor')::text IS NULL OR actor = sqlc.narg('actor'))
  AND (sqlc.narg('request_id')::text IS NULL OR request_id = sqlc.narg('request_id'))
  AND (sqlc.narg('table_name')::text IS NULL OR table_name = sqlc.narg('table_name'))
  AND (sqlc.narg('row_key')::text IS NULL OR row_key = sqlc.narg('row_key'))
  AND (sqlc.narg('action')::text IS NULL OR action = sqlc.narg('action'))
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;
