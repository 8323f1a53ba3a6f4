-- name: ListEvents :many
-- Lists the events in the order of arrival. The filters from (inclusive) and to (exclusive) compare the time of the
-- event, in seconds.
SELECT
    event.id,
    event.user_id,
    event.type,
    event.amount,
    event.time,
    event.effective_time,
    event.risk,
    event.ruleset_id,
    event.facts,
    event.alert_codes,
    event.alert_id,
    event.created_at,
    event.actor,
    event_void.id AS void_id
FROM event
LEFT JOIN event_void ON event_void.user_id = event.user_id AND event_void.event_id = event.id
WHERE event.id > coalesce(sqlc.narg('after')::uuid, '00000000-0000-0000-0000-000000000000')
  AND (sqlc.narg('user_id')::bigint IS NULL OR event.user_id = sqlc.narg('user_id'))
  AND (sqlc.narg('type')::text IS NULL OR event.type = sqlc.narg('type'))
  AND (sqlc.narg('code')::integer IS NULL OR sqlc.narg('code') = ANY (event.alert_codes))
  AND (sqlc.narg('from')::bigint IS NULL OR event.time >= sqlc.narg('from'))
  AND (sqlc.narg('to')::bigint IS NULL OR event.time < sqlc.narg('to'))
  AND (sqlc.narg('voided')::boolean IS NOT TRUE OR event_void.id IS NOT NULL)
  AND (sqlc.narg('voided') IS NOT FALSE OR event_void.event_id IS DISTINCT FROM event.id) -- IS NULL: bad estimate
ORDER BY event.id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: ListEventsDesc :many
-- Lists the events, newest first. The filters from (inclusive) and to (exclusive) compare the time of the event, in
-- seconds.
SELECT
    event.id,
    event.user_id,
    event.type,
    event.amount,
    event.time,
    event.effective_time,
    event.risk,
    event.ruleset_id,
    event.facts,
    event.alert_codes,
    event.alert_id,
    event.created_at,
    event.actor,
    event_void.id AS void_id
FROM event
LEFT JOIN event_void ON event_void.user_id = event.user_id AND event_void.event_id = event.id
WHERE event.id < coalesce(sqlc.narg('after')::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
  AND (sqlc.narg('user_id')::bigint IS NULL OR event.user_id = sqlc.narg('user_id'))
  AND (sqlc.narg('type')::text IS NULL OR event.type = sqlc.narg('type'))
  AND (sqlc.narg('code')::integer IS NULL OR sqlc.narg('code') = ANY (event.alert_codes))
  AND (sqlc.narg('from')::bigint IS NULL OR event.time >= sqlc.narg('from'))
  AND (sqlc.narg('to')::bigint IS NULL OR event.time < sqlc.narg('to'))
  AND (sqlc.narg('voided')::boolean IS NOT TRUE OR event_void.id IS NOT NULL)
  AND (sqlc.narg('voided') IS NOT FALSE OR event_void.event_id IS DISTINCT FROM event.id) -- IS NULL: bad estimate
ORDER BY event.id DESC
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: GetEvent :one
-- Returns one event with the results of the rules, and its void if there is one.
SELECT
    event.id,
    event.user_id,
    event.type,
    event.amount,
    event.time,
    event.effective_time,
    event.risk,
    event.ruleset_id,
    event.facts,
    event.alert_codes,
    event.alert_id,
    event.created_at,
    event.actor,
    event_void.id AS void_id,
    event_void.reason AS void_reason,
    event_void.created_at AS voided_at,
    event_void.actor AS voided_by
FROM event
LEFT JOIN event_void ON event_void.user_id = event.user_id AND event_void.event_id = event.id
WHERE event.id = @event_id::uuid;
