-- Undo of change sets: one function restores the rows of any table with a history. And change sets in words.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;

ALTER TABLE change
    ADD COLUMN undoes_id bigint,
    ALTER COLUMN undoes_id SET DEFAULT nullif(current_setting('labledger.undoes_id', true), '')::bigint;
COMMENT ON COLUMN change.undoes_id IS 'ID of the change set that the change undoes; null for any other change.';

CREATE INDEX change_undoes_id_idx ON change (undoes_id) WHERE undoes_id IS NOT NULL AND (id = changeset_id) IS TRUE;

-- Names such as TG_TABLE_NAME have another collation than the index, which Postgres then uses for row_key only.
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
            WHERE action = 'delete'
              AND table_name = TG_TABLE_NAME COLLATE "default"
              AND row_key = to_jsonb(NEW) ->> TG_ARGV[0]
        ), 0);
    END IF;
    RETURN NEW;
END
$$;

-- The index has the collation of TG_TABLE_NAME, with which inserts look for the greatest deleted ID. Without the second
-- condition Postgres also uses it, and reads all of it, to find the deletions of one row.
DROP INDEX change_table_name_before_id_idx;
CREATE INDEX change_table_name_before_id_idx ON change (table_name COLLATE "C", (before -> 'id'))
    WHERE action = 'delete' AND before -> 'id' IS NOT NULL;

-- The changes of a row are recorded in their order. A foreign key renames assignees when the account is updated, but
-- the triggers of that run last, so owners are renamed before.
CREATE OR REPLACE FUNCTION rename_owner() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE todo SET owner = NEW.username WHERE owner = OLD.username;
    UPDATE attachment SET owner = NEW.username WHERE owner = OLD.username;
    RETURN NEW;
END
$$;
CREATE OR REPLACE TRIGGER rename_owner BEFORE UPDATE OF username ON account
    FOR EACH ROW WHEN (NEW.username <> OLD.username) EXECUTE FUNCTION rename_owner();

CREATE FUNCTION rename_assignee() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE alert SET assignee = NEW.username WHERE assignee = OLD.username;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION rename_assignee IS 'Trigger function: renames the assignee of alerts when the username changes.';
CREATE TRIGGER rename_assignee AFTER UPDATE OF username ON account
    FOR EACH ROW WHEN (NEW.username <> OLD.username) EXECUTE FUNCTION rename_assignee();


-- Finds the requests that changed only alerts.
CREATE INDEX alert_change_request_id_idx ON alert_change (request_id);


-- A running undo restores rows as they were, with all columns. So the triggers that derive columns, change other rows
-- or check the caller do not run. Constraints hold, and undo_changeset checks the result. Any role can set the setting,
-- but only undo_changeset runs with the rights of the owner, who alone may insert into the history.
CREATE FUNCTION is_undo() RETURNS boolean
LANGUAGE sql STABLE
RETURN coalesce(current_setting('labledger.undoes_id', true), '') <> ''
    AND has_table_privilege('change'::regclass, 'INSERT');
COMMENT ON FUNCTION is_undo IS 'Reports whether the running transaction is undoing a change set.';

CREATE OR REPLACE TRIGGER set_place BEFORE INSERT OR UPDATE ON container
    FOR EACH ROW WHEN (NOT is_undo()) EXECUTE FUNCTION set_place();
CREATE OR REPLACE TRIGGER set_custody BEFORE INSERT OR UPDATE OF status, holder, held_since, due_on ON container
    FOR EACH ROW WHEN (NOT is_undo()) EXECUTE FUNCTION set_custody();
CREATE OR REPLACE TRIGGER assert_available BEFORE INSERT ON checkout
    FOR EACH ROW WHEN (NEW.returned_at IS NULL AND NOT is_undo()) EXECUTE FUNCTION assert_available();
CREATE OR REPLACE TRIGGER apply_checkout AFTER INSERT OR UPDATE OR DELETE ON checkout
    FOR EACH ROW WHEN (NOT is_undo()) EXECUTE FUNCTION apply_checkout();
CREATE OR REPLACE TRIGGER set_scope BEFORE INSERT ON stocktake
    FOR EACH ROW WHEN (NOT is_undo()) EXECUTE FUNCTION set_scope();
CREATE OR REPLACE TRIGGER insert_expected AFTER INSERT ON stocktake
    FOR EACH ROW WHEN (NOT is_undo()) EXECUTE FUNCTION insert_expected();
CREATE OR REPLACE TRIGGER reject_closed_stocktake BEFORE INSERT OR UPDATE OR DELETE ON stocktake_item
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND NOT is_undo()) EXECUTE FUNCTION reject_closed_stocktake();
CREATE OR REPLACE TRIGGER assert_owner BEFORE UPDATE OR DELETE ON todo
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND NOT is_undo()) EXECUTE FUNCTION assert_owner();
CREATE OR REPLACE TRIGGER assert_view_owner BEFORE UPDATE OR DELETE ON view
    FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND NOT is_undo()) EXECUTE FUNCTION assert_view_owner();

-- When a parent is restored, the foreign key changes what lies in it. The rest follows as in set_place.
CREATE FUNCTION set_restored_place() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    NEW.depth := coalesce(NEW.parent_depth + 1, 0);
    NEW.layout := grid_layout(NEW.rows, NEW.columns, NEW.scheme, NEW.blocked);
    IF NEW.parent_layout <> '' THEN
        NEW.position := position_label(NEW.parent_layout, NEW.position_row, NEW.position_column);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION set_restored_place IS
    'Trigger function: sets the columns of a restored container that repeat others.';

