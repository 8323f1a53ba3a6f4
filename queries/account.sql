-- name: ListAccounts :many
-- Lists the users.
SELECT
    sqlc.embed(account),
    search_text(
        coalesce(display_name || E'\n', '') || username || coalesce(E'\n' || email, '') || coalesce(E'\n' || country, '')
    ) AS search
FROM account;

-- name: ListDirectory :many
-- Lists the names of all users. The display name of a user without one is the username.
SELECT
    id,
    username,
    coalesce(display_name, username)::text AS display_name,
    names_text(display_name, username) AS search
FROM account;

-- name: GetDirectoryUser :one
-- Returns the names of one user.
SELECT
    id,
    username,
    coalesce(display_name, username)::text AS display_name
FROM account
WHERE id = @id::bigint;

-- name: GetAccount :one
-- Returns one user.
SELECT *
FROM account
WHERE id = @id::bigint;

-- name: GetDirectoryEntry :one
-- Returns the username and the country of a user. The username is case-sensitive.
SELECT
    username,
    country
FROM account
WHERE username = @username::text;

-- name: CreateAccount :one
-- Creates a user. The server assigns the ID. The default role is viewer.
INSERT INTO account (
    username,
    display_name,
    email,
    country,
    risk,
    role,
    disabled
)
VALUES (
    @username::text,
    sqlc.narg('display_name')::text,
    sqlc.narg('email')::text,
    sqlc.narg('country')::text,
    sqlc.narg('risk')::text,
    coalesce(sqlc.narg('role')::text, 'viewer'),
    coalesce(sqlc.narg('disabled')::boolean, false)
)
RETURNING *;

-- name: UpsertAccount :one
-- Creates or replaces the user with this ID. A new risk level applies from the user's next event on.
INSERT INTO account (
    id,
    username,
    display_name,
    email,
    country,
    risk,
    role,
    disabled
)
SELECT
    @id::bigint,
    @username::text,
    sqlc.narg('display_name')::text,
    sqlc.narg('email')::text,
    sqlc.narg('country')::text,
    sqlc.narg('risk')::text,
    @role::text,
    @disabled::boolean
WHERE coalesce(sqlc.narg('version')::bigint, 0) = 0
   OR EXISTS (SELECT FROM account WHERE id = @id)
ON CONFLICT (id) DO UPDATE SET
    username = excluded.username,
    display_name = excluded.display_name,
    email = excluded.email,
    country = excluded.country,
    risk = excluded.risk,
    role = excluded.role,
    disabled = excluded.disabled
WHERE assert_version(account.version, sqlc.narg('version'))
RETURNING sqlc.embed(account), xmax = 0 AS created;

-- name: PatchAccount :one
-- Changes the given fields of a user. The other fields keep their values.
UPDATE account SET
    username = CASE WHEN 'username' = ANY (@given::text[]) THEN @username::text ELSE username END,
    display_name = CASE
        WHEN 'display_name' = ANY (@given) THEN sqlc.narg('display_name')::text
        ELSE display_name
    END,
    email = CASE WHEN 'email' = ANY (@given) THEN sqlc.narg('email')::text ELSE email END,
    country = CASE WHEN 'country' = ANY (@given) THEN sqlc.narg('country')::text ELSE country END,
    risk = CASE WHEN 'risk' = ANY (@given) THEN sqlc.narg('risk')::text ELSE risk END,
    role = CASE WHEN 'role' = ANY (@given) THEN @role::text ELSE role END,
    disabled = CASE WHEN 'disabled' = ANY (@given) THEN @disabled::boolean ELSE disabled END
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteAccount :one
-- Deletes a user. The user's events remain in the ledger; later events with this user_id are evaluated at medium risk. A
-- user with check-outs cannot be deleted, but disabled.
DELETE FROM account
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND assert_no_checkouts(account)
RETURNING *;

