-- The statements of the event intake, in the order in which a transaction runs them, then those of verification.
-- Each statement of the intake filters by user, so that it reaches one machine when the ledger is distributed. The
-- comment of a statement says so if it does not.

-- name: SetLockTimeout :exec
-- Limits how long the transaction waits for a user who is locked by another transaction.
SELECT set_config('lock_timeout', @lock_timeout::text, true);

-- name: LockState :many
-- Locks and returns the state of a user. Returns no row for a user without a state.
SELECT
    user_id,
    risk,
    last_id,
    state
FROM user_state
WHERE user_id = @user_id::bigint
ORDER BY user_id
FOR NO KEY UPDATE;

-- name: LockUsers :exec
-- Locks the states of users, in ascending order of user ID, and creates the states that are missing. Postgres locks a
-- row before it tests the condition, which is never true. So it writes no new version of the row.
INSERT INTO user_state (user_id)
SELECT unnest(@user_ids::bigint[]) AS user_id
ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE SET risk = user_state.risk
WHERE false;

-- name: ListLockedStates :many
-- Returns the states of users, which an earlier statement of the transaction has locked. One statement cannot do both:
-- its snapshot is older than the lock, so it would miss what other transactions committed while it waited.
SELECT
    user_id,
    risk,
    last_id,
    state
FROM user_state
WHERE user_id = ANY (@user_ids::bigint[]);

-- name: IsLocked :one
-- Reports, without waiting, whether another transaction has locked the state of a user.
SELECT (
    EXISTS (SELECT FROM user_state WHERE user_id = @user_id::bigint)
    AND NOT EXISTS (SELECT FROM user_state WHERE user_id = @user_id FOR UPDATE SKIP LOCKED)
)::boolean AS locked;

-- name: GetLastID :one
-- Returns the greatest last_id of users.
SELECT last_id
FROM user_state
WHERE user_id = ANY (@user_ids::bigint[])
ORDER BY last_id DESC NULLS LAST
LIMIT 1;

-- name: GetLatestRuleset :one
-- Returns the ID and the time of the current rule set.
SELECT
    id,
    at
FROM ruleset
ORDER BY id DESC
LIMIT 1;

-- name: GetRuleset :one
-- Returns the rules of a rule set. A rule set never changes, so it can be cached.
SELECT rules
FROM ruleset
WHERE id = @id::bigint;

-- name: LockKeys :exec
-- Serializes requests with the same idempotency key, whatever their users. Keys are locked before users and in a fixed
-- order, to avoid deadlocks.
SELECT pg_advisory_xact_lock(hash)
FROM (
    SELECT DISTINCT hashtextextended(caller || ' ' || key, 0) AS hash
    FROM (SELECT unnest(@callers::text[]) AS caller, unnest(@keys::text[]) AS key) AS input
    ORDER BY hash
) AS ordered;

-- name: FindKeys :many
-- Returns those of the given idempotency keys that were used before. A key belongs to its caller, whatever user the
-- request is about. So this statement does not filter by user; only requests with a key run it.
SELECT
    caller,
    key,
    user_id,
    request_hash,
    first_id,
    last_id
FROM idempotency
WHERE (caller, key) IN (SELECT unnest(@callers::text[]), unnest(@keys::text[]))
ORDER BY caller, key, user_id;

-- name: FindOtherKeys :many
-- Returns those of the given idempotency keys that were used for requests other than events.
SELECT
    caller,
    key
FROM idempotency_key
WHERE (caller, key) IN (SELECT unnest(@callers::text[]), unnest(@keys::text[]))
ORDER BY caller, key;

-- name: ListWindow :many
-- Lists the events of a user from an effective time on: the contents of the time windows of the rules.
SELECT
    type,
    amount,
    effective_time
FROM event
WHERE user_id = @user_id::bigint
  AND id > coalesce(
      (
          SELECT earlier.id
          FROM event AS earlier
          WHERE earlier.user_id = @user_id
            AND earlier.effective_time < @since::bigint
          ORDER BY earlier.id DESC
          LIMIT 1
      ),
      '00000000-0000-0000-0000-000000000000'
  )
ORDER BY id;

-- name: ListVoidedUsers :many
-- Returns those of the given users whose events have voids. Their effective times do not ascend.
SELECT DISTINCT user_id
FROM event_void
WHERE user_id = ANY (@user_ids::bigint[])
ORDER BY user_id;

-- name: GetEventUser :one
-- Returns the user of an event that is to be voided. The request does not name the user. So this statement does not
-- filter by user.
SELECT user_id
FROM event
WHERE id = @event_id::uuid;

