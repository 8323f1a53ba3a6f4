-- name: SetRequestContext :exec
-- Tells the transaction on whose behalf it writes, and how long it may wait for a lock. Holds until it ends, and no longer.
SELECT
    set_config('labledger.actor', @actor::text, true),
    set_config('labledger.role', @role::text, true),
    set_config('labledger.request_id', @request_id::text, true),
    set_config('lock_timeout', '2s', true);

-- name: CheckDatabase :one
-- Asks the database whether it answers, how far its schema is, and whether it takes writes.
SELECT
    version AS schema_version,
    dirty AS schema_broken_off,
    (NOT pg_is_in_recovery())::boolean AS writable
FROM schema_migrations
ORDER BY version DESC
LIMIT 1;

-- name: GetDatabaseStats :one
-- Measures the database for /metrics: its size in bytes; alerts that are not closed, counted up to a bound; how many transactions have begun
-- since the oldest one that still runs.
SELECT
    pg_database_size(current_database()) AS bytes,
    (SELECT count(*) FROM (SELECT FROM alert WHERE state = 'open' LIMIT @most::bigint) AS bounded) AS open_alerts,
    (SELECT count(*) FROM (SELECT FROM alert WHERE state = 'acknowledged' LIMIT @most::bigint) AS bounded) AS acknowledged_alerts,
    (pg_snapshot_xmax(pg_current_snapshot())::text::bigint - pg_snapshot_xmin(pg_current_snapshot())::text::bigint)::bigint AS held_back;

-- name: ResetRestoredXids :one
-- Lets a history that was restored from a dump follow on in this cluster. Answers how many changes that touched.
SELECT settle_history() AS settled;
