-- name: SealHistory :one
-- Seals pending changes and returns the ID of the seal. Otherwise makes the changes without a seal pending, unless the
-- newest seal is younger than min_seconds, and returns 0.
SELECT seal_history(@min_seconds::integer) AS seal_id;

-- name: GetSeal :one
-- Returns a seal.
SELECT * FROM history_seal WHERE id = @id;

-- name: GetNewestSeal :one
-- Returns the newest seal.
SELECT * FROM history_seal ORDER BY id DESC LIMIT 1;

-- name: ListSeals :many
-- Lists the seals after an ID, up to another one.
SELECT *
FROM history_seal
WHERE id > @after_id::bigint AND id <= @last_id::bigint
ORDER BY id
LIMIT sqlc.arg('limit')::bigint;

-- name: ListSealedChanges :many
-- Lists what a seal covers of the changes after an ID, up to another one.
SELECT
    id,
    unix_microseconds(at) AS at,
    actor,
    request_id,
    message,
    table_name,
    row_key,
    action,
    before,
    after,
    changeset_id,
    coalesce(undoes_id, 0)::bigint AS undoes_id
FROM change
WHERE id > @after_id::bigint AND id <= @last_id::bigint
ORDER BY id
LIMIT sqlc.arg('limit')::bigint;

-- name: CountChangesAfter :one
-- Counts the changes after an ID.
SELECT count(*) FROM change WHERE id > @after_id::bigint;

-- name: GetSealDelay :one
-- Returns the age of the oldest change without a seal, 0 for none; whether changes are pending; and whether these wait
-- for a transaction, with who runs it. No process runs a prepared transaction.
WITH horizon AS MATERIALIZED (SELECT settled_xid() AS xid)
SELECT
    coalesce(extract(epoch FROM clock_timestamp() - min(unsealed.at)), 0)::double precision AS seconds,
    coalesce(bool_or(pending.last_id > sealed.last_id), false)::boolean AS pending,
    coalesce(bool_or(pending.last_id > sealed.last_id AND pending.xid > horizon.xid), false)::boolean AS waits,
    coalesce(min(holder.pid), 0)::integer AS pid,
    coalesce(min(holder.role), '')::text AS role,
    coalesce(min(holder.application), '')::text AS application
FROM horizon
CROSS JOIN (SELECT coalesce(max(history_seal.last_id), 0) AS last_id FROM history_seal) AS sealed
LEFT JOIN LATERAL (
    SELECT change.at FROM change WHERE change.id > sealed.last_id ORDER BY change.id LIMIT 1
) AS unsealed ON true
LEFT JOIN history_seal_pending AS pending ON true
LEFT JOIN LATERAL transaction_backend(horizon.xid) AS holder ON true;
