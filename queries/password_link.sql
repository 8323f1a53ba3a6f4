-- name: GetAccess :one
-- Returns how a user can sign in: whether a password is set, the last sign-in, and the password link that is waiting to
-- be used. The last sign-in is known until a month after its session ends.
SELECT
    account.id,
    account.username,
    EXISTS (SELECT FROM credential WHERE credential.account_id = account.id)::boolean AS has_password,
    latest.created_at AS signed_in_at,
    password_link.created_at AS link_created_at,
    password_link.expires_at AS link_expires_at
FROM account
LEFT JOIN session AS latest ON latest.id = (
    SELECT session.id
    FROM session
    WHERE session.account_id = account.id
    ORDER BY session.created_at DESC
    LIMIT 1
)
LEFT JOIN password_link ON password_link.account_id = account.id AND password_link.expires_at > now()
WHERE account.id = @id::bigint;

-- name: LockAccountByID :one
-- Returns the account with an ID, and locks it until the transaction ends.
SELECT *
FROM account
WHERE id = @id::bigint
FOR UPDATE;

-- name: CreatePasswordLink :one
-- Creates the password link of an account, valid for 24 hours. It replaces the previous link of the account.
INSERT INTO password_link (
    account_id,
    hash,
    expires_at
)
VALUES (
    @account_id::bigint,
    @hash::bytea,
    now() + interval '24 hours'
)
ON CONFLICT (account_id) DO UPDATE SET
    hash = excluded.hash,
    created_at = excluded.created_at,
    expires_at = excluded.expires_at
RETURNING
    expires_at,
    CASE
        WHEN EXISTS (SELECT FROM credential WHERE credential.account_id = password_link.account_id) THEN 'reset'
        ELSE 'invitation'
    END::text AS kind;

-- name: DeletePasswordLink :one
-- Deletes the valid password link of a user, so that it cannot be used.
DELETE FROM password_link
WHERE account_id = @id::bigint
  AND expires_at > now()
RETURNING
    account_id AS id,
    created_at,
    expires_at;

-- name: GetPasswordLink :one
-- Returns whose password a link sets.
SELECT
    account.id AS account_id,
    account.username,
    coalesce(account.display_name, account.username)::text AS display_name,
    CASE
        WHEN EXISTS (SELECT FROM credential WHERE credential.account_id = account.id) THEN 'reset'
        ELSE 'invitation'
    END::text AS kind,
    password_link.expires_at
FROM password_link
JOIN account ON account.id = password_link.account_id
WHERE password_link.hash = @hash::bytea
  AND password_link.expires_at > now()
  AND NOT account.disabled;

-- name: UsePasswordLink :one
-- Deletes a valid link. Returns no row if the link is no longer valid.
DELETE FROM password_link
WHERE hash = @hash::bytea
  AND account_id = @account_id::bigint
  AND expires_at > now()
RETURNING account_id;
