-- name: ListEvents :many
-- Lists the events, in the order of arrival unless the request sorts them. Times are in seconds since 1970.
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
    event.container_uuid,
    event_void.id AS void_id
FROM event
LEFT JOIN event_void ON event_void.user_id = event.user_id
    AND event_void.event_id = event.id
    AND event_void.id IS NOT NULL; -- for an anti join, which finds the events without a void

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
    event.container_uuid,
    event_void.id AS void_id,
    event_void.reason AS void_reason,
    event_void.created_at AS voided_at,
    event_void.actor AS voided_by
FROM event
LEFT JOIN event_void ON event_void.user_id = event.user_id AND event_void.event_id = event.id
WHERE event.id = @event_id::uuid;