-- name: InsertVoid :exec
-- Inserts a void.
INSERT INTO event_void (
    user_id,
    id,
    event_id,
    reason,
    created_at,
    actor,
    request_id
)
VALUES (
    @user_id::bigint,
    @void_id::uuid,
    @event_id::uuid,
    @reason::text,
    @created_at::timestamptz,
    @actor::text,
    sqlc.narg('request_id')::text
);

-- name: ListVoids :many
-- Lists the voids by user, and by order of arrival for each user.
SELECT
    user_id,
    id,
    event_id
FROM event_void
WHERE (user_id, id) > (@after_user::bigint, @after_id::uuid)
  AND (sqlc.narg('user_id')::bigint IS NULL OR user_id = sqlc.narg('user_id'))
ORDER BY user_id, id
LIMIT sqlc.arg('limit')::bigint;

-- name: MarkAlerts :exec
-- Marks the alerts of events with a void, except those that an earlier void has marked.
UPDATE alert SET void_id = @void_id::uuid
WHERE user_id = @user_id::bigint
  AND event_id = ANY (@event_ids::uuid[])
  AND void_id IS NULL;

-- name: InsertEvents :exec
-- Inserts events. An empty container_uuid stands for none.
INSERT INTO event (
    user_id,
    id,
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
    actor,
    container_uuid
)
SELECT
    unnest(@user_ids::bigint[]),
    unnest(@ids::uuid[]),
    unnest(@types::text[]),
    unnest(@amounts::numeric[]),
    unnest(@times::bigint[]),
    unnest(@effective_times::bigint[]),
    unnest(@risks::text[]),
    @ruleset_id::bigint,
    unnest(@facts::jsonb[]),
    unnest(@alert_codes::text[])::integer[],
    nullif(unnest(@alert_ids::uuid[]), '00000000-0000-0000-0000-000000000000'),
    @created_at::timestamptz,
    unnest(@actors::text[]),
    nullif(unnest(@container_uuids::text[]), '')::uuid;

-- name: InsertEvent :exec
-- Inserts one event: InsertEvents without the cost of unnesting arrays.
INSERT INTO event (
    user_id,
    id,
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
    actor,
    container_uuid
)
VALUES (
    @user_id::bigint,
    @event_id::uuid,
    @type::text,
    @amount::numeric,
    @time::bigint,
    @effective_time::bigint,
    @risk::text,
    @ruleset_id::bigint,
    @event_facts::jsonb,
    (@codes::text)::integer[],
    nullif(@alert_id::uuid, '00000000-0000-0000-0000-000000000000'),
    @created_at::timestamptz,
    @actor::text,
    nullif(@container_uuid::text, '')::uuid
);

-- name: InsertAlerts :exec
-- Inserts alerts.
INSERT INTO alert (
    user_id,
    id,
    event_id,
    alert_codes,
    time,
    risk,
    ruleset_id,
    reasons,
    created_at,
    changed_at,
    actor
)
SELECT
    unnest(@user_ids::bigint[]),
    unnest(@ids::uuid[]),
    unnest(@event_ids::uuid[]),
    unnest(@alert_codes::text[])::integer[],
    unnest(@times::bigint[]),
    unnest(@risks::text[]),
    @ruleset_id::bigint,
    unnest(@reasons::jsonb[]),
    @created_at::timestamptz,
    @created_at,
    unnest(@actors::text[]);

-- name: SaveStates :exec
-- Saves the states of users.
INSERT INTO user_state (user_id, last_id, state)
SELECT
    unnest(@user_ids::bigint[]),
    unnest(@last_ids::uuid[]),
    unnest(@states::text[])::json
ON CONFLICT (user_id) DO UPDATE SET
    last_id = excluded.last_id,
    state = excluded.state;

-- name: SaveState :exec
-- Saves the state of one user.
UPDATE user_state SET
    last_id = @last_id::uuid,
    state = (@new_state::text)::json
WHERE user_id = @user_id::bigint;

-- name: SaveKeys :exec
-- Saves idempotency keys.
INSERT INTO idempotency (user_id, caller, key, request_hash, first_id, last_id, created_at)
SELECT
    unnest(@user_ids::bigint[]),
    unnest(@callers::text[]),
    unnest(@keys::text[]),
    unnest(@request_hashes::bytea[]),
    unnest(@first_ids::uuid[]),
    unnest(@last_ids::uuid[]),
    @created_at::timestamptz;

