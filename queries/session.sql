-- name: AuthorizeSession :one
-- Returns the user that an access token acts as. Raises LL401 if the session has ended or the account is disabled, and
-- LL403 if the role is too low. With a request ID, it sets the actor, the role and the ID of the transaction.
SELECT
    username::text AS username,
    role::text AS role
FROM authorize_session(
    @session_id::uuid,
    @account_id::bigint,
    @required_role::text,
    sqlc.narg('request_id')::text
);

-- name: AuthorizeToken :one
-- Returns the user that an API token acts as. Raises LL401 if the token has ended or the account is disabled, and LL403
-- if the role is too low. With a request ID, it sets the actor, the role and the ID of the transaction.
SELECT
    token_id::bigint AS token_id,
    account_id::bigint AS account_id,
    username::text AS username,
    role::text AS role
FROM authorize_token(@hash::bytea, @required_role::text, sqlc.narg('request_id')::text);

-- name: ListEndedCredentials :many
-- Returns those of the given sessions and API tokens that are no longer valid.
SELECT key::text AS key
FROM unnest(@keys::text[]) AS credential (key)
WHERE NOT EXISTS (
    SELECT
    FROM session
    JOIN account ON account.id = account_id
    WHERE session.id = CASE WHEN starts_with(key, 'session ') THEN substr(key, 9)::uuid END
      AND revoked_at IS NULL
      AND expires_at > now()
      AND NOT disabled
)
  AND NOT EXISTS (
    SELECT
    FROM api_token
    JOIN account ON account.id = account_id
    WHERE api_token.id = CASE WHEN starts_with(key, 'token ') THEN substr(key, 7)::bigint END
      AND revoked_at IS NULL
      AND expires_at > now()
      AND NOT disabled
)
ORDER BY key;

-- name: CountLoginAttempt :one
-- Counts an attempt to sign in or to register, for each of its subjects, before it is made. Returns the number of
-- seconds to wait if a subject exceeds its limit within the time window, otherwise 0.
WITH input AS (
    SELECT
        unnest(@subjects::text[]) AS subject,
        unnest(@limits::integer[]) AS max_attempts,
        make_interval(0, 0, 0, 0, 0, 0, @seconds::integer) AS time_window
), counted AS (
    INSERT INTO login_attempt AS past (subject, attempts)
    SELECT
        subject,
        1
    FROM input
    ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET
        attempts = 1 + CASE
            WHEN past.since > now() - (SELECT max(time_window) FROM input) THEN least(past.attempts, 1000000)
            ELSE 0
        END,
        since = CASE
            WHEN past.since > now() - (SELECT max(time_window) FROM input) THEN past.since
            ELSE now()
        END
    RETURNING subject, attempts, since
)
SELECT coalesce(1 + max(extract(epoch FROM since + time_window - now())), 0)::bigint AS wait
FROM counted
JOIN input USING (subject)
WHERE attempts > max_attempts;

-- name: ResetLoginAttempts :exec
-- Reverts CountLoginAttempt after a successful attempt: all attempts for a username, one attempt for an address.
UPDATE login_attempt SET
    attempts = CASE WHEN starts_with(subject, 'name ') THEN 0 ELSE greatest(attempts - 1, 0) END
WHERE subject IN (
    SELECT locked.subject
    FROM login_attempt AS locked
    WHERE locked.subject = ANY (@subjects::text[])
    ORDER BY locked.subject
    FOR UPDATE
);

-- name: GetCredential :one
-- Returns the password hash of an account.
SELECT
    account_id,
    password_hash,
    disabled
FROM credential
JOIN account ON account.id = account_id
WHERE username = @username::text;

-- name: CreateSession :one
-- Creates a session. Returns no row if the password was changed or the account was disabled after the password was
-- verified. Statements that lock several of account, credential and session lock them in this order.
WITH enabled_account AS (
    SELECT id
    FROM account
    WHERE id = @account_id::bigint
      AND NOT disabled
    FOR SHARE
), verified_credential AS (
    SELECT account_id
    FROM credential
    JOIN enabled_account ON enabled_account.id = account_id
    WHERE password_hash = @password_hash::text
    FOR SHARE OF credential
)
INSERT INTO session (
    account_id,
    expires_at,
    user_agent,
    address
)
SELECT
    account_id,
    now() + make_interval(0, 0, 0, 0, 0, 0, @seconds::integer),
    @user_agent::text,
    @address::text
