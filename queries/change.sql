-- name: ListChanges :many
-- Lists the changes of all tables, transaction by transaction. A reader who goes on after the last one it has seen overlooks none: what is
-- newer than the oldest transaction that still runs is held back until that has ended. Changes of accounts are for admins.
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
WHERE (xid, id) > (
      coalesce((SELECT seen.xid FROM change AS seen WHERE seen.id <= @after::bigint ORDER BY seen.id DESC LIMIT 1), 0),
      @after
  )
  AND xid < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
  AND (sqlc.narg('actor')::text IS NULL OR actor = sqlc.narg('actor'))
  AND (sqlc.narg('request_id')::text IS NULL OR request_id = sqlc.narg('request_id'))
  AND (sqlc.narg('table_name')::text IS NULL OR table_name = sqlc.narg('table_name'))
  AND (sqlc.narg('row_key')::text IS NULL OR row_key = sqlc.narg('row_key'))
  AND (sqlc.narg('action')::text IS NULL OR action = sqlc.narg('action'))
  AND (table_name NOT IN ('account', 'credential') OR @caller_role::text = 'admin')
ORDER BY xid, id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: ListChangesDesc :many
-- Lists the changes of all tables, the newest first. Nothing is held back: what a transaction that ran for long has changed may turn up among
-- those that were seen.
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
WHERE (xid, id) < (
      coalesce((SELECT seen.xid FROM change AS seen WHERE seen.id >= nullif(@after::bigint, 0) ORDER BY seen.id LIMIT 1), 9223372036854775807),
      coalesce(nullif(@after, 0), 9223372036854775807)
  )
  AND (sqlc.narg('actor')::text IS NULL OR actor = sqlc.narg('actor'))
  AND (sqlc.narg('request_id')::text IS NULL OR request_id = sqlc.narg('request_id'))
  AND (sqlc.narg('table_name')::text IS NULL OR table_name = sqlc.narg('table_name'))
  AND (sqlc.narg('row_key')::text IS NULL OR row_key = sqlc.narg('row_key'))
  AND (sqlc.narg('action')::text IS NULL OR action = sqlc.narg('action'))
  AND (table_name NOT IN ('account', 'credential') OR @caller_role::text = 'admin')
ORDER BY xid DESC, id DESC
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;
