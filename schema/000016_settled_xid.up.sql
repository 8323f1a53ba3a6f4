-- Readers that follow the changes may read up to the oldest transaction that can still write to this database. A
-- transaction of another database cannot, but pg_snapshot_xmin counts it. An ID belongs to one backend for its whole
-- life, so one sighting of it in another database proves that. An ID without a proof counts as of this database.
--
-- Callers must write (SELECT settled_xid()), and only once in a transaction: pg_stat_activity, which Postgres caches for
-- a transaction, must be read after the snapshot was taken. The planner would otherwise read it before.
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
                WHERE NOT EXISTS (
                    SELECT FROM pg_stat_activity
                    WHERE backend_xid = running.xid::xid
                      AND datid <> (SELECT oid FROM pg_database WHERE datname = current_database())
                )
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
