-- The server authorizes a request in the same round trip as its statement. The first statement calls a function of this
-- file. If the function raises an error, Postgres skips the statement after it.
--
-- The functions run with the rights of their caller, who must be able to read the tables anyway. So they need neither a
-- fixed search_path nor privileges of their own. Postgres inlines all that are written in SQL, so that a check costs two
-- reads by primary key and no function call. It inlines functions in FROM only if they are STABLE.

-- "session" is required by routes that any role may use, but not with an API token.
CREATE FUNCTION role_level(role text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position(ARRAY['session', 'viewer', 'operator', 'admin'], role);
COMMENT ON FUNCTION role_level IS
    'The level of a role: a higher role includes the lower ones. Null for an unknown role.';


-- Writes are short, so that compiling a statement would take longer than running it.
CREATE FUNCTION set_request_context(actor text, role text, request_id text) RETURNS boolean
LANGUAGE sql
RETURN set_config('labledger.actor', actor, true) IS NOT NULL
    AND set_config('labledger.role', role, true) IS NOT NULL
    AND set_config('labledger.request_id', request_id, true) IS NOT NULL
    AND set_config('lock_timeout', '2s', true) IS NOT NULL
    AND set_config('jit', 'off', true) IS NOT NULL;
COMMENT ON FUNCTION set_request_context IS
    'Sets what the history records of the transaction, how long it waits for locks, and that it compiles nothing. '
    'Returns true.';


-- Errors name the user as COLUMN, for the log of the server.
CREATE FUNCTION refuse_request(username text, role text, required_role text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    IF username IS NULL THEN
        RAISE EXCEPTION 'the session or API token has ended' USING ERRCODE = 'LL401';
    ELSIF required_role = 'session' THEN
        RAISE EXCEPTION 'a session is required'
            USING ERRCODE = 'LL403', CONSTRAINT = 'session_only', COLUMN = username;
    END IF;
    RAISE EXCEPTION 'the role % is required', required_role
        USING ERRCODE = 'LL403', CONSTRAINT = 'caller_role', COLUMN = username, DETAIL = role, HINT = required_role;
END
$$;
COMMENT ON FUNCTION refuse_request IS
    'Raises LL401 without a user, and LL403 for a user whose role is too low or who needs a session.';


-- Reads have no request ID and need no context. The levels must be known: one that is null must not pass.
CREATE FUNCTION authorize_request(username text, role text, required_role text, request_id text) RETURNS boolean
LANGUAGE sql
RETURN CASE
    WHEN (role_level(role) >= role_level(required_role)) IS NOT TRUE
        THEN refuse_request(username, role, required_role)
    WHEN request_id IS NOT NULL
        THEN set_request_context(username, role, request_id)
    ELSE true
END;
COMMENT ON FUNCTION authorize_request IS
    'Returns true if a role suffices, otherwise raises an error. With a request ID, it sets the request context.';


CREATE FUNCTION authorize_session(session_id uuid, account_id bigint, required_role text, request_id text)
RETURNS TABLE (username text, role text)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
    SELECT
        account.username,
        account.role
    FROM (SELECT 1) AS request
    LEFT JOIN (
        session
        JOIN account ON account.id = session.account_id
    )
        ON session.id = authorize_session.session_id
        AND session.account_id = authorize_session.account_id
        AND revoked_at IS NULL
        AND expires_at > now()
        AND NOT disabled
    WHERE authorize_request(account.username, account.role, required_role, request_id);
END;
COMMENT ON FUNCTION authorize_session IS
    'Returns the user of a session. Raises LL401 if the session has ended, and LL403 if the role is too low.';


CREATE FUNCTION authorize_token(hash bytea, required_role text, request_id text)
RETURNS TABLE (token_id bigint, account_id bigint, username text, role text)
LANGUAGE sql STABLE ROWS 1
BEGIN ATOMIC
    SELECT
        caller.token_id,
        caller.account_id,
        caller.username,
        caller.role
    FROM (SELECT 1) AS request
    LEFT JOIN (
        SELECT
            api_token.id AS token_id,
            account.id AS account_id,
            account.username,
            CASE
                WHEN role_level(api_token.role) < role_level(account.role) THEN api_token.role
                ELSE account.role
            END AS role
        FROM api_token
        JOIN account ON account.id = api_token.account_id
        WHERE api_token.hash = authorize_token.hash
          AND revoked_at IS NULL
          AND expires_at > now()
          AND NOT disabled
    ) AS caller ON true
    WHERE CASE
        WHEN required_role = 'session' THEN refuse_request(caller.username, caller.role, required_role)
        ELSE authorize_request(caller.username, caller.role, required_role, request_id)
    END;
END;
COMMENT ON FUNCTION authorize_token IS
    'Returns the user of an API token and the lower of their roles. Raises LL401 if the token has ended, and LL403 if '
    'the role is too low or a session is required.';
