-- name: ListTokens :many
-- Lists one's own API tokens, by what they begin with. The tokens themselves are not kept.
SELECT
    id,
    name,
    prefix,
    role,
    created_at,
    expires_at,
    revoked_at
FROM api_token
WHERE account_id = @caller_id::bigint
  AND id > @after::bigint
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: CreateToken :one
-- Makes an API token for a script, good for at most a year. The session that asks must still live.
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
-- Ends one of one's own API tokens.
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
