-- name: ListAccounts :many
-- Lists the accounts in the order of their numbers.
SELECT *
FROM account
WHERE id > @after::bigint
  AND (sqlc.narg('username')::text IS NULL OR username = sqlc.narg('username'))
  AND (sqlc.narg('country')::text IS NULL OR country = sqlc.narg('country'))
  AND (sqlc.narg('risk')::text IS NULL OR risk = sqlc.narg('risk'))
  AND (sqlc.narg('role')::text IS NULL OR role = sqlc.narg('role'))
  AND (sqlc.narg('disabled')::boolean IS NULL OR disabled = sqlc.narg('disabled'))
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: GetAccount :one
-- Shows one account.
SELECT *
FROM account
WHERE id = @id::bigint;

-- name: GetDirectoryEntry :one
-- Shows what everyone may know of an account. Upper and lower case differ.
SELECT
    username,
    country
FROM account
WHERE username = @username::text;

-- name: CreateAccount :one
-- Creates an account; the server chooses its number.
INSERT INTO account (
    username,
    country,
    risk,
    role,
    disabled
)
VALUES (
    @username::text,
    sqlc.narg('country')::text,
    sqlc.narg('risk')::text,
    coalesce(sqlc.narg('role')::text, 'viewer'),
    coalesce(sqlc.narg('disabled')::boolean, false)
)
RETURNING *;

-- name: UpsertAccount :one
-- Stores a whole account under its number: creates it, or replaces what was there. Its risk level holds from the user's next event on.
INSERT INTO account (
    id,
    username,
    country,
    risk,
    role,
    disabled
)
SELECT
    @id::bigint,
    @username::text,
    sqlc.narg('country')::text,
    sqlc.narg('risk')::text,
    @role::text,
    @disabled::boolean
WHERE coalesce(sqlc.narg('version')::bigint, 0) = 0
   OR EXISTS (SELECT FROM account WHERE id = @id)
ON CONFLICT (id) DO UPDATE SET
    username = excluded.username,
    country = excluded.country,
    risk = excluded.risk,
    role = excluded.role,
    disabled = excluded.disabled
WHERE same_version(account.version, sqlc.narg('version'))
RETURNING sqlc.embed(account), xmax = 0 AS created;

-- name: PatchAccount :one
-- Changes the given fields of an account and leaves the others as they are.
UPDATE account SET
    username = CASE WHEN 'username' = ANY (@given::text[]) THEN @username::text ELSE username END,
    country = CASE WHEN 'country' = ANY (@given) THEN sqlc.narg('country')::text ELSE country END,
    risk = CASE WHEN 'risk' = ANY (@given) THEN sqlc.narg('risk')::text ELSE risk END,
    role = CASE WHEN 'role' = ANY (@given) THEN @role::text ELSE role END,
    disabled = CASE WHEN 'disabled' = ANY (@given) THEN @disabled::boolean ELSE disabled END
WHERE id = @id::bigint
  AND same_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteAccount :one
-- Deletes an account. What its user put in and took out stays in the ledger, judged as of medium risk from then on.
DELETE FROM account
WHERE id = @id::bigint
  AND same_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ImportAccounts :one
-- Stores many accounts: a line with a number is created or replaced, one without a number is created.
WITH input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        value ->> 'username' AS username,
        value ->> 'country' AS country,
        value ->> 'risk' AS risk,
        value ->> 'role' AS role,
        (value ->> 'disabled')::boolean AS disabled,
        (value ->> 'version')::bigint AS version
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT id, version, account.xmin = pg_current_xact_id()::xid AS written
    FROM account
    WHERE id IN (SELECT input.id FROM input)
    ORDER BY id
    FOR UPDATE
), taken AS (
    SELECT username, id
    FROM account
    WHERE username IN (SELECT input.username FROM input)
), problem AS (
    SELECT line, 'id' AS field, 409 AS status, 'is taken by an earlier line' AS message
    FROM (SELECT line, id, row_number() OVER (PARTITION BY id ORDER BY line) AS nth FROM input WHERE id IS NOT NULL) AS twin
    LEFT JOIN present USING (id)
    WHERE nth > 1 OR written
    UNION ALL
    SELECT line, 'username', 409, 'is taken by an earlier line'
    FROM (SELECT line, row_number() OVER (PARTITION BY username ORDER BY line) AS nth FROM input) AS twin
    WHERE nth > 1
    UNION ALL
    SELECT line, 'username', 409, 'is taken: another account has it'
    FROM input
    JOIN taken USING (username)
    WHERE input.id IS DISTINCT FROM taken.id
    UNION ALL
    SELECT line, 'version', 412, coalesce('the row is at version ' || present.version, 'there is no such row; leave the version out to create it')
    FROM input
    LEFT JOIN present USING (id)
    WHERE input.version <> coalesce(present.version, 0)
), good AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO account (username, country, risk, role, disabled)
    SELECT username, country, risk, role, disabled
    FROM good
    CROSS JOIN reserve_id('account', (SELECT max(good.id) FROM good))
    WHERE id IS NULL
    ORDER BY line
    RETURNING true AS created
), upserted AS (
    INSERT INTO account (id, username, country, risk, role, disabled)
    SELECT id, username, country, risk, role, disabled
    FROM good
    WHERE id IS NOT NULL
    ORDER BY id
    ON CONFLICT (id) DO UPDATE SET
        username = excluded.username,
        country = excluded.country,
        risk = excluded.risk,
        role = excluded.role,
        disabled = excluded.disabled
    RETURNING xmax = 0 AS created
)
SELECT
    (SELECT (SELECT count(*) FROM created) + (SELECT count(*) FROM upserted WHERE upserted.created))::bigint AS created,
    (SELECT count(*) FROM upserted WHERE NOT upserted.created) AS updated,
    (SELECT coalesce(jsonb_agg(to_jsonb(problem) ORDER BY problem.line), '[]') FROM problem)::jsonb AS problems;