FROM verified_credential
RETURNING id, generation;

-- name: RefreshSession :one
-- Replaces the refresh token of a session by its successor. The previous token returns the same successor for some
-- more seconds, since responses can be lost. The use of an older token means that a token was stolen: it revokes the
-- session.
WITH input AS (
    SELECT
        @session_id::uuid AS session_id,
        @generation::bigint AS generation,
        make_interval(0, 0, 0, 0, 0, 0, @seconds::integer) AS lifetime,
        make_interval(0, 0, 0, 0, 0, 0, @grace::integer) AS grace
)
UPDATE session SET
    generation = session.generation + (session.generation = input.generation)::integer,
    rotated_at = CASE WHEN session.generation = input.generation THEN now() ELSE rotated_at END,
    expires_at = CASE WHEN session.generation = input.generation THEN now() + lifetime ELSE expires_at END,
    revoked_at = CASE
        WHEN session.generation = input.generation THEN NULL
        WHEN session.generation = input.generation + 1 AND rotated_at > now() - grace THEN NULL
        ELSE now()
    END
FROM input, account
WHERE session.id = input.session_id
  AND account.id = account_id
  AND revoked_at IS NULL
  AND expires_at > now()
  AND NOT disabled
RETURNING
    session.id,
    session.generation,
    session.account_id,
    username,
    (revoked_at IS NOT NULL)::boolean AS reused;

-- name: ListOwnSessions :many
-- Lists the caller's sessions. Sessions remain in the list until a month after their end.
SELECT
    id,
    created_at,
    rotated_at,
    expires_at,
    revoked_at,
    user_agent,
    address,
    (id = @caller_session::uuid)::boolean AS own
FROM session
WHERE account_id = @caller_id::bigint;

-- name: RevokeSession :one
-- Revokes one of the caller's sessions. A session that has ended stays ended: "revoke": false changes nothing.
UPDATE session SET
    revoked_at = CASE WHEN @revoke::boolean THEN coalesce(revoked_at, now()) ELSE revoked_at END
WHERE id = @session_id::uuid
  AND account_id = @caller_id::bigint
RETURNING
    id,
    created_at,
    rotated_at,
    expires_at,
    revoked_at,
    user_agent,
    address,
    (id = @caller_session::uuid)::boolean AS own;

-- name: EndSession :one
-- Ends the caller's session.
UPDATE session SET revoked_at = coalesce(revoked_at, now())
WHERE id = @caller_session::uuid
  AND account_id = @caller_id::bigint
RETURNING
    id,
    created_at,
    rotated_at,
    expires_at,
    revoked_at,
    user_agent,
    address,
    true AS own;

-- name: DeleteExpiredSessions :one
-- Deletes sessions and API tokens that ended before a time, expired password links, and login attempts whose count began
-- longer ago than a number of seconds. Returns the number of deleted rows.
WITH deleted_session AS (
    DELETE FROM session
    WHERE expires_at < @before::timestamptz OR revoked_at < @before::timestamptz
    RETURNING true
), deleted_token AS (
    DELETE FROM api_token
    WHERE expires_at < @before::timestamptz OR revoked_at < @before::timestamptz
    RETURNING true
), deleted_link AS (
    DELETE FROM password_link
    WHERE expires_at <= now()
    RETURNING true
), deleted_attempt AS (
    DELETE FROM login_attempt
    WHERE since < now() - make_interval(0, 0, 0, 0, 0, 0, @seconds::integer)
    RETURNING true
)
SELECT (
    (SELECT count(*) FROM deleted_session)
    + (SELECT count(*) FROM deleted_token)
    + (SELECT count(*) FROM deleted_link)
    + (SELECT count(*) FROM deleted_attempt)
)::bigint AS deleted;
