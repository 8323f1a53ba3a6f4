-- Owners keep their prefixes: without them, they could become the names of accounts.
CREATE OR REPLACE FUNCTION assert_username_unused(name text) RETURNS boolean
LANGUAGE plpgsql
AS $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = name)
        OR EXISTS (
            SELECT FROM change WHERE table_name = 'account' AND before IS NOT NULL AND before ->> 'username' = name
        )
    THEN
        RAISE EXCEPTION 'the username was used before'
            USING ERRCODE = 'unique_violation', TABLE = 'account', CONSTRAINT = 'account_username_unique';
    END IF;
    RETURN true;
END
$$;

DROP INDEX change_before_username_idx;
CREATE INDEX change_before_username_idx ON change ((before ->> 'username'))
    WHERE table_name = 'account' AND before IS NOT NULL;

CREATE OR REPLACE FUNCTION current_actor() RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(nullif(current_setting('labledger.actor', true), ''), session_user);

ALTER TABLE account
    DROP CONSTRAINT account_username_without_the_prefix_os_or_db,
    DROP CONSTRAINT account_username_other_than_anonymous,
    ADD CONSTRAINT account_username_other_than_anonymous CHECK (username <> 'anonymous');

DROP INDEX account_username_key_idx;
DROP FUNCTION username_key(text);
