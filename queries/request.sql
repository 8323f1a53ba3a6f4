-- name: SetRequestContext :exec
-- Sets the actor, the role and the request ID of the transaction, and limits how long it waits for locks. The settings
-- end with the transaction.
SELECT set_request_context(@actor::text, @role::text, @request_id::text);

-- name: SetChangeMessage :exec
-- Sets why the transaction makes its changes. The setting ends with the transaction.
SELECT set_config('labledger.change_message', @message::text, true);

-- name: ClaimIdempotencyKey :exec
-- Reserves an idempotency key of the actor until the transaction ends. Fails if it is reserved or used.
SELECT claim_idempotency_key(@key::text);

-- name: SaveResponse :exec
-- Stores the response for an idempotency key that the transaction has reserved.
INSERT INTO idempotency_key (
    key,
    request_hash,
    status,
    headers,
    body
) VALUES (
    @key,
    @request_hash,
    @status,
    @headers,
    @body
);

-- name: GetSavedResponse :one
-- Returns the response that is stored for an idempotency key, and the hash of its request.
SELECT
    request_hash,
    status,
    headers,
    body
FROM idempotency_key
WHERE caller = @caller
  AND key = @key;

-- name: DeleteExpiredResponses :one
-- Deletes idempotency keys older than a time with their responses, up to a limit. Returns the number of deleted keys.
WITH deleted AS (
    DELETE FROM idempotency_key
    WHERE (caller, key) IN (
        SELECT caller, key
        FROM idempotency_key
        WHERE created_at < @before::timestamptz
        ORDER BY created_at
        LIMIT sqlc.arg('limit')::bigint
    )
    RETURNING true
)
SELECT count(*) AS deleted FROM deleted;

-- name: CheckDatabase :one
-- Returns the version of the schema, whether its migration was interrupted, and whether the database accepts writes.
SELECT
    version AS schema_version,
    dirty AS schema_dirty,
    (NOT pg_is_in_recovery())::boolean AS writable
FROM schema_migrations
ORDER BY version DESC
LIMIT 1;

-- name: GetDatabaseStats :one
-- Returns the values for /metrics: the size of the database in bytes, and the alerts that are not closed, counted up to
-- max_count.
SELECT
    pg_database_size(current_database()) AS bytes,
    (
        SELECT count(*)
        FROM (SELECT FROM alert WHERE state = 'open' LIMIT @max_count::bigint) AS bounded
    ) AS open_alerts,
    (
        SELECT count(*)
        FROM (SELECT FROM alert WHERE state = 'acknowledged' LIMIT @max_count::bigint) AS bounded
    ) AS acknowledged_alerts;

-- name: ResetRestoredXids :one
-- Resets transaction IDs of another cluster after a restore from a dump. Returns the number of changed rows.
SELECT reset_restored_xids() AS changed_rows;

-- name: SetStatementTimeout :exec
-- Limits how long each statement of the transaction runs.
SELECT set_config('statement_timeout', @milliseconds::text, true);