CREATE TRIGGER set_restored_place BEFORE INSERT OR UPDATE ON container
    FOR EACH ROW WHEN (is_undo()) EXECUTE FUNCTION set_restored_place();


-- The items of a stock-take have no history, except that of items that are deleted with their stock-take: then the
-- deletion can be undone.
CREATE TRIGGER record_change AFTER DELETE ON stocktake_item
    FOR EACH ROW WHEN (pg_trigger_depth() > 0) EXECUTE FUNCTION record_change('id');


-- An open stock-take computes its results.
CREATE FUNCTION clear_results() RETURNS trigger
LANGUAGE plpgsql
AS $$
BEGIN
    UPDATE stocktake_item SET result = NULL WHERE stocktake_id = NEW.id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clear_results IS 'Trigger function: removes the results of a stock-take that is open again.';

CREATE TRIGGER clear_results AFTER UPDATE OF closed_at ON stocktake
    FOR EACH ROW WHEN (OLD.closed_at IS NOT NULL AND NEW.closed_at IS NULL) EXECUTE FUNCTION clear_results();


-- An undo restores rows in the reverse order of their changes. A statement that changed several rows may have changed
-- them in any order, so foreign keys are checked at the end.
DO $$
DECLARE
    reference record;
BEGIN
    FOR reference IN
        SELECT conrelid::regclass AS of_table, conname
        FROM pg_constraint
        WHERE contype = 'f'
          AND connamespace = current_schema()::regnamespace
          AND EXISTS (SELECT FROM pg_trigger WHERE tgrelid = conrelid AND tgname = 'record_change')
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER CONSTRAINT %I DEFERRABLE', reference.of_table, reference.conname);
    END LOOP;
END
$$;


CREATE FUNCTION find_changeset(key text) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    found_ids bigint[];
BEGIN
    IF key ~ '^[0-9]{1,18}$' THEN
        RETURN (SELECT id FROM change WHERE id = key::bigint AND id = changeset_id);
    END IF;
    found_ids := ARRAY(
        SELECT id FROM change WHERE request_id = key AND (id = changeset_id) IS TRUE ORDER BY id LIMIT 10
    );
    IF cardinality(found_ids) > 1 THEN
        RAISE EXCEPTION 'Several requests had the ID %. Use the ID of one of their change sets: %.',
            key, array_to_string(found_ids, ', ')
            USING ERRCODE = 'LL409', CONSTRAINT = 'state';
    END IF;
    RETURN found_ids[1];
END
$$;
COMMENT ON FUNCTION find_changeset IS
    'Returns the change set with an ID, or that of the request with an ID; null if there is none.';

-- An undo may itself be undone, and so on.
CREATE FUNCTION undone_by(changeset bigint) RETURNS bigint
LANGUAGE plpgsql STABLE
AS $$
BEGIN
    RETURN (
        SELECT max(id)
        FROM change
        WHERE undoes_id = changeset AND (id = changeset_id) IS TRUE AND undone_by(id) IS NULL
    );
END
$$;
COMMENT ON FUNCTION undone_by IS
    'Returns the change set that undid a change set; null if its changes are in effect.';

CREATE FUNCTION history_key(of_table text) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT split_part(encode(tgargs, 'escape'), '\', 1)
    FROM pg_trigger
    WHERE tgrelid = to_regclass(quote_ident(of_table)) AND tgname = 'record_change'
);
COMMENT ON FUNCTION history_key IS
    'Returns the column of a table whose value is the row_key of its changes; null if an undo cannot restore its rows.';

CREATE FUNCTION key_type(of_table text) RETURNS regtype
LANGUAGE sql STABLE
RETURN (
    SELECT atttypid::regtype
    FROM pg_attribute
    WHERE attrelid = to_regclass(quote_ident(of_table)) AND attname = history_key(of_table)
);
COMMENT ON FUNCTION key_type IS 'Returns the type of the column that history_key returns.';

CREATE FUNCTION table_noun(of_table text, total bigint DEFAULT 1) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE of_table
    WHEN 'account' THEN 'user'
    WHEN 'checkout' THEN 'check-out'
    WHEN 'credential' THEN 'password'
    WHEN 'stocktake' THEN 'stock-take'
    WHEN 'stocktake_item' THEN 'stock-take item'
    ELSE replace(of_table, '_', ' ')
END || CASE WHEN total = 1 THEN '' ELSE 's' END;
COMMENT ON FUNCTION table_noun IS 'Returns what the rows of a table are called, for one row or for several.';

CREATE FUNCTION last_container_name(of_container text) RETURNS text
LANGUAGE sql STABLE
RETURN (
    SELECT coalesce(
        coalesce(after, before) ->> 'description',
        coalesce(after, before) ->> 'barcode',
        of_container
    )
    FROM change
    WHERE table_name = 'container' AND row_key = of_container
    ORDER BY id DESC
    LIMIT 1
);
COMMENT ON FUNCTION last_container_name IS 'Returns the name of a container, also after it was deleted.';

CREATE FUNCTION history_row_name(of_table text, row_state jsonb) RETURNS text
LANGUAGE sql STABLE
RETURN CASE of_table
    WHEN 'checkout' THEN last_container_name(row_state ->> 'container_uuid')
    WHEN 'stocktake' THEN coalesce(
        last_container_name(row_state ->> 'container_uuid'),
        (SELECT name FROM freezer WHERE id = (row_state ->> 'freezer_id')::bigint)
    )
    WHEN 'credential' THEN (SELECT username FROM account WHERE id = (row_state ->> 'account_id')::bigint)
    WHEN 'password_link' THEN (SELECT username FROM account WHERE id = (row_state ->> 'account_id')::bigint)
    ELSE coalesce(
        row_state ->> 'name',
        row_state ->> 'description',
        row_state ->> 'barcode',
        row_state ->> 'title',
        row_state ->> 'display_name',
        row_state ->> 'username',
        row_state ->> 'uuid'
    )
