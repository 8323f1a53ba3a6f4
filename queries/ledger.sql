-- What the intake of events runs, in this order, in one transaction. Every statement names its users.

-- name: SetLockTimeout :exec
-- Bounds how long the transaction waits for a user whom somebody else has locked.
SELECT set_config('lock_timeout', @lock_timeout::text, true);

-- name: LockState :many
-- Locks the state of one user and answers it; nothing for a user who has none yet.
SELECT
    user_id,
    risk,
    last_id,
    state
FROM user_state
WHERE user_id = @user_id::bigint
ORDER BY user_id
FOR NO KEY UPDATE;

-- name: LockStates :many
-- Locks the state of each user, in the order of their numbers, and answers it. Users who have none get one.
INSERT INTO user_state (user_id)
SELECT unnest(@user_ids::bigint[])
ON CONFLICT (user_id) DO UPDATE SET risk = user_state.risk
RETURNING user_id, risk, last_id, state;

-- name: IsLocked :one
-- Tells whether somebody else has locked the state of a user right now. It does not wait.
SELECT (
    EXISTS (SELECT FROM user_state WHERE user_id = @user_id::bigint)
    AND NOT EXISTS (SELECT FROM user_state WHERE user_id = @user_id FOR UPDATE SKIP LOCKED)
)::boolean AS locked;

-- name: LockUsers :one
-- Locks the state of each user, in the order of their numbers, and answers the greatest of their newest ids. Users who have none get one.
WITH locked AS (
    INSERT INTO user_state (user_id)
    SELECT unnest(@user_ids::bigint[])
    ON CONFLICT (user_id) DO UPDATE SET risk = user_state.risk
    RETURNING last_id
)
SELECT last_id
FROM locked
ORDER BY last_id DESC NULLS LAST
LIMIT 1;

-- name: GetLatestRuleset :one
-- Tells which rules are in force.
SELECT
    id,
    at
FROM ruleset
ORDER BY id DESC
LIMIT 1;

-- name: GetRuleset :one
-- Shows a set of rules. A set never changes, so that whoever has read it may keep it.
SELECT rules
FROM ruleset
WHERE id = @id::bigint;

-- name: LockKeys :exec
-- Lets requests with the same key go one after the other, whatever users they are about. Keys are locked before users, in one order.
SELECT pg_advisory_xact_lock(hash)
FROM (
    SELECT DISTINCT hashtextextended(caller || ' ' || key, 0) AS hash
    FROM (SELECT unnest(@callers::text[]) AS caller, unnest(@keys::text[]) AS key) AS given
    ORDER BY hash
) AS ordered;

-- name: FindKeys :many
-- Finds the idempotency keys that were used before. A key is its caller's, whatever user the request is about, so this statement does
-- not name the user; only requests that carry a key run it.
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

-- name: ListWindow :many
-- Lists the events of a user from an effective time on: what the windows hold.
SELECT
    type,
    amount,
    effective_time
FROM event
WHERE user_id = @user_id::bigint
  AND id > coalesce(
      (
          SELECT before.id
          FROM event AS before
          WHERE before.user_id = @user_id AND before.effective_time < @since::bigint
          ORDER BY before.id DESC
          LIMIT 1
      ),
      '00000000-0000-0000-0000-000000000000'
  )
ORDER BY id;

-- name: InsertEvents :exec
-- Records events.
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
    unnest(@actors::text[]);

-- name: InsertEvent :exec
-- Records one event: InsertEvents for those who come alone, without the cost of taking lists apart.
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
    @actor::text
);

-- name: InsertAlerts :exec
-- Raises alerts.
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
-- Saves what the rules need to know of each user's past.
INSERT INTO user_state (user_id, last_id, state)
SELECT
    unnest(@user_ids::bigint[]),
    unnest(@last_ids::uuid[]),
    unnest(@states::text[])::json
ON CONFLICT (user_id) DO UPDATE SET
    last_id = excluded.last_id,
    state = excluded.state;

-- name: SaveState :exec
-- Saves what the rules need to know of one user's past.
UPDATE user_state SET
    last_id = @last_id::uuid,
    state = (@new_state::text)::json
WHERE user_id = @user_id::bigint;

-- name: SaveKeys :exec
-- Keeps idempotency keys.
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
VALUES (@user_id, @id, @type, @amount, @time, @effective_time, @risk, @ruleset_id, @facts, @alert_codes, @alert_id, @created_at, @actor);

-- name: CopyAlerts :copyfrom
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
VALUES (@user_id, @id, @event_id, @alert_codes, @time, @risk, @ruleset_id, @reasons, @created_at, @changed_at, @actor);

-- name: ListEventsByIdempotencyKey :many
-- Lists what a request recorded: the answer to one that is repeated. Ids between the first and the last are its own, of the one time when it
-- was recorded. They may be of many users, so it does not name the user; only repeated requests run it.
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
      WHERE idempotency.user_id = @user_id::bigint AND caller = @caller::text AND key = @key::text
  )
  AND id > @after::uuid
ORDER BY id
LIMIT sqlc.arg('limit')::bigint;

-- name: DeleteExpiredKeys :one
-- Forgets idempotency keys that are older than a time, so many at once. Answers how many.
WITH gone AS (
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
SELECT count(*) AS deleted FROM gone;

-- name: ListLedger :many
-- Lists events user by user, each user's in the order of arrival: for replay and verification.
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
    alert_codes
FROM event
WHERE (user_id, id) > (@after_user::bigint, @after_id::uuid)
  AND (sqlc.narg('user_id')::bigint IS NULL OR user_id = sqlc.narg('user_id'))
ORDER BY user_id, id
LIMIT sqlc.arg('limit')::bigint;

-- name: ListRulesets :many
-- Lists all sets of rules that there have been.
SELECT
    id,
    rules
FROM ruleset
ORDER BY id;

-- name: ListStates :many
-- Lists the states of users, in the order of their numbers.
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
-- Plans each page of this transaction for its own bounds: one plan for all would read everybody to list one user.
SELECT set_config('plan_cache_mode', 'force_custom_plan', true);

-- name: ListLedgerAlerts :many
-- Lists what alerts say of their events, user by user, in the order of the events: for verification.
SELECT
    alert.user_id,
    alert.id,
    alert.event_id,
    alert.alert_codes,
    alert.time,
    alert.risk,
    alert.ruleset_id,
    alert.reasons,
    event.alert_id
FROM alert
LEFT JOIN event ON event.user_id = alert.user_id AND event.id = alert.event_id
WHERE (alert.user_id, alert.event_id) > (@after_user::bigint, @after_event::uuid)
  AND (sqlc.narg('user_id')::bigint IS NULL OR alert.user_id = sqlc.narg('user_id'))
ORDER BY alert.user_id, alert.event_id
LIMIT sqlc.arg('limit')::bigint;

-- name: RepairState :one
-- Puts the state of a user right. The caller has locked it.
UPDATE user_state SET
    risk = @risk::text,
    last_id = sqlc.narg('last_id')::uuid,
    state = @state::json
WHERE user_id = @user_id::bigint
RETURNING user_id;
