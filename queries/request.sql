-- name: SetRequest :exec
-- Tells the transaction on whose behalf it writes, and how long it may wait for a lock. Holds until it ends, and no longer.
SELECT
    set_config('labledger.actor', @actor::text, true),
    set_config('labledger.role', @role::text, true),
    set_config('labledger.request_id', @request_id::text, true),
    set_config('lock_timeout', '2s', true);

-- name: CheckDatabase :one
-- Asks the database whether it answers, and whether it takes writes.
SELECT
    current_setting('server_version') AS server_version,
    (NOT pg_is_in_recovery())::boolean AS writable
WHERE to_regclass('change') IS NOT NULL;

-- name: SettleHistory :one
-- Lets a history that was restored from a dump follow on in this cluster. Answers how many changes that touched.
SELECT settle_history() AS settled;
