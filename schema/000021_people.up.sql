-- People: names and e-mail addresses of users, password links, and assignees who are users.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

ALTER TABLE account
    ADD COLUMN display_name text,
    ADD COLUMN email text,
    ADD CONSTRAINT account_display_name_not_blank              CHECK (display_name ~ '[^[:space:]]'),
    ADD CONSTRAINT account_display_name_at_most_100_characters CHECK (length(display_name) <= 100),
    ADD CONSTRAINT account_display_name_in_one_line            CHECK (display_name !~ '[[:cntrl:]]'),
    ADD CONSTRAINT account_email_at_most_254_characters        CHECK (length(email) <= 254),
    ADD CONSTRAINT account_email_an_address_with_one_at_sign
        CHECK (email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+$');

COMMENT ON COLUMN account.display_name IS 'Name of the user as people read it; null to show the username.';
COMMENT ON COLUMN account.email        IS 'E-mail address of the user.';

CREATE FUNCTION names_text(display_name text, username text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN search_text(coalesce(display_name || E'\n', '') || username);
COMMENT ON FUNCTION names_text IS 'Returns the form of the names of a user that searches in the directory compare.';

DO $$
BEGIN
    DROP INDEX IF EXISTS account_search_text_idx;
    IF to_regtype('gtrgm') IS NOT NULL THEN
        CREATE INDEX account_search_text_idx ON account USING gin (search_text(
            coalesce(display_name || E'\n', '') || username || coalesce(E'\n' || email, '')
            || coalesce(E'\n' || country, '')
        ) gin_trgm_ops);
        CREATE INDEX account_names_text_idx ON account USING gin (names_text(display_name, username) gin_trgm_ops);
    END IF;
END
$$;
CREATE INDEX account_display_name_id_idx
    ON account (left(coalesce(display_name, username), 100) COLLATE natural_sort, id);


CREATE TABLE password_link (
    account_id bigint      CONSTRAINT password_link_pkey PRIMARY KEY
                               CONSTRAINT password_link_account_id_fkey REFERENCES account (id)
                               ON UPDATE CASCADE ON DELETE CASCADE,
    hash       bytea       NOT NULL CONSTRAINT password_link_hash_unique UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    CONSTRAINT password_link_hash_32_bytes CHECK (octet_length(hash) = 32),
    CONSTRAINT password_link_expires_at_within_24_hours
        CHECK (expires_at > created_at AND expires_at <= created_at + interval '24 hours')
);

CREATE INDEX password_link_expires_at_idx ON password_link (expires_at);

COMMENT ON TABLE  password_link            IS
    'A link with which a user chooses a password once: an invitation or a reset. A new link of an account replaces the '
    'previous one. A link is deleted when it is used, when the password changes and when the account is disabled.';
COMMENT ON COLUMN password_link.account_id IS 'ID of the account whose password the link sets.';
COMMENT ON COLUMN password_link.hash       IS 'SHA-256 of the token in the link.';
COMMENT ON COLUMN password_link.created_at IS 'Time when the link was created.';
COMMENT ON COLUMN password_link.expires_at IS 'Time when the link expires.';

CREATE FUNCTION record_password_link() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    before jsonb := CASE
        WHEN TG_OP <> 'INSERT' THEN jsonb_build_object('account_id', OLD.account_id, 'expires_at', OLD.expires_at)
    END;
    after  jsonb := CASE
        WHEN TG_OP <> 'DELETE' THEN jsonb_build_object('account_id', NEW.account_id, 'expires_at', NEW.expires_at)
    END;
BEGIN
    IF TG_OP = 'DELETE' AND OLD.expires_at <= now() THEN
        RETURN NULL;
    END IF;
    INSERT INTO change (actor, request_id, message, table_name, row_key, action, before, after)
    VALUES (
        current_actor(),
        nullif(current_setting('labledger.request_id', true), ''),
        current_change_message(),
        TG_TABLE_NAME,
        coalesce(after, before) ->> 'account_id',
        lower(TG_OP),
        before,
        after
    );
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION record_password_link IS
    'Trigger function: records in the history that a link was created, replaced or deleted, without its hash. Does not '
    'record the deletion of an expired link.';
REVOKE EXECUTE ON FUNCTION record_password_link FROM PUBLIC;

CREATE TRIGGER record_password_link AFTER INSERT OR UPDATE OR DELETE ON password_link
    FOR EACH ROW EXECUTE FUNCTION record_password_link();

-- end_password_links(column of the account's ID) also covers changes made in psql.
CREATE FUNCTION end_password_links() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    DELETE FROM password_link WHERE account_id = (to_jsonb(NEW) ->> TG_ARGV[0])::bigint;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION end_password_links IS
    'Trigger function: deletes the link of an account whose password changed or that was disabled.';

CREATE TRIGGER end_password_links AFTER INSERT OR UPDATE OF password_hash ON credential
    FOR EACH ROW EXECUTE FUNCTION end_password_links('account_id');
CREATE TRIGGER end_password_links AFTER UPDATE OF disabled ON account
    FOR EACH ROW WHEN (NEW.disabled AND NOT OLD.disabled) EXECUTE FUNCTION end_password_links('id');


-- Assignees are users. The history keeps the names that are not usernames.
UPDATE todo SET assignee = NULL
WHERE assignee IS NOT NULL
  AND NOT EXISTS (SELECT FROM account WHERE username = todo.assignee);
UPDATE alert SET assignee = NULL
WHERE assignee IS NOT NULL
  AND NOT EXISTS (SELECT FROM account WHERE username = alert.assignee);

ALTER TABLE todo
    DROP CONSTRAINT todo_assignee_at_most_100_characters,
    ADD CONSTRAINT todo_assignee_fkey FOREIGN KEY (assignee) REFERENCES account (username)
        ON UPDATE CASCADE ON DELETE SET NULL;

COMMENT ON COLUMN todo.assignee IS 'Username of the assignee; becomes null if the user is deleted.';

-- A trigger instead of a foreign key: no key ties the ledger to other tables, so that it can be distributed by user.
-- The trigger runs while the alert is locked. An assignee that stays the same is not locked: a rename locks the account
-- first and then the alerts, so that both transactions could wait for each other.
CREATE FUNCTION assert_assignee_exists() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.assignee = OLD.assignee THEN
        RETURN NEW;
    END IF;
    PERFORM FROM account WHERE username = NEW.assignee FOR KEY SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no user %', NEW.assignee
            USING ERRCODE = 'foreign_key_violation', COLUMN = 'assignee';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION assert_assignee_exists IS 'Trigger function: rejects a row whose assignee does not exist.';

CREATE TRIGGER assert_assignee_exists BEFORE INSERT OR UPDATE OF assignee ON alert
    FOR EACH ROW WHEN (NEW.assignee IS NOT NULL) EXECUTE FUNCTION assert_assignee_exists();

-- The foreign key renames the assignees of todos.
CREATE OR REPLACE FUNCTION rename_owner() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE todo SET owner = NEW.username WHERE owner = OLD.username;
    UPDATE attachment SET owner = NEW.username WHERE owner = OLD.username;
    UPDATE alert SET assignee = NEW.username WHERE assignee = OLD.username;
    RETURN NULL;
END
$$;

CREATE FUNCTION unassign_alerts() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE alert SET assignee = NULL WHERE assignee = OLD.username;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION unassign_alerts IS 'Trigger function: unassigns the alerts of a deleted user.';

CREATE TRIGGER unassign_alerts AFTER DELETE ON account
    FOR EACH ROW EXECUTE FUNCTION unassign_alerts();


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT SELECT, INSERT, UPDATE, DELETE ON password_link TO labledger_server;
    END IF;
END
$$;
