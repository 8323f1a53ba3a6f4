-- Being VOLATILE, it sees the rows of a transaction that has ended since the calling statement began, unless the
-- transaction of the caller keeps its snapshot.
CREATE FUNCTION has_written(xid bigint) RETURNS boolean
LANGUAGE sql VOLATILE
AS $$
    SELECT current_setting('transaction_isolation') <> 'read committed'
        OR EXISTS (SELECT FROM event WHERE event.xid = has_written.xid)
        OR EXISTS (SELECT FROM alert WHERE alert.xid = has_written.xid)
        OR EXISTS (SELECT FROM change WHERE change.xid = has_written.xid)
$$;
COMMENT ON FUNCTION has_written IS
    'Returns whether a transaction that has ended may have left rows in the stream or in the history.';

-- Readers that follow the changes may read up to the oldest transaction that can have written to this database and whose
-- rows they do not see. Transactions of other databases do not matter, but pg_snapshot_xmin counts them. An ID belongs
-- to one backend for its whole life, so one sighting of it in another database is a proof. A transaction that ended
-- before it could be sighted does not matter if it has left no row.
--
-- Callers must write (SELECT settled_xid()), and only once in a transaction: pg_stat_activity, which Postgres caches for
-- a transaction, must be read after the snapshot was taken. The planner would otherwise read it before. A second call
-- can also return a higher ID than the first one.
CREATE FUNCTION settled_xid() RETURNS bigint
LANGUAGE sql STABLE
AS $$
    SELECT CASE
        WHEN pg_is_in_recovery() -- where snapshots do not list running transactions
            THEN pg_snapshot_xmin(pg_current_snapshot())::text::bigint
        ELSE coalesce(
            (
                SELECT min(running.xid::text::bigint)
                FROM pg_snapshot_xip(pg_current_snapshot()) AS running (xid)
                WHERE CASE -- in this order
                    WHEN EXISTS (
                        SELECT FROM pg_stat_activity
                        WHERE backend_xid = running.xid::xid
                          AND datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
                    ) THEN false
                    WHEN pg_xact_status(running.xid) = 'in progress' THEN true
                    ELSE has_written(running.xid::text::bigint)
                END
            ),
            pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        )
    END
$$;
COMMENT ON FUNCTION settled_xid IS
    'Returns the transaction ID below which all transactions of this database have ended.';

-- The server's role sees the process, the role and the application of every backend, but not its statements.
CREATE FUNCTION transaction_backend(xid bigint) RETURNS TABLE (pid integer, role text, application text)
LANGUAGE sql STABLE ROWS 1
AS $$
    SELECT
        activity.pid,
        activity.usename::text,
        activity.application_name
    FROM pg_stat_activity AS activity
    WHERE activity.backend_xid = transaction_backend.xid::text::xid8::xid
$$;
COMMENT ON FUNCTION transaction_backend IS
    'Returns the backend that runs a transaction. None runs a prepared transaction.';