END;
COMMENT ON FUNCTION history_row_name IS 'Returns the name of a row as it was in a state of the history.';


-- Reasons are sentences that follow the name of the rows: "2 passwords: …".
CREATE FUNCTION undo_problem(of_table text, action text, role text) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
    WHEN of_table = 'credential' THEN 'Passwords cannot be restored: their hashes are not in the history.'
    WHEN of_table = 'password_link' THEN 'Password links cannot be restored: they are not in the history.'
    WHEN of_table = 'account' AND action <> 'update'
        THEN 'Users are neither removed nor brought back. Disable the user, or create another one.'
    WHEN of_table = 'rule' AND action <> 'update' THEN 'Rules are neither removed nor brought back.'
    WHEN of_table IN ('account', 'rule') AND role NOT IN ('', 'admin')
        THEN 'Only admins change ' || table_noun(of_table, 2) || '.'
    WHEN of_table = 'attachment' AND action = 'insert' THEN 'Files are not removed by an undo. Delete the attachment.'
    WHEN of_table = 'attachment' AND action = 'delete'
        THEN 'The file was deleted with the attachment. Upload the file again.'
    WHEN history_key(of_table) IS NULL THEN 'The table has no history any more.'
END;
COMMENT ON FUNCTION undo_problem IS
    'Returns why changes of one kind cannot be undone by a caller with a role; null if they can. The empty role is '
    'that of psql.';

-- A check-out that is created together with its container was restored by the undo of a deletion.
CREATE FUNCTION custody_undo_problem(changed change) RETURNS text
LANGUAGE sql STABLE
RETURN CASE
    WHEN (changed).action = 'insert' AND NOT EXISTS (
        SELECT
        FROM change AS container_change
        WHERE container_change.table_name = 'container'
          AND container_change.row_key = (changed).after ->> 'container_uuid'
          AND container_change.changeset_id = (changed).changeset_id
          AND container_change.action = 'insert'
    ) THEN 'A check-out recorded an event, which stays in the ledger. Check the container in.'
    WHEN (changed).action = 'update' AND ((changed).before ->> 'returned_at', (changed).before ->> 'event_id')
        IS DISTINCT FROM ((changed).after ->> 'returned_at', (changed).after ->> 'event_id')
        THEN 'A check-in recorded an event, which stays in the ledger. Check the container out again.'
END;
COMMENT ON FUNCTION custody_undo_problem IS
    'Returns why the change of a check-out cannot be undone; null if the change recorded no event.';

CREATE FUNCTION list_undo_problems(changeset bigint, role text)
RETURNS TABLE (table_name text, total bigint, problem text)
LANGUAGE sql STABLE
AS $$
    SELECT table_name, total, undo_problem(table_name, action, role)
    FROM (
        SELECT table_name, action, count(*) AS total FROM change WHERE changeset_id = changeset GROUP BY 1, 2
    ) AS kind
    WHERE undo_problem(table_name, action, role) IS NOT NULL
    UNION ALL
    SELECT table_name, count(*), custody_undo_problem(change)
    FROM change
    WHERE changeset_id = changeset AND table_name = 'checkout' AND custody_undo_problem(change) IS NOT NULL
    GROUP BY 1, 3
$$;
COMMENT ON FUNCTION list_undo_problems IS
    'Returns why changes of a change set cannot be undone by a caller with a role.';


