-- name: ListStream :many
-- Lists the rows of the ledger after a position: events, and alerts as of their last change, oldest transaction first.
-- A reader that continues after the last row it has seen misses none: rows newer than the oldest running transaction of
-- this database are withheld until that transaction ends. The kind of a position is 0 before both, 1 for an event, 2
-- for an alert.
WITH horizon AS MATERIALIZED (SELECT settled_xid() AS xid) -- the same for events and alerts
SELECT
    xid,
    kind,
    id,
    user_id,
    type,
    amount,
    event_id,
    time,
    effective_time,
    risk,
    ruleset_id,
    facts,
    reasons,
    alert_codes,
    severity,
    alert_id,
    state,
    assignee,
    note,
    disposition,
    snoozed_until,
    snoozed,
    container_uuid,
    void_id,
    created_at,
    changed_at,
    actor,
    version
FROM (
    (
        SELECT
            event.xid,
            1 AS kind,
            event.id,
            event.user_id,
            event.type,
            event.amount,
            NULL::uuid AS event_id,
            event.time,
            event.effective_time,
            event.risk,
            event.ruleset_id,
            event.facts,
            NULL::jsonb AS reasons,
            event.alert_codes,
            NULL::text AS severity,
            event.alert_id,
            NULL::text AS state,
            NULL::text AS assignee,
            NULL::text AS note,
            NULL::text AS disposition,
            NULL::timestamptz AS snoozed_until,
            NULL::boolean AS snoozed,
            event.container_uuid,
            (
                SELECT event_void.id
                FROM event_void
                WHERE event_void.user_id = event.user_id AND event_void.event_id = event.id
            ) AS void_id,
            event.created_at,
            event.created_at AS changed_at,
            event.actor,
            NULL::bigint AS version
        FROM event
        WHERE (event.xid, event.id) > (
              @after_xid::bigint,
              CASE @after_kind::integer
                  WHEN 0 THEN '00000000-0000-0000-0000-000000000000'::uuid
                  WHEN 1 THEN @after_id::uuid
                  ELSE 'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid
              END
          )
          AND event.xid < (SELECT xid FROM horizon)
          AND (sqlc.narg('kind')::text IS NULL OR sqlc.narg('kind') = 'event')
        ORDER BY event.xid, event.id
        LIMIT sqlc.arg('limit')::bigint
    )
    UNION ALL
    (
        SELECT
            alert.xid,
            2,
            alert.id,
            alert.user_id,
            NULL,
            NULL,
            alert.event_id,
            alert.time,
            NULL,
            alert.risk,
            alert.ruleset_id,
            NULL,
            alert.reasons,
            alert.alert_codes,
            alert.severity,
            NULL,
            alert.state,
            alert.assignee,
            alert.note,
            alert.disposition,
            alert.snoozed_until,
            alert.snoozed_until IS NOT NULL AND alert.snoozed_until > now(),
            NULL,
            alert.void_id,
            alert.created_at,
            alert.changed_at,
            alert.actor,
            alert.version
        FROM alert
        WHERE (alert.xid, alert.id) > (
              @after_xid,
              CASE @after_kind
                  WHEN 2 THEN @after_id::uuid
                  ELSE '00000000-0000-0000-0000-000000000000'::uuid
              END
          )
          AND alert.xid < (SELECT xid FROM horizon)
          AND (sqlc.narg('kind')::text IS NULL OR sqlc.narg('kind') = 'alert')
        ORDER BY alert.xid, alert.id
        LIMIT sqlc.arg('limit')
    )
) AS stream
ORDER BY xid, kind, id
LIMIT sqlc.arg('limit');

-- name: GetStreamPosition :one
-- Returns the position of the newest row of the stream, all zero if there is none. No row that becomes visible later
-- precedes it. A position names a row because rows survive a crash; a transaction ID by itself does not, and may be
-- assigned again. All positions of this database are below the horizon. Other positions come from another database, or
-- from before a restore.
WITH settled AS MATERIALIZED (SELECT settled_xid() AS xid)
SELECT
    coalesce(newest.xid, 0)::bigint AS xid,
    coalesce(newest.kind, 0)::integer AS kind,
    coalesce(newest.id, '00000000-0000-0000-0000-000000000000')::uuid AS id,
    now.horizon
FROM (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS horizon) AS now
LEFT JOIN (
    (
        SELECT
            event.xid,
            1 AS kind,
            event.id
        FROM event
        WHERE event.xid < (SELECT xid FROM settled)
        ORDER BY event.xid DESC, event.id DESC
        LIMIT 1
    )
    UNION ALL
    (
        SELECT
            alert.xid,
            2,
            alert.id
        FROM alert
        WHERE alert.xid < (SELECT xid FROM settled)
        ORDER BY alert.xid DESC, alert.id DESC
        LIMIT 1
    )
    ORDER BY xid DESC, kind DESC
    LIMIT 1
) AS newest ON true;

-- name: NotifyStream :exec
-- Wakes the streams of the other instances after a commit. The notification says who sent it. Transactions with
-- notifications commit one after the other, so this one does not wait for the disk.
SELECT
    set_config('synchronous_commit', 'off', true),
    pg_notify('labledger_stream', @instance::text);

-- name: GetStreamDelay :one
-- Returns for how many seconds the stream and the feed of changes have withheld their oldest withheld row, 0 for none,
-- and who runs the transaction that they wait for. No process runs a prepared transaction.
WITH horizon AS MATERIALIZED (SELECT settled_xid() AS xid)
SELECT
    coalesce(extract(epoch FROM clock_timestamp() - min(withheld.at)), 0)::double precision AS seconds,
    coalesce(min(holder.pid), 0)::integer AS pid,
    coalesce(min(holder.role), '')::text AS role,
    coalesce(min(holder.application), '')::text AS application
FROM horizon
LEFT JOIN LATERAL (
    (SELECT created_at AS at FROM event WHERE event.xid >= horizon.xid ORDER BY event.xid, event.id LIMIT 1)
    UNION ALL
    (SELECT changed_at FROM alert WHERE alert.xid >= horizon.xid ORDER BY alert.xid, alert.id LIMIT 1)
    UNION ALL
    (SELECT change.at FROM change WHERE change.xid >= horizon.xid ORDER BY change.xid, change.id LIMIT 1)
) AS withheld ON true
LEFT JOIN LATERAL transaction_backend(horizon.xid) AS holder ON true;
