-- name: ListTokens :many
-- Lists the caller's API tokens with their first characters. The tokens themselves are not stored.
SELECT
    id,
    name,
    prefix,
    role,
    created_at,
    expires_at,
    revoked_at
FROM api_token
WHERE account_id = @caller_id::bigint;

-- name: CreateToken :one
-- Creates an API token for a script, valid for at most a year. The caller's session must be valid.
INSERT INTO api_token (
    account_id,
    name,
    prefix,
    hash,
    role,
    expires_at
)
SELECT
    account_id,
    @name::text,
    @prefix::text,
    @hash::bytea,
    @role::text,
    now() + make_interval(0, 0, 0, @days::integer)
FROM session
WHERE id = @caller_session::uuid
  AND revoked_at IS NULL
FOR SHARE
RETURNING
    id,
    name,
    prefix,
    role,
    created_at,
    expires_at;

-- name: RevokeToken :one
-- Revokes one of the caller's API tokens.
UPDATE api_token SET revoked_at = coalesce(revoked_at, now())
WHERE id = @id::bigint
  AND account_id = @caller_id::bigint
RETURNING
    id,
    name,
    prefix,
    role,
    created_at,
    expires_at,
    revoked_at;