-- name: ImportAccounts :one
-- Imports users. A line with an ID creates that user, or changes the fields of it that the line names. A line
-- without an ID creates a user.
WITH element AS (
    SELECT line, value
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT
        id,
        version,
        account.xmin = pg_current_xact_id()::xid AS written,
        to_jsonb(account) - 'version' AS stored
    FROM account
    WHERE id IN (SELECT (value ->> 'id')::bigint FROM element)
    ORDER BY id
    FOR UPDATE
), input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        merged ->> 'username' AS username,
        merged ->> 'display_name' AS display_name,
        merged ->> 'email' AS email,
        merged ->> 'country' AS country,
        merged ->> 'risk' AS risk,
        coalesce(merged ->> 'role', 'viewer') AS role,
        coalesce((merged ->> 'disabled')::boolean, false) AS disabled,
        (value ->> 'version')::bigint AS version,
        merged
    FROM element
    LEFT JOIN present ON present.id = (value ->> 'id')::bigint
    CROSS JOIN LATERAL (SELECT coalesce(stored, '{}') || value AS merged) AS row_of_line
), taken AS (
    SELECT username, id
    FROM account
    WHERE username_key(username) IN (SELECT username_key(input.username) FROM input)
), problem AS (
    SELECT line, 'id' AS field, 409 AS status, 'is already used by an earlier line' AS message
    FROM (
        SELECT line, id, row_number() OVER (PARTITION BY id ORDER BY line) AS nth
        FROM input
        WHERE id IS NOT NULL
    ) AS numbered
    LEFT JOIN present USING (id)
    WHERE nth > 1 OR written
    UNION ALL
    SELECT
        line,
        'username',
        409,
        CASE WHEN username = earlier THEN 'is already used by' ELSE 'looks like the username in' END
        || ' an earlier line'
    FROM (
        SELECT line, username, lag(username) OVER (PARTITION BY username_key(username) ORDER BY line) AS earlier
        FROM input
    ) AS numbered
    WHERE earlier IS NOT NULL
    UNION ALL
    SELECT
        line,
        'username',
        409,
        CASE WHEN input.username = taken.username THEN 'is already used by' ELSE 'looks like the username of' END
        || ' another account'
    FROM input
    JOIN taken ON username_key(taken.username) = username_key(input.username)
    WHERE input.id IS DISTINCT FROM taken.id
    UNION ALL
    SELECT
        line,
        'version',
        412,
        coalesce(
            'the row is at version ' || present.version,
            'there is no such row; leave the version out to create it'
        )
    FROM input
    LEFT JOIN present USING (id)
    WHERE input.version <> coalesce(present.version, 0)
    UNION ALL
    SELECT line, field, 400, format('is missing, but needed to create user %s', id)
    FROM input
    CROSS JOIN unnest(ARRAY['username']) AS field
    WHERE id IS NOT NULL
      AND merged -> field IS NULL
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO account (username, display_name, email, country, risk, role, disabled)
    SELECT username, display_name, email, country, risk, role, disabled
    FROM valid
    CROSS JOIN advance_ids('account', ARRAY(SELECT valid.id FROM valid WHERE valid.id IS NOT NULL))
    WHERE id IS NULL
    ORDER BY line
    RETURNING true AS created
), inserted AS (
    INSERT INTO account (id, username, display_name, email, country, risk, role, disabled)
    SELECT id, username, display_name, email, country, risk, role, disabled
    FROM valid
    WHERE id IS NOT NULL
      AND id NOT IN (SELECT present.id FROM present)
    ORDER BY id
    RETURNING true AS created
), updated AS (
    UPDATE account SET
        username = valid.username,
        display_name = valid.display_name,
        email = valid.email,
        country = valid.country,
        risk = valid.risk,
        role = valid.role,
        disabled = valid.disabled
    FROM valid
    WHERE account.id = valid.id
    RETURNING true AS updated
)
SELECT
    (
        SELECT (SELECT count(*) FROM created) + (SELECT count(*) FROM inserted)
    )::bigint AS created,
    (SELECT count(*) FROM updated) AS updated,
    (
        SELECT count(*)
        FROM valid
        JOIN present USING (id)
        CROSS JOIN jsonb_each(stored) AS field (name, value)
        WHERE field.value <> 'null'
          AND merged -> field.name = 'null'
    ) AS cleared,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(problem) ORDER BY problem.line), '[]')
        FROM problem
    )::jsonb AS problems;

