-- name: ListAlerts :many
-- Lists the alerts, in the order of arrival unless the request sorts them. Times of events are in seconds since 1970.
SELECT
    id,
    user_id,
    event_id,
    alert_codes,
    severity,
    time,
    risk,
    ruleset_id,
    reasons,
    state,
    assignee,
    note,
    disposition,
    snoozed_until,
    (snoozed_until IS NOT NULL AND snoozed_until > now())::boolean AS snoozed,
    void_id,
    created_at,
    changed_at,
    actor,
    version
FROM alert;

-- name: GetAlert :one
-- Returns one alert with its reasons: for each rule that fired, the limit at the user's risk level, the measured value
-- and the IDs of the counted events.
SELECT
    id,
    user_id,
    event_id,
    alert_codes,
    severity,
    time,
    risk,
    ruleset_id,
    alert_reasons(alert)::jsonb AS reasons,
    state,
    assignee,
    note,
    disposition,
    snoozed_until,
    (snoozed_until IS NOT NULL AND snoozed_until > now())::boolean AS snoozed,
    void_id,
    created_at,
    changed_at,
    actor,
    version
FROM alert
WHERE id = @alert_id::uuid;

-- name: PatchAlert :one
-- Changes the given fields of an alert. The other fields keep their values. The state moves from open to acknowledged
-- to closed, and back only to undo its last change: with the values that this change replaced. An alert is snoozed until
-- a time, or until it is closed.
UPDATE alert SET
    state = CASE WHEN 'state' = ANY (@given::text[]) THEN @state::text ELSE state END,
    assignee = CASE WHEN 'assignee' = ANY (@given) THEN lock_username(sqlc.narg('assignee')::text) ELSE assignee END,
    note = CASE WHEN 'note' = ANY (@given) THEN sqlc.narg('note')::text ELSE note END,
    disposition = CASE WHEN 'disposition' = ANY (@given) THEN sqlc.narg('disposition')::text ELSE disposition END,
    snoozed_until = CASE
        WHEN 'snoozed_until' = ANY (@given) THEN sqlc.narg('snoozed_until')::timestamptz
        ELSE snoozed_until
    END
WHERE id = @alert_id::uuid
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING
    id,
    user_id,
    event_id,
    alert_codes,
    severity,
    time,
    risk,
    ruleset_id,
    alert_reasons(alert)::jsonb AS reasons,
    state,
    assignee,
    note,
    disposition,
    snoozed_until,
    (snoozed_until IS NOT NULL AND snoozed_until > now())::boolean AS snoozed,
    void_id,
    created_at,
    changed_at,
    actor,
    version;

-- name: ListAlertChanges :many
-- Lists the history of an alert, oldest change first.
SELECT
    version,
    at,
    actor,
    request_id,
    message,
    before,
    after
FROM alert_change
WHERE alert_id = @alert_id::uuid;
