-- name: SetRequestContext :exec
-- Sets the actor, the role and the request ID of the transaction, and limits how long it waits for locks. The settings
-- end with the transaction.
SELECT set_request_context(@actor::text, @role::text, @request_id::text);

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
