-- name: ListChanges :many
-- Lists the changes of all tables, oldest transaction first. A client that continues after the last change it has seen
-- misses none: changes newer than the oldest running transaction of this database are withheld until that transaction
-- ends. Only admins see changes of accounts.
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
      coalesce(
          (SELECT last.xid FROM change AS last WHERE last.id <= @after::bigint ORDER BY last.id DESC LIMIT 1),
          0
      ),
      @after
  )
  AND xid < (SELECT settled_xid())
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
-- Lists the changes of all tables, newest first. Nothing is withheld, so changes of a long transaction can appear
-- among older ones. Only admins see changes of accounts.
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
      coalesce(
          (SELECT last.xid FROM change AS last WHERE last.id >= nullif(@after::bigint, 0) ORDER BY last.id LIMIT 1),
          9223372036854775807
      ),
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
