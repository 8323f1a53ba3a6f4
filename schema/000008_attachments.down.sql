CREATE OR REPLACE FUNCTION rename_owner() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE todo SET owner = NEW.username WHERE owner = OLD.username;
    UPDATE todo SET assignee = NEW.username WHERE assignee = OLD.username;
    RETURN NULL;
END
$$;
DROP FUNCTION room_for(bigint);
DROP TABLE attachment;
