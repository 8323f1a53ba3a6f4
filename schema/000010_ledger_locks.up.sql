-- Indexes for filters of lists, and three functions that waited for locks longer or in another order than necessary.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;


-- Filters on few values (state, type, code, disposition) combine with the index on id and need none of their own.
CREATE INDEX change_request_id_xid_id_idx ON change (request_id, xid, id) WHERE request_id IS NOT NULL;
CREATE INDEX change_actor_xid_id_idx ON change (actor, xid, id);
CREATE INDEX event_time_idx ON event (time);
CREATE INDEX alert_time_idx ON alert (time);
CREATE INDEX alert_assignee_id_idx ON alert (assignee, id) WHERE assignee IS NOT NULL;


-- Events of a user wait for the lock on the user's state. So the transaction takes these locks as late as possible: at
-- its end, all in one statement, in ascending order like those of a batch of events, to avoid deadlocks. The history
-- lists the accounts that the transaction changed. The first row does all the work, and the others find none left.
CREATE OR REPLACE FUNCTION sync_risk() RETURNS trigger
LANGUAGE plpgsql SET enable_seqscan = off
AS $$
DECLARE
    current constant bigint := pg_current_xact_id()::text::bigint;
    synced  constant bigint := coalesce(nullif(current_setting('labledger.synced_change', true), '')::bigint, 0);
    newest  constant bigint := (SELECT max(id) FROM change WHERE xid = current);
BEGIN
    IF newest IS NULL OR newest <= synced THEN
        RETURN NULL;
    END IF;
    INSERT INTO user_state (user_id, risk)
    SELECT changed.user_id, coalesce(account.risk, 'medium')
    FROM (
        SELECT DISTINCT (state ->> 'id')::bigint AS user_id
        FROM change, unnest(ARRAY[before, after]) AS state
        WHERE xid = current
          AND id > synced
          AND table_name = 'account'
          AND state IS NOT NULL
          AND (action <> 'update' OR before -> 'id' <> after -> 'id' OR before -> 'risk' <> after -> 'risk')
    ) AS changed
    LEFT JOIN account ON account.id = changed.user_id
    ORDER BY changed.user_id
    ON CONFLICT (user_id) DO UPDATE SET risk = excluded.risk
    WHERE user_state.risk <> excluded.risk;
    PERFORM set_config('labledger.synced_change', newest::text, true);
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION sync_risk IS
    'Trigger function: copies the risk levels of the accounts that the transaction changed to their user states.';

DROP TRIGGER sync_risk ON account;
CREATE CONSTRAINT TRIGGER sync_risk AFTER INSERT OR UPDATE OR DELETE ON account
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION sync_risk();


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
COMMENT ON FUNCTION rename_owner IS
    'Trigger function: updates the todos, attachments and alerts of an account to its new username.';


-- Without this lock, a row that is assigned to a user while a rename of the user commits would keep the old name. The
-- ledger has no trigger for it, because it can be distributed by user: the statements that assign call it.
CREATE FUNCTION lock_username(name text) RETURNS text
LANGUAGE plpgsql STRICT
AS $$
DECLARE
    renamed text;
BEGIN
    SELECT username INTO renamed
    FROM account
    WHERE id = (SELECT id FROM account WHERE username = name)
    FOR KEY SHARE;
    RETURN coalesce(renamed, name);
END
$$;
COMMENT ON FUNCTION lock_username IS
    'Returns the username of an account after a concurrent rename, and delays further renames until the transaction '
    'ends. Returns other names unchanged.';


-- A transaction that commits between reading the greatest ID and taking the snapshot would look like one of another
-- cluster. So the snapshot is taken by a later statement: IDs that were visible before are below its xmax.
CREATE FUNCTION has_restored_xids() RETURNS boolean
LANGUAGE plpgsql
AS $$
DECLARE
    newest bigint;
BEGIN
    newest := greatest(
        (SELECT max(xid) FROM change),
        (SELECT max(xid) FROM event),
        (SELECT max(xid) FROM alert),
        0
    );
    RETURN newest >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint;
END
$$;
COMMENT ON FUNCTION has_restored_xids IS
    'Reports whether the history contains transaction IDs of another cluster, as after a restore.';

-- While this function waits for the locks, another instance may reset the history, and writers add to it. So it looks
-- again when it has the locks. This needs READ COMMITTED, where each statement sees what was committed before it.
CREATE OR REPLACE FUNCTION reset_restored_xids() RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
    total   bigint;
    updated bigint;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'reset_restored_xids() must run before the transaction writes'
            USING ERRCODE = 'active_sql_transaction';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'reset_restored_xids() must run at isolation level READ COMMITTED'
            USING ERRCODE = 'active_sql_transaction';
    END IF;
    IF NOT has_restored_xids() THEN
        RETURN 0;
    END IF;
    LOCK TABLE change, event, alert IN SHARE ROW EXCLUSIVE MODE;
    IF NOT has_restored_xids() THEN
        RETURN 0;
    END IF;
    ALTER TABLE change DISABLE TRIGGER append_only;
    UPDATE change SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS total = ROW_COUNT;
    ALTER TABLE change ENABLE TRIGGER append_only;
    ALTER TABLE event DISABLE TRIGGER append_only;
    UPDATE event SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS updated = ROW_COUNT;
    total := total + updated;
    ALTER TABLE event ENABLE TRIGGER append_only;
    ALTER TABLE alert DISABLE TRIGGER set_alert_version;
    UPDATE alert SET xid = 0 WHERE xid <> 0;
    GET DIAGNOSTICS updated = ROW_COUNT;
    total := total + updated;
    ALTER TABLE alert ENABLE TRIGGER set_alert_version;
    RETURN total;
END
$$;