-- name: CopyEvents :copyfrom
-- Inserts events with COPY.
INSERT INTO event (
    user_id,
    id,
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
)
VALUES (
    @user_id,
    @id,
    @type,
    @amount,
    @time,
    @effective_time,
    @risk,
    @ruleset_id,
    @facts,
    @alert_codes,
    @alert_id,
    @created_at,
    @actor
);

-- name: CopyAlerts :copyfrom
-- Inserts alerts with COPY.
INSERT INTO alert (
    user_id,
    id,
    event_id,
    alert_codes,
    time,
    risk,
    ruleset_id,
    reasons,
    created_at,
    changed_at,
    actor
)
VALUES (
    @user_id,
    @id,
    @event_id,
    @alert_codes,
    @time,
    @risk,
    @ruleset_id,
    @reasons,
    @created_at,
    @changed_at,
    @actor
);

-- name: ListEventsByIdempotencyKey :many
-- Lists the events that a request recorded, to answer a repetition of it. These are the events between its first and
-- its last ID that have the time of its key. They may belong to many users. So this statement does not filter by user;
-- only repeated requests run it.
SELECT
    id,
    user_id,
    alert_id,
    alert_codes
FROM event
WHERE id BETWEEN @first_id::uuid AND @last_id::uuid
  AND created_at = (
      SELECT idempotency.created_at
      FROM idempotency
      WHERE idempotency.user_id = @user_id::bigint
        AND caller = @caller::text
        AND key = @key::text
  )
  AND id > @after::uuid
ORDER BY id
LIMIT sqlc.arg('limit')::bigint;

-- name: DeleteExpiredKeys :one
-- Deletes idempotency keys older than a time, up to a limit. Returns the number of deleted keys.
WITH deleted AS (
    DELETE FROM idempotency
    WHERE (user_id, caller, key) IN (
        SELECT user_id, caller, key
        FROM idempotency
        WHERE created_at < @before::timestamptz
        ORDER BY created_at
        LIMIT sqlc.arg('limit')::bigint
    )
    RETURNING true
)
SELECT count(*) AS deleted FROM deleted;

-- name: ListLedger :many
-- Lists the events by user, and by order of arrival for each user, for replay and verification.
SELECT
    user_id,
    id,
    type,
    amount,
    time,
    effective_time,
    risk,
    ruleset_id,
    facts,
    alert_codes,
    alert_id
FROM event
WHERE (user_id, id) > (@after_user::bigint, @after_id::uuid)
  AND (sqlc.narg('user_id')::bigint IS NULL OR user_id = sqlc.narg('user_id'))
ORDER BY user_id, id
LIMIT sqlc.arg('limit')::bigint;

-- name: ListRulesets :many
-- Lists all rule sets.
SELECT
    id,
    rules
FROM ruleset
ORDER BY id;

-- name: ListStates :many
-- Lists the states of users in ascending order of user ID.
SELECT
    user_id,
    risk,
    last_id,
    state
FROM user_state
WHERE user_id > @after::bigint
ORDER BY user_id
LIMIT sqlc.arg('limit')::bigint;

-- name: ForceCustomPlans :exec
-- Makes Postgres plan every page of this transaction for its own bounds. A generic plan would read all users to list
-- one.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: ListLedgerAlerts :many
-- Lists the alerts by user, in the order of their events, for verification.
SELECT
    alert.user_id,
    alert.id,
    alert.event_id,
    alert.alert_codes,
    alert.time,
    alert.risk,
    alert.ruleset_id,
    alert.reasons,
    alert.void_id,
    event.alert_id
FROM alert
LEFT JOIN event ON event.user_id = alert.user_id AND event.id = alert.event_id
WHERE (alert.user_id, alert.event_id) > (@after_user::bigint, @after_event::uuid)
  AND (sqlc.narg('user_id')::bigint IS NULL OR alert.user_id = sqlc.narg('user_id'))
ORDER BY alert.user_id, alert.event_id
LIMIT sqlc.arg('limit')::bigint;

-- name: RepairState :one
-- Replaces the state of a user. The caller has locked it.
UPDATE user_state SET
    risk = @risk::text,
    last_id = sqlc.narg('last_id')::uuid,
    state = @state::json
WHERE user_id = @user_id::bigint
RETURNING user_id;

-- name: ListConfirmedAlerts :many
-- Returns those of the given alerts whose outcome is confirmed.
SELECT id
FROM alert
WHERE id = ANY (@alert_ids::uuid[])
  AND disposition = 'confirmed'
ORDER BY id;
