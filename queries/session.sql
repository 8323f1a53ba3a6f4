-- name: GetSessionPrincipal :one
-- Tells on whose behalf an access token speaks, unless its session has ended or its account is disabled.
SELECT
    username,
    role
FROM session
JOIN account ON account.id = account_id
WHERE session.id = @session_id::uuid
  AND account_id = @account_id::bigint
  AND revoked_at IS NULL
  AND expires_at > now()
  AND NOT disabled;

-- name: GetTokenPrincipal :one
-- Tells on whose behalf an API token speaks, unless it has ended or its account is disabled.
SELECT
    api_token.id,
    account_id,
    username,
    account.role,
    api_token.role AS token_role
FROM api_token
JOIN account ON account.id = account_id
WHERE hash = @hash::bytea
  AND revoked_at IS NULL
  AND expires_at > now()
  AND NOT disabled;

-- name: ListEndedCredentials :many
-- Tells which of these sessions and API tokens are good no longer.
SELECT key::text AS key
FROM unnest(@keys::text[]) AS given (key)
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
-- Counts an attempt, before it is made, for each of its subjects. Answers how many seconds to wait, because one of them has reached its limit
-- within so many seconds; 0 for none.
WITH given AS (
    SELECT
        unnest(@subjects::text[]) AS subject,
        unnest(@limits::integer[]) AS most,
        make_interval(0, 0, 0, 0, 0, 0, @seconds::integer) AS span
), taken AS (
    INSERT INTO login_attempt AS past (subject, attempts)
    SELECT
        subject,
        1
    FROM given
    ORDER BY subject
    ON CONFLICT (subject) DO UPDATE SET
        attempts = CASE WHEN past.since > now() - (SELECT max(span) FROM given) THEN least(past.attempts, 1000000) ELSE 0 END + 1,
        since = CASE WHEN past.since > now() - (SELECT max(span) FROM given) THEN past.since ELSE now() END
    RETURNING subject, attempts, since
)
SELECT coalesce(1 + max(extract(epoch FROM since + span - now())), 0)::bigint AS wait
FROM taken
JOIN given USING (subject)
WHERE attempts > most;

-- name: ResetLoginAttempts :exec
-- Takes back what CountLoginAttempt counted, after an attempt that was right: all of a name, and one of an address.
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
-- Finds what an account proves itself with.
SELECT
    account_id,
    password_hash,
    disabled
FROM credential
JOIN account ON account.id = account_id
WHERE username = @username::text;

-- name: CreateSession :one
-- Begins a session, unless the password has been changed or the account disabled since it was looked at. Account, credential, session: whoever
-- locks several of them does so in this order.
WITH who AS (
    SELECT id
    FROM account
    WHERE id = @account_id::bigint AND NOT disabled
    FOR SHARE
), proof AS (
    SELECT account_id
    FROM credential
    JOIN who ON who.id = account_id
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
FROM proof
RETURNING id, generation;

-- name: RefreshSession :one
-- Takes a refresh token of a session and gives out the next one. The one before is good for the same successor for some seconds more, since
-- answers get lost; any older one was stolen from one of the two who use it, so that the session ends.
WITH given AS (
    SELECT
        @session_id::uuid AS session_id,
        @generation::bigint AS generation,
        make_interval(0, 0, 0, 0, 0, 0, @seconds::integer) AS life,
        make_interval(0, 0, 0, 0, 0, 0, @grace::integer) AS grace
)
UPDATE session SET
    generation = session.generation + (session.generation = given.generation)::integer,
    rotated_at = CASE WHEN session.generation = given.generation THEN now() ELSE rotated_at END,
    expires_at = CASE WHEN session.generation = given.generation THEN now() + life ELSE expires_at END,
    revoked_at = CASE
        WHEN session.generation = given.generation THEN NULL
        WHEN session.generation = given.generation + 1 AND rotated_at > now() - grace THEN NULL
        ELSE now()
    END
FROM given, account
WHERE session.id = given.session_id
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
-- Lists one's own sessions, also those that have ended, for a month.
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
WHERE account_id = @caller_id::bigint
  AND id > @after::uuid
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: RevokeSession :one
-- Ends one of one's own sessions. What has ended does not come back: "revoke": false changes nothing.
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
-- Signs out: ends the session that asks.
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
-- Forgets what has ended long ago: sessions and API tokens that nobody could use since a time, and attempts to sign in. Answers how many.
WITH gone_session AS (
    DELETE FROM session
    WHERE expires_at < @before::timestamptz OR revoked_at < @before::timestamptz
    RETURNING true
), gone_token AS (
    DELETE FROM api_token
    WHERE expires_at < @before::timestamptz OR revoked_at < @before::timestamptz
    RETURNING true
), gone_attempt AS (
    DELETE FROM login_attempt
    WHERE since < now() - make_interval(0, 0, 0, 0, 0, 0, @seconds::integer)
    RETURNING true
)
SELECT ((SELECT count(*) FROM gone_session) + (SELECT count(*) FROM gone_token) + (SELECT count(*) FROM gone_attempt))::bigint AS forgotten;
