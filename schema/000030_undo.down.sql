DROP FUNCTION undo_changeset(text);
DROP FUNCTION list_changesets(text);
DROP VIEW changeset;
DROP FUNCTION changeset_undo_problem(bigint, text);
DROP FUNCTION changeset_summary(bigint, text);
DROP FUNCTION changeset_part_text(text, text, bigint, change, text, boolean);
DROP FUNCTION is_visible(text, text);
DROP FUNCTION constraint_conflict(text, text, text, text);
DROP FUNCTION assert_restored_capacities(bigint);
DROP FUNCTION list_side_effects(bigint, bigint);
DROP FUNCTION list_unrestored(bigint);
DROP FUNCTION restore_rows(bigint);
DROP FUNCTION restore_run_in_order(text, text, text[], jsonb[]);
DROP FUNCTION restore_run(text, text, text[], jsonb[]);
DROP FUNCTION list_changes_since(bigint);
DROP FUNCTION is_stored(text, text, jsonb);
DROP FUNCTION lock_changed_rows(bigint);
DROP FUNCTION assert_undoable(bigint);
DROP FUNCTION reject_undo(text, jsonb);
DROP FUNCTION list_undo_problems(bigint, text);
DROP FUNCTION custody_undo_problem(change);
DROP FUNCTION undo_problem(text, text, text);
DROP FUNCTION history_row_name(text, jsonb);
DROP FUNCTION last_container_name(text);
DROP FUNCTION table_noun(text, bigint);
DROP FUNCTION key_type(text);
DROP FUNCTION history_key(text);
DROP FUNCTION undone_by(bigint);
DROP FUNCTION find_changeset(text);

DO $$
DECLARE
    reference record;
BEGIN
    FOR reference IN
        SELECT conrelid::regclass AS of_table, conname
        FROM pg_constraint
        WHERE contype = 'f' AND connamespace = current_schema()::regnamespace AND condeferrable
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I NOT DEFERRABLE', reference.of_table, reference.conname);
    END LOOP;
END
$$;

DROP TRIGGER clear_results ON stocktake;
DROP FUNCTION clear_results();
DROP TRIGGER record_change ON stocktake_item;
DROP TRIGGER set_restored_place ON container;
DROP FUNCTION set_restored_place();

CREATE OR REPLACE TRIGGER set_place BEFORE INSERT OR UPDATE ON container
    FOR EACH ROW EXECUTE FUNCTION set_place();
CREATE OR REPLACE TRIGGER set_custody BEFORE INSERT OR UPDATE OF status, holder, held_since, due_on ON container
    FOR EACH ROW EXECUTE FUNCTION set_custody();
CREATE OR REPLACE TRIGGER assert_available BEFORE INSERT ON checkout
    FOR EACH ROW WHEN (NEW.returned_at IS NULL) EXECUTE FUNCTION assert_available();
CREATE OR REPLACE TRIGGER apply_checkout AFTER INSERT OR UPDATE OR DELETE ON checkout
    FOR EACH ROW EXECUTE FUNCTION apply_checkout();
CREATE OR REPLACE TRIGGER set_scope BEFORE INSERT ON stocktake
    FOR EACH ROW EXECUTE FUNCTION set_scope();
CREATE OR REPLACE TRIGGER insert_expected AFTER INSERT ON stocktake
    FOR EACH ROW EXECUTE FUNCTION insert_expected();
CREATE OR REPLACE TRIGGER reject_closed_stocktake BEFORE INSERT OR UPDATE OR DELETE ON stocktake_item
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION reject_closed_stocktake();
CREATE OR REPLACE TRIGGER assert_owner BEFORE UPDATE OR DELETE ON todo
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION assert_owner();
CREATE OR REPLACE TRIGGER assert_view_owner BEFORE UPDATE OR DELETE ON view
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION assert_view_owner();
DROP FUNCTION is_undo();

DROP TRIGGER rename_assignee ON account;
DROP FUNCTION rename_assignee();
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
CREATE OR REPLACE TRIGGER rename_owner AFTER UPDATE OF username ON account
    FOR EACH ROW WHEN (NEW.username <> OLD.username) EXECUTE FUNCTION rename_owner();

DROP INDEX alert_change_request_id_idx;
CREATE OR REPLACE FUNCTION set_version() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off
AS $$
BEGIN
    IF TG_OP = 'UPDATE' THEN
        NEW.version := OLD.version;
        IF NEW IS DISTINCT FROM OLD THEN
            NEW.version := OLD.version + 1;
        END IF;
    ELSE
        NEW.version := 1 + coalesce((
            SELECT max((before ->> 'version')::bigint)
            FROM change
            WHERE action = 'delete' AND table_name = TG_TABLE_NAME AND row_key = to_jsonb(NEW) ->> TG_ARGV[0]
        ), 0);
    END IF;
    RETURN NEW;
END
$$;

DROP INDEX change_table_name_before_id_idx;
CREATE INDEX change_table_name_before_id_idx ON change (table_name, (before -> 'id')) WHERE action = 'delete';
ALTER TABLE change DROP COLUMN undoes_id;