-- name: ListAccountChanges :many
-- Lists the history of an account, also of one that is deleted.
SELECT
    id,
    at,
    actor,
    request_id,
    table_name,
    row_key,
    action,
    before,
    after
FROM change
WHERE table_name = 'account'
  AND row_key = cast(@id::bigint AS text)
  AND id > @after::bigint
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: RegisterAccount :one
-- Creates an account of one's own, as a viewer.
WITH created AS (
    INSERT INTO account (username, country)
    SELECT
        @username::text,
        sqlc.narg('country')::text
    WHERE never_used(@username::text)
    RETURNING *
), kept AS (
    INSERT INTO credential (account_id, password_hash)
    SELECT
        id,
        @password_hash::text
    FROM created
)
SELECT * FROM created;

-- name: GetOwnAccount :one
-- Shows one's own account.
SELECT *
FROM account
WHERE id = @caller_id::bigint;

-- name: UpdateOwnAccount :one
-- Changes the given fields of one's own account.
UPDATE account SET
    country = CASE WHEN 'country' = ANY (@given::text[]) THEN sqlc.narg('country')::text ELSE country END
WHERE id = @caller_id::bigint
  AND same_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteOwnAccount :one
-- Deletes one's own account, with its sessions and API tokens. What its user did stays in the ledger and in the history.
DELETE FROM account
WHERE id = @caller_id::bigint
  AND same_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ReplacePassword :one
-- Gives one's own account a new password, unless the old one was replaced, the account disabled or the session ended since they were looked at.
-- All sessions and API tokens end.
WITH who AS (
    SELECT id
    FROM account
    WHERE id = @caller_id::bigint AND NOT disabled
    FOR SHARE
), proof AS (
    SELECT account_id
    FROM credential
    JOIN who ON who.id = account_id
    WHERE password_hash = @password_hash::text
    FOR UPDATE OF credential
), asking AS (
    SELECT session.account_id
    FROM session
    JOIN proof ON proof.account_id = session.account_id
    WHERE session.id = @caller_session::uuid AND revoked_at IS NULL AND expires_at > now()
    FOR UPDATE OF session
)
UPDATE credential SET
    password_hash = @new_password_hash::text,
    changed_at = now()
FROM asking
WHERE credential.account_id = asking.account_id
RETURNING credential.account_id;

-- name: SetPassword :exec
-- Gives an account a password. All its sessions and API tokens end.
INSERT INTO credential (
    account_id,
    password_hash
)
SELECT
    id,
    @password_hash::text
FROM account
WHERE username = @username::text
ON CONFLICT (account_id) DO UPDATE SET
    password_hash = excluded.password_hash,
    changed_at = now();

-- name: LockAccount :one
-- Finds the account of a name and lets nobody else change it until the transaction ends.
SELECT *
FROM account
WHERE username = @username::text
FOR UPDATE;

-- name: ListAccountsWithLastLogin :many
-- Lists who there is, and how they sign in. A sign-in is known for a month after its session has ended.
SELECT
    account.id,
    username,
    role,
    risk,
    disabled,
    EXISTS (SELECT FROM credential WHERE account_id = account.id)::boolean AS has_password,
    latest.created_at AS signed_in_at
FROM account
LEFT JOIN session AS latest ON latest.id = (
    SELECT session.id
    FROM session
    WHERE session.account_id = account.id
    ORDER BY session.created_at DESC
    LIMIT 1
)
ORDER BY account.id;

-- name: HasAdmin :one
-- Tells whether there is an admin who can sign in.
SELECT EXISTS (
    SELECT
    FROM account
    JOIN credential ON account_id = account.id
    WHERE role = 'admin'
      AND NOT disabled
)::boolean AS there;
