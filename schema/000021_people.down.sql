DROP TRIGGER unassign_alerts ON account;
DROP FUNCTION unassign_alerts();

CREATE OR REPLACE FUNCTION rename_owner() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE todo SET owner = NEW.username WHERE owner = OLD.username;
    UPDATE todo SET assignee = NEW.username WHERE assignee = OLD.username;
    UPDATE attachment SET owner = NEW.username WHERE owner = OLD.username;
    UPDATE alert SET assignee = NEW.username WHERE assignee = OLD.username;
    RETURN NULL;
END
$$;

DROP TRIGGER assert_assignee_exists ON alert;
DROP FUNCTION assert_assignee_exists();

ALTER TABLE todo
    DROP CONSTRAINT todo_assignee_fkey,
    ADD CONSTRAINT todo_assignee_at_most_100_characters CHECK (length(assignee) <= 100);
COMMENT ON COLUMN todo.assignee IS 'Username of the assignee.';

DROP TRIGGER end_password_links ON account;
DROP TRIGGER end_password_links ON credential;
DROP FUNCTION end_password_links();
DROP TABLE password_link;
DROP FUNCTION record_password_link();

DROP INDEX account_display_name_id_idx;
DROP INDEX IF EXISTS account_names_text_idx, account_search_text_idx;
DROP FUNCTION names_text(text, text);
ALTER TABLE account
    DROP COLUMN display_name,
    DROP COLUMN email;

DO $$
BEGIN
    IF to_regtype('gtrgm') IS NOT NULL THEN
        CREATE INDEX account_search_text_idx ON account USING gin (search_text(
            username || coalesce(E'\n' || country, '')
        ) gin_trgm_ops);
    END IF;
END
$$;
