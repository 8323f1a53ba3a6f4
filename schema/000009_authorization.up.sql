-- The server authorizes a request in the same round trip as its statement. First it calls a function of this file. If
-- the function raises an error, Postgres skips the statement.
--
-- The functions run with the rights of their caller, who must be able to read the tables anyway. So they need neither a
-- fixed search_path nor privileges of their own. They are volatile: a volatile function reads the rows as of its call,
-- after it has waited for locks, and not as of the statement that calls it.

-- "session" is required by routes that any role may use, but not with an API token.
CREATE FUNCTION role_level(role text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position(ARRAY['session', 'viewer', 'operator', 'admin'], role);
COMMENT ON FUNCTION role_level IS
    'The level of a role: a higher role includes the lower ones. Null for an unknown role.';


-- The settings end with the transaction. A read has no request ID and needs none of them. The role must be known: a
-- null level, which compares to null, must not pass. Errors name the user as COLUMN, for the log of the server.
CREATE FUNCTION begin_request(actor text, role text, request_id text, required_role text) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    IF (role_level(role) >= role_level(required_role)) IS NOT TRUE THEN
        RAISE EXCEPTION 'the role % is required', required_role
            USING ERRCODE = 'LL403', CONSTRAINT = 'caller_role', COLUMN = actor, DETAIL = role, HINT = required_role;
    END IF;
    IF request_id IS NOT NULL THEN
        PERFORM set_config('labledger.actor', actor, true),
                set_config('labledger.role', role, true),
                set_config('labledger.request_id', request_id, true),
                set_config('lock_timeout', '2s', true);
    END IF;
END
$$;
COMMENT ON FUNCTION begin_request IS
    'Raises LL403 if a role is too low. With a request ID, it sets what the history records of the transaction.';


CREATE FUNCTION authorize_session(
    session_id    uuid,
    account_id    bigint,
    required_role text,
    request_id    text,
    OUT username  text,
    OUT role      text
)
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT account.username, account.role
    INTO username, role
    FROM session
    JOIN account ON account.id = session.account_id
    WHERE session.id = authorize_session.session_id
      AND session.account_id = authorize_session.account_id
      AND revoked_at IS NULL
      AND expires_at > now()
      AND NOT disabled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the session has ended' USING ERRCODE = 'LL401';
    END IF;
    PERFORM begin_request(username, role, request_id, required_role);
END
$$;
COMMENT ON FUNCTION authorize_session IS
    'Returns the user of a session. Raises LL401 if the session has ended, and LL403 if the role is too low.';


CREATE FUNCTION authorize_token(
    hash           bytea,
    required_role  text,
    request_id     text,
    OUT token_id   bigint,
    OUT account_id bigint,
    OUT username   text,
    OUT role       text
)
LANGUAGE plpgsql
AS $$
BEGIN
    SELECT
        api_token.id,
        account.id,
        account.username,
        CASE WHEN role_level(api_token.role) < role_level(account.role) THEN api_token.role ELSE account.role END
    INTO token_id, account_id, username, role
    FROM api_token
    JOIN account ON account.id = api_token.account_id
    WHERE api_token.hash = authorize_token.hash
      AND revoked_at IS NULL
      AND expires_at > now()
      AND NOT disabled;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'the API token has ended' USING ERRCODE = 'LL401';
    END IF;
    IF required_role = 'session' THEN
        RAISE EXCEPTION 'a session is required'
            USING ERRCODE = 'LL403', CONSTRAINT = 'session_only', COLUMN = username;
    END IF;
    PERFORM begin_request(username, role, request_id, required_role);
END
$$;
COMMENT ON FUNCTION authorize_token IS
    'Returns the user of an API token and the lower of their roles. Raises LL401 if the token has ended, and LL403 if '
    'the role is too low or a session is required.';
