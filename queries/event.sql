-- name: ListEvents :many
-- Lists the events in the order of arrival. The filters from (inclusive) and to (exclusive) compare the time of the
-- event, in seconds.
SELECT
    id,
    user_id,
    type,
    amount,
    time,
    effective_time,
    risk,
    ruleset_id,
    facts,
    alert_codes,
    alert_id,
    created_at,
    actor
FROM event
WHERE id > coalesce(sqlc.narg('after')::uuid, '00000000-0000-0000-0000-000000000000')
  AND (sqlc.narg('user_id')::bigint IS NULL OR user_id = sqlc.narg('user_id'))
  AND (sqlc.narg('type')::text IS NULL OR type = sqlc.narg('type'))
  AND (sqlc.narg('code')::integer IS NULL OR sqlc.narg('code') = ANY (alert_codes))
  AND (sqlc.narg('from')::bigint IS NULL OR time >= sqlc.narg('from'))
  AND (sqlc.narg('to')::bigint IS NULL OR time < sqlc.narg('to'))
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: ListEventsDesc :many
-- Lists the events, newest first. The filters from (inclusive) and to (exclusive) compare the time of the event, in
-- seconds.
SELECT
    id,
    user_id,
    type,
    amount,
    time,
    effective_time,
    risk,
    ruleset_id,
    facts,
    alert_codes,
    alert_id,
    created_at,
    actor
FROM event
WHERE id < coalesce(sqlc.narg('after')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND (sqlc.narg('user_id')::bigint IS NULL OR user_id = sqlc.narg('user_id'))
  AND (sqlc.narg('type')::text IS NULL OR type = sqlc.narg('type'))
  AND (sqlc.narg('code')::integer IS NULL OR sqlc.narg('code') = ANY (alert_codes))
  AND (sqlc.narg('from')::bigint IS NULL OR time >= sqlc.narg('from'))
  AND (sqlc.narg('to')::bigint IS NULL OR time < sqlc.narg('to'))
ORDER BY id DESC
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: GetEvent :one
-- Returns one event with the results of the rules.
SELECT
    id,
    user_id,
    type,
    amount,
    time,
    effective_time,
    risk,
    ruleset_id,
    facts,
    alert_codes,
    alert_id,
    created_at,
    actor
FROM event
WHERE id = @event_id::uuid;
