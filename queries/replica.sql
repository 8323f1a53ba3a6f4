-- name: GetWALPosition :one
-- Returns the position in the write-ahead log up to which all acknowledged changes are stored.
SELECT coalesce(
    CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END,
    '0/0'
)::text AS position;

-- name: GetMissingWAL :one
-- Returns how many bytes of the write-ahead log a replica has not replayed up to a position of its primary, 0 for none.
-- Returns -1 for a database that is no replica.
SELECT CASE
    WHEN pg_is_in_recovery()
        THEN greatest(0, pg_wal_lsn_diff(sqlc.arg('position')::text::pg_lsn, coalesce(pg_last_wal_replay_lsn(), '0/0')))
    ELSE -1
END::bigint AS bytes;