-- name: ListAccountChanges :many
-- Lists the history of a user, oldest change first. The history remains after the user is deleted.
SELECT *
FROM change
WHERE table_name = 'account'
  AND row_key = cast(@id::bigint AS text);

-- name: RegisterAccount :one
-- Creates an account with the role viewer and stores its password. The username must never have been used before.
WITH created AS (
    INSERT INTO account (username, display_name, email, country)
    SELECT
        @username::text,
        sqlc.narg('display_name')::text,
        sqlc.narg('email')::text,
        sqlc.narg('country')::text
    WHERE assert_username_unused(@username::text)
    RETURNING *
), stored AS (
    INSERT INTO credential (account_id, password_hash)
    SELECT
        id,
        @password_hash::text
    FROM created
)
SELECT * FROM created;

-- name: GetOwnAccount :one
-- Returns the caller's account.
SELECT *
FROM account
WHERE id = @caller_id::bigint;

-- name: UpdateOwnAccount :one
-- Changes the given fields of the caller's account.
UPDATE account SET
    display_name = CASE
        WHEN 'display_name' = ANY (@given::text[]) THEN sqlc.narg('display_name')::text
        ELSE display_name
    END,
    email = CASE WHEN 'email' = ANY (@given) THEN sqlc.narg('email')::text ELSE email END,
    country = CASE WHEN 'country' = ANY (@given) THEN sqlc.narg('country')::text ELSE country END
WHERE id = @caller_id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteOwnAccount :one
-- Deletes the caller's account, with its sessions and API tokens. The caller's events and changes remain in the ledger
-- and in the history. An account with check-outs cannot be deleted.
DELETE FROM account
WHERE id = @caller_id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND assert_no_checkouts(account)
RETURNING *;

-- name: ReplacePassword :one
-- Replaces the password of the caller's account. All its sessions and API tokens end. Returns no row if the old
-- password was replaced, the account was disabled or the session ended after the old password was verified.
WITH enabled_account AS (
    SELECT id
    FROM account
    WHERE id = @caller_id::bigint
      AND NOT disabled
    FOR SHARE
), old_credential AS (
    SELECT account_id
    FROM credential
    JOIN enabled_account ON enabled_account.id = account_id
    WHERE password_hash = @password_hash::text
    FOR UPDATE OF credential
), valid_session AS (
    SELECT session.account_id
    FROM session
    JOIN old_credential ON old_credential.account_id = session.account_id
    WHERE session.id = @caller_session::uuid
      AND revoked_at IS NULL
      AND expires_at > now()
    FOR UPDATE OF session
)
UPDATE credential SET
    password_hash = @new_password_hash::text,
    changed_at = now()
FROM valid_session
WHERE credential.account_id = valid_session.account_id
RETURNING credential.account_id;

-- name: SetPassword :exec
-- Sets the password of an account. All its sessions and API tokens end.
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
-- Returns the account with a username, and locks it until the transaction ends.
SELECT *
FROM account
WHERE username = @username::text
FOR UPDATE;

-- name: ListAccountsWithLastLogin :many
-- Lists all accounts with the time of their last login. The time is known until a month after the session ends.
SELECT
    account.id,
    username,
    display_name,
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
-- Reports whether an admin exists who can sign in.
SELECT EXISTS (
    SELECT
    FROM account
    JOIN credential ON account_id = account.id
    WHERE role = 'admin'
      AND NOT disabled
)::boolean AS has_admin;

-- name: ListRiskLevels :many
-- Lists the risk levels of users in ascending order of ID.
SELECT
    id,
    risk
FROM account
WHERE id > @after::bigint
ORDER BY id
LIMIT sqlc.arg('limit')::bigint;
