-- name: ListCheckouts :many
-- Lists the check-outs. open, overdue and user_id, the ID of the holder, are in the rows only with include.
SELECT
    sqlc.embed(checkout),
    search_text(purpose) AS search,
    (returned_at IS NULL)::boolean AS open,
    (returned_at IS NULL AND due_on IS NOT NULL AND due_on < current_date)::boolean AS overdue,
    account.id AS user_id
FROM checkout
LEFT JOIN account ON account.username = checkout.holder;

-- name: GetCheckout :one
-- Returns one check-out.
SELECT *
FROM checkout
WHERE id = @id::bigint;

-- name: PatchCheckout :one
-- Changes the due date or the purpose of a check-out.
UPDATE checkout SET
    due_on = CASE WHEN 'due_on' = ANY (@given::text[]) THEN sqlc.narg('due_on')::date ELSE due_on END,
    purpose = CASE WHEN 'purpose' = ANY (@given) THEN sqlc.narg('purpose')::text ELSE purpose END
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ListCheckoutChanges :many
-- Lists the history of a check-out, oldest change first. The history remains after the container is deleted.
SELECT *
FROM change
WHERE table_name = 'checkout'
  AND row_key = cast(@id::bigint AS text);

-- name: GetCheckoutTerms :one
-- Returns what a check-out of a container by a user records: the ID of the user, or null if there is no such user, and
-- the amount of the events.
SELECT
    account.id AS holder_id,
    (
        CASE
            WHEN round(quantity, 2) BETWEEN 0.01 AND 9999999999.99 THEN round(quantity, 2)
            ELSE 1.00
        END
    )::numeric AS amount
FROM container
LEFT JOIN account ON account.username = @holder::text
WHERE container.uuid = @container_uuid::uuid;

-- name: FindCheckout :one
-- Returns a check-out by its ID, or else the open check-out of a container, with the ID and the name of the holder and
-- with the name of the container.
SELECT
    sqlc.embed(checkout),
    account.id AS holder_id,
    coalesce(account.display_name, account.username)::text AS holder_name,
    container_name(container)::text AS container_name
FROM checkout
JOIN account ON account.username = checkout.holder
JOIN container ON container.uuid = checkout.container_uuid
WHERE checkout.id = coalesce(
    sqlc.narg('id')::bigint,
    (
        SELECT open_checkout.id
        FROM checkout AS open_checkout
        WHERE open_checkout.container_uuid = sqlc.narg('container_uuid')::uuid
          AND open_checkout.returned_at IS NULL
    )
)
  AND assert_version(checkout.version, sqlc.narg('version')::bigint);

-- name: LockContainer :exec
-- Locks a container until the transaction ends.
SELECT
FROM container
WHERE uuid = @uuid::uuid
  AND assert_version(version, sqlc.narg('version')::bigint)
FOR NO KEY UPDATE;

-- name: CreateCheckout :one
-- Stores a check-out with its event.
INSERT INTO checkout (
    container_uuid,
    holder,
    due_on,
    purpose,
    amount,
    event_id
)
VALUES (
    @container_uuid::uuid,
    @holder::text,
    sqlc.narg('due_on')::date,
    sqlc.narg('purpose')::text,
    @amount::numeric,
    @event_id::uuid
)
RETURNING *;

-- name: EndCheckout :one
-- Ends a check-out with the event of its end.
UPDATE checkout SET
    returned_at = greatest(now(), checked_out_at),
    returned_by = current_actor(),
    outcome = @outcome::text,
    return_event_id = @event_id::uuid
WHERE id = @id::bigint
RETURNING *;

-- name: UseContainer :exec
-- Records what a use left of the contents of a container, and whether they were thawed.
UPDATE container SET
    quantity = coalesce(sqlc.narg('quantity')::numeric, quantity),
    thaw_count = thaw_count + CASE WHEN @thawed::boolean THEN 1 ELSE 0 END
WHERE uuid = @uuid::uuid;

-- name: DiscardContainer :one
-- Marks a container as discarded. It lies nowhere afterwards, and its position becomes free. An open check-out ends
-- without a deposit of the holder. If containers lie in it, the request fails with 409.
WITH locked AS (
    SELECT container.uuid
    FROM container
    WHERE container.uuid = @uuid
      AND assert_version(version, sqlc.narg('version')::bigint)
    FOR NO KEY UPDATE
), ended AS (
    UPDATE checkout SET
        returned_at = greatest(now(), checked_out_at),
        returned_by = current_actor(),
        outcome = 'discarded'
    FROM locked
    WHERE container_uuid = locked.uuid
      AND returned_at IS NULL
    RETURNING checkout.id
)
UPDATE container SET
    status = 'discarded',
    status_reason = @reason::text
WHERE container.uuid = @uuid::uuid
  AND (SELECT count(*) FROM ended) >= 0 -- ends the check-out first
RETURNING *;

-- name: MarkContainerLost :one
-- Marks a container as missing. It keeps its position. An open check-out ends without a deposit of the holder.
WITH locked AS (
    SELECT container.uuid
    FROM container
    WHERE container.uuid = @uuid
      AND assert_version(version, sqlc.narg('version')::bigint)
    FOR NO KEY UPDATE
), ended AS (
    UPDATE checkout SET
        returned_at = greatest(now(), checked_out_at),
        returned_by = current_actor(),
        outcome = 'lost'
    FROM locked
    WHERE container_uuid = locked.uuid
      AND returned_at IS NULL
    RETURNING checkout.id
)
UPDATE container SET
    status = 'missing',
    status_reason = @reason::text
WHERE container.uuid = @uuid::uuid
  AND (SELECT count(*) FROM ended) >= 0 -- ends the check-out first
RETURNING *;

-- name: MarkContainerFound :one
-- Marks a missing or discarded container as stored. A discarded one lies directly in its last freezer.
UPDATE container SET status = 'stored'
WHERE uuid = @uuid::uuid
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND assert_absent(container)
RETURNING *;