CREATE FUNCTION reject_undo(reason text, errors jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
AS $$
BEGIN
    RAISE EXCEPTION '% Nothing was changed.', reason
        USING ERRCODE = 'LL409', CONSTRAINT = 'state', DETAIL = coalesce(errors::text, '');
END
$$;
COMMENT ON FUNCTION reject_undo IS 'Raises the conflict of a change set that cannot be undone, with a list of errors.';


CREATE FUNCTION assert_undoable(changeset bigint) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    role    constant text := coalesce(current_setting('labledger.role', true), '');
    first   change;
    undo    change;
    errors  jsonb;
BEGIN
    SELECT * INTO first FROM change WHERE id = changeset;
    IF role NOT IN ('', 'admin') AND first.actor <> current_actor() THEN
        RAISE EXCEPTION 'the change set belongs to %', first.actor
            USING ERRCODE = 'LL403', CONSTRAINT = 'owner', DETAIL = first.actor;
    END IF;
    IF coalesce(current_setting('labledger.changeset_id', true), '') <> '' THEN
        PERFORM reject_undo('An undo needs a transaction of its own, without other changes before it.');
    END IF;
    PERFORM assert_read_committed();
    SELECT * INTO undo FROM change WHERE id = undone_by(changeset);
    IF FOUND THEN
        PERFORM reject_undo(format('%s has undone this change set already, in change set %s.', undo.actor, undo.id));
    END IF;
    errors := (
        SELECT jsonb_agg(jsonb_build_object('field', total || ' ' || table_noun(table_name, total), 'message', problem))
        FROM list_undo_problems(changeset, role)
    );
    IF errors IS NOT NULL THEN
        PERFORM reject_undo('The change set has changes that cannot be undone.', errors);
    END IF;
END
$$;
COMMENT ON FUNCTION assert_undoable IS
    'Raises an error if the caller may not undo a change set, or if it has changes that cannot be undone.';


CREATE FUNCTION lock_changed_rows(changeset bigint) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    of_table text;
BEGIN
    FOR of_table IN
        SELECT DISTINCT table_name FROM change WHERE changeset_id = changeset ORDER BY table_name
    LOOP
        EXECUTE format(
            'SELECT count(*)
            FROM (
                SELECT
                FROM %1$I AS stored
                WHERE %2$I IN (
                    SELECT row_key::%3$s FROM change WHERE changeset_id = $1 AND table_name = %1$L
                )
                ORDER BY %2$I
                FOR UPDATE
            ) AS locked',
            of_table, history_key(of_table), key_type(of_table)
        ) USING changeset;
    END LOOP;
END
$$;
COMMENT ON FUNCTION lock_changed_rows IS 'Locks the rows that a change set changed, so that they stay as they are.';



CREATE FUNCTION is_stored(of_table text, of_key text, state jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    is_same boolean; -- null without a row
BEGIN
    EXECUTE format(
        'SELECT stored IS NOT DISTINCT FROM jsonb_populate_record(stored, $1 - ''{version,result}''::text[])
        FROM %1$I AS stored
        WHERE %2$I = $2::%3$s',
        of_table, history_key(of_table), key_type(of_table)
    ) INTO is_same USING state, of_key;
    RETURN CASE WHEN state IS NULL THEN is_same IS NULL ELSE is_same IS TRUE END;
END
$$;
COMMENT ON FUNCTION is_stored IS
    'Reports whether a row is as a state in the history, apart from its version. The null state is that of no row.';

-- A row that was changed and changed back counts as unchanged. A row that got another key left nothing under its former
-- one. The history shows which rows have later changes, but not how they are now: the last change of a row that got
-- another key is recorded under that key.
CREATE FUNCTION list_changes_since(changeset bigint)
RETURNS TABLE (table_name text, row_key text, name text, actor text, at timestamptz, changeset_id bigint)
LANGUAGE sql STABLE
AS $$
    SELECT
        newest.table_name,
        newest.row_key,
        history_row_name(newest.table_name, coalesce(mine.state, newest.after, newest.before)),
        newest.actor,
        newest.at,
        newest.changeset_id
    FROM (
        SELECT DISTINCT ON (change.table_name, key) change.id, change.table_name, key, state
        FROM change
        JOIN (
            SELECT written.table_name, history_key(written.table_name) AS column_name
            FROM (SELECT DISTINCT change.table_name FROM change WHERE change.changeset_id = changeset) AS written
        ) AS keyed USING (table_name)
        CROSS JOIN LATERAL (
            VALUES (change.row_key, change.after), (before ->> column_name, NULL)
        ) AS left_behind (key, state)
        WHERE change.changeset_id = changeset
          AND key IS NOT NULL
        ORDER BY change.table_name, key, change.id DESC, state NULLS LAST
    ) AS mine
    CROSS JOIN LATERAL (
        SELECT *
        FROM change AS later
        WHERE later.table_name = mine.table_name
          AND later.row_key = mine.key
          AND later.id > mine.id
        ORDER BY later.id DESC
        LIMIT 1
    ) AS newest
    WHERE NOT is_stored(mine.table_name, mine.key, mine.state)
$$;
COMMENT ON FUNCTION list_changes_since IS
    'Returns the rows of a change set that differ from what it left, each with the change that was the last one.';


-- Restores rows that a run of changes of one kind and one table replaced, in the order of the arrays.
CREATE FUNCTION restore_run(of_table text, action text, keys text[], states jsonb[]) RETURNS void
LANGUAGE plpgsql
SET enable_hashjoin = off SET enable_mergejoin = off SET enable_seqscan = off
AS $$
DECLARE
    key     constant text := history_key(of_table);
    columns text[];
BEGIN
    IF action = 'insert' THEN
        EXECUTE format(
            'DELETE FROM %1$I USING unnest($1) AS key WHERE %1$I.%2$I = key::%3$s', of_table, key, key_type(of_table)
        ) USING keys;
        RETURN;
    END IF;
    -- Older history lacks the columns of later migrations: they keep their values, or get their defaults.
    columns := ARRAY(
        SELECT quote_ident(attname)
        FROM pg_attribute
        WHERE attrelid = to_regclass(quote_ident(of_table))
          AND attnum > 0
          AND NOT attisdropped
          AND attgenerated = ''
          AND attname <> 'version'
          AND states[1] ? attname
        ORDER BY attnum
    );
    IF action = 'delete' THEN
        EXECUTE format(
            'INSERT INTO %1$I (%2$s)
            SELECT %2$s FROM jsonb_populate_recordset(NULL::%1$I, $1)',
            of_table, array_to_string(columns, ', ')
        ) USING to_jsonb(states);
        RETURN;
    END IF;
    EXECUTE format(
        'UPDATE %1$I AS stored SET (%2$s) = ROW (former.%3$s)
        FROM ROWS FROM (jsonb_populate_recordset(NULL::%1$I, $1), unnest($2)) AS former
        WHERE stored.%4$I = former.unnest::%5$s AND (stored.%6$s) IS DISTINCT FROM (former.%3$s)',
        of_table,
        array_to_string(columns, ', '),
        array_to_string(columns, ', former.'),
        key,
        key_type(of_table),
        array_to_string(columns, ', stored.')
    ) USING to_jsonb(states), keys;
END
$$;
COMMENT ON FUNCTION restore_run IS 'Undoes changes of one table that are all inserts, all updates or all deletes.';

-- A row that was changed twice, rows that got new keys, and rows that exchanged unique values can be restored in one
-- order only, which a statement for several rows does not guarantee.
CREATE FUNCTION restore_run_in_order(of_table text, action text, keys text[], states jsonb[]) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    key constant text := history_key(of_table);
BEGIN
    IF (SELECT count(DISTINCT changed) FROM unnest(keys) AS changed) = cardinality(keys)
        AND NOT EXISTS (
            SELECT
            FROM unnest(keys, states) AS changed (row_key, state)
            WHERE action = 'update' AND state ->> key <> row_key
        ) THEN
        BEGIN
            PERFORM restore_run(of_table, action, keys, states);
            RETURN;
        EXCEPTION WHEN unique_violation THEN
            NULL; -- one by one
        END;
    END IF;
    FOR nth IN 1 .. cardinality(keys) LOOP
        PERFORM restore_run(of_table, action, keys[nth:nth], states[nth:nth]);
    END LOOP;
END
$$;
COMMENT ON FUNCTION restore_run_in_order IS 'Does what restore_run does, row by row if the order matters.';


CREATE FUNCTION restore_rows(changeset bigint) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    changed  record;
    of_table text;
    action   text;
    keys     text[]  := '{}';
    states   jsonb[] := '{}';
BEGIN
    FOR changed IN
        SELECT change.table_name, change.action, change.row_key, change.before
        FROM change
        WHERE change.changeset_id = changeset
        ORDER BY change.id DESC
    LOOP
        IF (changed.table_name, changed.action) IS DISTINCT FROM (of_table, action) OR cardinality(keys) = 1000 THEN
            IF keys <> '{}' THEN
                PERFORM restore_run_in_order(of_table, action, keys, states);
            END IF;
            of_table := changed.table_name;
            action := changed.action;
            keys := '{}';
            states := '{}';
        END IF;
        keys := keys || changed.row_key;
        states := states || changed.before;
    END LOOP;
    PERFORM restore_run_in_order(of_table, action, keys, states);
END
$$;
COMMENT ON FUNCTION restore_rows IS 'Restores the rows of a change set as they were before it, newest change first.';


-- A row has its key in the first change that concerns the key. The results of a stock-take follow from whether it is
-- closed, and the items of a stock-take exist only with it.
CREATE FUNCTION list_unrestored(changeset bigint) RETURNS TABLE (table_name text, row_key text, name text)
LANGUAGE plpgsql
AS $$
DECLARE
    of_table text;
BEGIN
    FOR of_table IN
        SELECT DISTINCT change.table_name FROM change WHERE change.changeset_id = changeset ORDER BY 1
    LOOP
        RETURN QUERY EXECUTE format(
            'SELECT %1$L, key, history_row_name(%1$L, coalesce(state, to_jsonb(stored)))
            FROM (
                SELECT DISTINCT ON (key) key, state
                FROM change
                CROSS JOIN LATERAL (VALUES (before ->> %2$L, before), (after ->> %2$L, NULL)) AS touched (key, state)
                WHERE changeset_id = $1
                  AND table_name = %1$L
                  AND (state IS NOT NULL OR before ->> %2$L IS DISTINCT FROM after ->> %2$L)
                  AND key IS NOT NULL
                ORDER BY key, id, state NULLS LAST
            ) AS former
            LEFT JOIN %1$I AS stored ON stored.%2$I = key::%3$s
            WHERE CASE
                WHEN state IS NULL THEN stored.%2$I IS NOT NULL
                WHEN stored.%2$I IS NULL AND %1$L = ''stocktake_item'' THEN EXISTS (
                    SELECT FROM stocktake WHERE id = (state ->> ''stocktake_id'')::bigint
                )
                WHEN stored.%2$I IS NULL THEN true
                ELSE stored IS DISTINCT FROM jsonb_populate_record(stored, state - ''{version,result}''::text[])
            END',
            of_table, history_key(of_table), key_type(of_table)
        ) USING changeset;
    END LOOP;
END
$$;
COMMENT ON FUNCTION list_unrestored IS 'Returns the rows of a change set that are not as they were before it.';


-- Deleting a row that an undo removes can change rows that refer to it. EXCEPT takes linear time whatever the statistics
-- say; Postgres may plan NOT EXISTS as a comparison of all pairs.
CREATE FUNCTION list_side_effects(changeset bigint, undo bigint)
RETURNS TABLE (table_name text, row_key text, name text)
LANGUAGE sql STABLE
AS $$
    SELECT unexpected.table_name, former_key, history_row_name(unexpected.table_name, coalesce(before, after))
    FROM (
        SELECT effect.table_name, coalesce(before, after) ->> column_name AS former_key
        FROM change AS effect
        JOIN (
            SELECT written.table_name, coalesce(history_key(written.table_name), 'account_id') AS column_name
            FROM (SELECT DISTINCT change.table_name FROM change WHERE change.changeset_id = undo) AS written
        ) AS keyed USING (table_name)
        WHERE changeset_id = undo
          AND NOT ( -- the items of a stock-take that were not scanned since
              effect.table_name = 'stocktake_item'
              AND coalesce((before ->> 'scanned_at')::timestamptz, '-infinity')
                  <= (SELECT at FROM change AS first WHERE first.id = changeset)
          )
        EXCEPT
        SELECT change.table_name, change.row_key FROM change WHERE change.changeset_id = changeset
    ) AS unexpected
    LEFT JOIN LATERAL ( -- a row that got another key has no name
        SELECT before, after
        FROM change
        WHERE change.table_name = unexpected.table_name
          AND change.row_key = unexpected.former_key
          AND change.changeset_id = undo
        ORDER BY change.id
        LIMIT 1
    ) AS effect ON true
$$;
COMMENT ON FUNCTION list_side_effects IS
    'Returns the rows that an undo changed although the undone change set did not.';


-- One container of each parent and of each freezer stands for all that were restored there.
CREATE FUNCTION assert_restored_capacities(changeset bigint) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    restored container;
    parent   container;
BEGIN
    FOR restored IN
        SELECT DISTINCT ON (freezer_id, parent_uuid) *
        FROM container
        WHERE uuid IN (
            SELECT (before ->> 'uuid')::uuid
            FROM change
            WHERE changeset_id = changeset AND table_name = 'container' AND before IS NOT NULL
        ) AND status <> 'discarded'
        ORDER BY freezer_id, parent_uuid, uuid
    LOOP
        IF restored.parent_uuid IS NULL THEN
            PERFORM assert_freezer_capacity(restored);
        ELSE
            SELECT * INTO parent FROM container WHERE uuid = restored.parent_uuid FOR NO KEY UPDATE;
            PERFORM assert_capacity(restored, parent);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION assert_restored_capacities IS
    'Raises a unique violation if a freezer or a container holds more than it can after an undo.';


CREATE FUNCTION constraint_conflict(code text, of_table text, of_constraint text, message text) RETURNS text
LANGUAGE sql STABLE
RETURN coalesce(
    (
        SELECT CASE
            WHEN message LIKE 'update or delete%'
                THEN format('A %s refers to a %s that the undo would delete.', table_noun(of_table), target)
            ELSE format('A %s would refer to a %s that was deleted since.', table_noun(of_table), target)
        END
        FROM pg_constraint
        CROSS JOIN LATERAL (
            SELECT table_noun(relname::text) AS target FROM pg_class WHERE oid = confrelid
        ) AS referenced
        WHERE conrelid = to_regclass(quote_ident(of_table)) AND conname = of_constraint AND contype = 'f'
    ),
    CASE
        WHEN message LIKE 'is full: %' THEN substr(message, length('is full: ') + 1) || '.' -- see assert_capacity
        WHEN of_constraint = 'container_position_unique' THEN 'The position of a container was taken since.'
        WHEN code = '23505' THEN format(
            'Another %s has the same %s by now.',
            table_noun(of_table),
            coalesce(nullif(replace(substring(of_constraint FROM length(of_table) + 2), '_unique', ''), 'pkey'), 'ID')
        )
        ELSE upper(left(message, 1)) || substr(message, 2) || '.'
    END
);
COMMENT ON FUNCTION constraint_conflict IS 'Returns why restored rows violate a constraint, as a sentence.';


CREATE FUNCTION is_visible(of_table text, role text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN of_table NOT IN ('account', 'credential', 'password_link', 'view') OR role IN ('', 'admin');
COMMENT ON FUNCTION is_visible IS
    'Reports whether a caller with a role may see the changes of a table. The empty role is that of psql.';


-- The words of a part of a change set: what happened to the rows of one table.
CREATE FUNCTION changeset_part_text(
    of_table text, action text, total bigint, first change, place text, was_moved boolean
) RETURNS text
LANGUAGE sql STABLE
RETURN concat_ws(
    ' ',
    CASE
        WHEN of_table = 'checkout' AND action = 'insert' THEN 'checked out'
        WHEN of_table = 'checkout' AND action = 'update' AND (first).before ->> 'returned_at' IS NULL
            AND (first).after ->> 'returned_at' IS NOT NULL THEN 'checked in'
        WHEN of_table = 'stocktake' AND action = 'insert' THEN 'started' || CASE total WHEN 1 THEN ' the' ELSE '' END
        WHEN of_table = 'stocktake' AND action = 'update' AND (first).before ->> 'closed_at' IS NULL
            AND (first).after ->> 'closed_at' IS NOT NULL
            THEN 'closed' || CASE total WHEN 1 THEN ' the' ELSE '' END
        WHEN of_table = 'credential' AND action = 'insert' THEN 'set the'
        WHEN action = 'insert' THEN CASE WHEN total = 1 THEN 'created' ELSE 'imported' END
        WHEN action = 'delete' THEN 'deleted'
        WHEN was_moved THEN 'moved'
        WHEN (first).after ->> 'status' <> (first).before ->> 'status' AND of_table = 'container'
            THEN 'marked as ' || replace((first).after ->> 'status', '_', ' ')
        ELSE 'changed'
    END,
    CASE
        WHEN total > 1 THEN to_char(total, 'FM999,999,999,999') || ' ' || CASE
            WHEN of_table = 'checkout' AND (action = 'insert' OR (first).after ->> 'returned_at' IS NOT NULL)
                THEN table_noun('container', total)
            ELSE table_noun(of_table, total)
        END
        WHEN of_table = 'checkout' AND (first).after ->> 'version' = '1' OR (first).after ->> 'returned_at' IS NOT NULL
            THEN history_row_name(of_table, (first).after)
        ELSE concat_ws(
            CASE WHEN of_table IN ('checkout', 'stocktake', 'credential', 'password_link') THEN ' of ' ELSE ' ' END,
            CASE
                WHEN of_table <> 'container'
                    OR history_row_name(of_table, coalesce((first).after, (first).before)) = (first).row_key
                    THEN table_noun(of_table)
            END,
            coalesce(history_row_name(of_table, coalesce((first).after, (first).before)), (first).row_key)
        )
    END,
    CASE
        WHEN place IS NULL THEN NULL
        WHEN action = 'insert' OR was_moved
            THEN CASE WHEN total = 1 AND NOT was_moved THEN 'in ' ELSE 'into ' END || place
    END
);
COMMENT ON FUNCTION changeset_part_text IS 'Describes the changes of one kind to the rows of one table.';


-- Counts rows, not changes, and names a common place, in a change set of up to 1000 changes.
CREATE FUNCTION changeset_summary(changeset bigint, role text) RETURNS text
LANGUAGE plpgsql STABLE
AS $$
DECLARE
    total       constant bigint := (SELECT count(*) FROM (
        SELECT FROM change WHERE changeset_id = changeset LIMIT 1001
    ) AS bounded);
    first       change;
    part        record;
    place       text;
    phrases     text[]  := '{}';
    undone      bigint  := changeset;
    undos       integer := 0;
    has_custody boolean := false; -- a check-out changes its container
BEGIN
    LOOP
        SELECT * INTO first FROM change WHERE id = undone;
        EXIT WHEN first.undoes_id IS NULL;
        undone := first.undoes_id;
        undos := undos + 1;
    END LOOP;
    IF undos > 0 THEN
        RETURN CASE undos % 2 WHEN 1 THEN 'undid: ' ELSE 'redid: ' END || changeset_summary(undone, role);
    END IF;
    FOR part IN
        SELECT
            table_name,
            action,
            CASE WHEN total <= 1000 THEN count(DISTINCT row_key) ELSE count(*) END AS rows,
            min(id) AS first_id,
            CASE WHEN total <= 1000 THEN bool_and(
                (before ->> 'freezer_id', before ->> 'parent_uuid', before ->> 'position') IS DISTINCT FROM
                (after ->> 'freezer_id', after ->> 'parent_uuid', after ->> 'position')
            ) END AND table_name = 'container' AND action = 'update' AS was_moved,
            CASE WHEN total <= 1000 AND count(DISTINCT after ->> 'freezer_id') = 1
                THEN min(after ->> 'freezer_id') END AS freezer_id,
            CASE WHEN total <= 1000 AND count(DISTINCT after ->> 'parent_uuid') = 1
                AND count(*) = count(after ->> 'parent_uuid') THEN min(after ->> 'parent_uuid') END AS parent_uuid
        FROM (
            SELECT
                table_name,
                action,
                id,
                CASE WHEN total <= 1000 THEN row_key END AS row_key,
                CASE WHEN total <= 1000 THEN before END AS before,
                CASE WHEN total <= 1000 THEN after END AS after
            FROM change
            WHERE changeset_id = changeset
              AND is_visible(table_name, role)
        ) AS changed
        GROUP BY table_name, action
        ORDER BY array_position(
            ARRAY['checkout', 'stocktake', 'site', 'freezer', 'computer', 'account', 'container'], table_name
        ), min(id)
    LOOP
        CONTINUE WHEN phrases <> '{}' AND (
            part.table_name = 'stocktake_item'
            OR part.table_name = 'container' AND part.action = 'update' AND has_custody
        );
        has_custody := has_custody OR part.table_name = 'checkout';
        SELECT * INTO first FROM change WHERE id = part.first_id;
        place := CASE WHEN part.table_name IN ('container', 'freezer', 'computer') THEN coalesce(
            (SELECT container_name(container) FROM container WHERE uuid = part.parent_uuid::uuid),
            (SELECT name FROM freezer WHERE id = part.freezer_id::bigint)
        ) END;
        phrases := phrases || changeset_part_text(
            part.table_name, part.action, part.rows, first, place, coalesce(part.was_moved, false)
        );
    END LOOP;
    RETURN CASE
        WHEN cardinality(phrases) > 3
            THEN array_to_string(phrases[1:3], ', ') || format(
                ' and %s more %s of changes',
                cardinality(phrases) - 3,
                CASE cardinality(phrases) WHEN 4 THEN 'kind' ELSE 'kinds' END
            )
        WHEN cardinality(phrases) > 1
            THEN array_to_string(phrases[:cardinality(phrases) - 1], ', ') || ' and ' || phrases[cardinality(phrases)]
        ELSE phrases[1]
    END;
END
$$;
COMMENT ON FUNCTION changeset_summary IS
    'Describes what a change set did, in words that follow the name of its actor: "imported 20 containers into Box 1".';


CREATE FUNCTION changeset_undo_problem(changeset bigint, role text) RETURNS text
LANGUAGE sql STABLE
RETURN (SELECT string_agg(DISTINCT problem, ' ') FROM list_undo_problems(changeset, role));
COMMENT ON FUNCTION changeset_undo_problem IS
    'Returns why a change set cannot be undone by a caller with a role; null if it may be possible.';


CREATE VIEW changeset AS
SELECT
    id,
    request_id,
    at,
    actor,
    message,
    (SELECT count(*) FROM change AS counted WHERE counted.changeset_id = change.id) AS changes,
    changeset_summary(id, '') AS summary,
    changeset_undo_problem(id, '') AS undo_problem,
    undoes_id,
    undone_by(id) AS undone_by_id
FROM change
WHERE (id = changeset_id) IS TRUE;
COMMENT ON VIEW changeset IS
    'Change sets: all changes of one request, or of one transaction in psql.';
COMMENT ON COLUMN changeset.id           IS 'ID of the change set, which is that of its first change.';
COMMENT ON COLUMN changeset.request_id   IS 'X-Request-Id of the request; null for changes made in psql.';
COMMENT ON COLUMN changeset.at           IS 'Time when the transaction of the changes began.';
COMMENT ON COLUMN changeset.actor        IS 'Actor that made the changes, as in the history.';
COMMENT ON COLUMN changeset.message      IS 'Why the changes were made, from the header X-Change-Message; null for no message.';
COMMENT ON COLUMN changeset.changes      IS 'Number of changes.';
COMMENT ON COLUMN changeset.summary      IS
    'What the actor did, in words that follow the name of the actor: imported 20 containers into Box 12.';
COMMENT ON COLUMN changeset.undo_problem IS
    'Why the change set cannot be undone; null if an undo may be possible. Rows that were changed since prevent it, too.';
COMMENT ON COLUMN changeset.undoes_id    IS 'ID of the change set that this one undid; null for any other change set.';
COMMENT ON COLUMN changeset.undone_by_id IS 'ID of the change set that undid this one; null if its changes are in effect.';

CREATE FUNCTION list_changesets(role text) RETURNS SETOF changeset
LANGUAGE sql STABLE
AS $$
    SELECT
        id,
        request_id,
        at,
        actor,
        message,
        (
            SELECT count(*)
            FROM change AS counted
            WHERE counted.changeset_id = change.id AND is_visible(counted.table_name, role)
        ),
        changeset_summary(id, role),
        changeset_undo_problem(id, role),
        undoes_id,
        undone_by(id)
    FROM change
    WHERE (id = changeset_id) IS TRUE
      AND (is_visible(table_name, role) OR ( -- LIMIT, so that Postgres does not read the whole history for it
          SELECT true
          FROM change AS other
          WHERE other.changeset_id = change.id AND is_visible(other.table_name, role)
          LIMIT 1
      ))
$$;
COMMENT ON FUNCTION list_changesets IS 'Returns the change sets with what a caller with a role may see of them.';


CREATE FUNCTION undo_changeset(key text) RETURNS SETOF changeset
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    changeset     constant bigint := find_changeset(key);
    errors        jsonb;
    total         bigint;
    undo          bigint;
    of_table      text;
    of_constraint text;
BEGIN
    IF changeset IS NULL THEN
        IF EXISTS (SELECT FROM alert_change WHERE request_id = key) THEN
            PERFORM reject_undo('Changes of alerts stay in the ledger, and cannot be undone.');
        END IF;
        RETURN;
    END IF;
    PERFORM assert_undoable(changeset);
    PERFORM lock_changed_rows(changeset);
    SELECT
        count(*),
        jsonb_agg(jsonb_build_object(
            'field', concat_ws(' ', table_noun(table_name), row_key),
            'message', format(
                '%s was changed by %s on %s, in change set %s',
                coalesce(name, 'The row'), actor, to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD "at" HH24:MI "UTC"'),
                changeset_id
            )
        ) ORDER BY changeset_id DESC, table_name, row_key) FILTER (WHERE nth <= 100)
    INTO total, errors
    FROM (
        SELECT *, row_number() OVER (ORDER BY changeset_id DESC, table_name, row_key) AS nth
        FROM list_changes_since(changeset)
    ) AS since;
    IF total > 0 THEN
        PERFORM reject_undo(CASE total
            WHEN 1 THEN '1 row was changed since.'
            ELSE format('%s rows were changed since.', total)
        END, errors);
    END IF;

    PERFORM set_config('labledger.undoes_id', changeset::text, true);
    BEGIN
        SET CONSTRAINTS ALL DEFERRED;
        PERFORM restore_rows(changeset);
        SET CONSTRAINTS ALL IMMEDIATE;
        PERFORM assert_restored_capacities(changeset);
    EXCEPTION WHEN integrity_constraint_violation THEN
        GET STACKED DIAGNOSTICS of_table = TABLE_NAME, of_constraint = CONSTRAINT_NAME;
        PERFORM reject_undo(constraint_conflict(sqlstate, of_table, of_constraint, sqlerrm));
    END;
    PERFORM set_config('labledger.undoes_id', '', true);
    undo := nullif(current_setting('labledger.changeset_id', true), '')::bigint;
    IF undo IS NULL THEN
        PERFORM reject_undo('The rows are already as they were before the change set.');
    END IF;
    errors := (
        SELECT jsonb_agg(jsonb_build_object(
            'field', concat_ws(' ', table_noun(table_name), row_key),
            'message', coalesce(name, 'The row') || reason
        ))
        FROM (
            SELECT *, ' cannot be restored as it was' AS reason FROM list_unrestored(changeset)
            UNION ALL
            SELECT *, ' would be changed or deleted, too' FROM list_side_effects(changeset, undo)
            LIMIT 100
        ) AS difference
    );
    IF errors IS NOT NULL THEN
        PERFORM reject_undo('Other rows depend on what the change set left.', errors);
    END IF;
    RETURN QUERY SELECT * FROM list_changesets(coalesce(current_setting('labledger.role', true), '')) WHERE id = undo;
END
$$;
COMMENT ON FUNCTION undo_changeset IS
    'Restores the rows of a change set as they were before it, and returns the new change set that does. The key is the '
    'ID of the change set, or of its request. '
    'Raises LL409 if rows were changed since, or if the change set has changes that cannot be undone.';
REVOKE EXECUTE ON FUNCTION undo_changeset FROM PUBLIC;


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT EXECUTE ON FUNCTION undo_changeset(text) TO labledger_server;
        GRANT SELECT ON changeset TO labledger_server;
    END IF;
END
$$;
