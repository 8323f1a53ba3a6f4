-- name: GetSummary :one
-- Returns what the overview of the app and its menu show: numbers, the newest critical alerts, the caller's work, the
-- occupancy of up to 200 freezers, and the latest changes. With a site, the numbers of the register, of the todos and of
-- the check-outs are those of the site. Closed and snoozed alerts do not count. Large numbers of containers are
-- estimates.
WITH input AS (
    SELECT
        sqlc.narg('site_id')::bigint AS site_id,
        coalesce(sqlc.narg('today')::date, current_date) AS today,
        (SELECT username FROM account WHERE account.id = @caller_id::bigint) AS username
), active_alert AS (
    SELECT
        alert.id,
        alert.user_id,
        alert.severity,
        alert.assignee,
        alert.created_at
    FROM alert
    WHERE state <> 'closed'
      AND (snoozed_until IS NULL OR snoozed_until <= now())
), unfinished_todo AS (
    SELECT
        todo.id,
        todo.description,
        todo.status,
        todo.assignee,
        todo.due_on
    FROM todo
    LEFT JOIN freezer ON freezer.id = todo.freezer_id
    LEFT JOIN computer ON computer.id = todo.computer_id
    WHERE status <> 'done'
      AND (
              (SELECT site_id FROM input) IS NULL
              OR coalesce(todo.site_id, freezer.site_id, computer.site_id) = (SELECT site_id FROM input)
          )
), alert_totals AS (
    SELECT
        count(*) AS open,
        count(*) FILTER (WHERE severity = 'critical') AS critical,
        count(*) FILTER (WHERE assignee IS NULL) AS unassigned,
        count(*) FILTER (WHERE assignee = (SELECT username FROM input)) AS mine
    FROM active_alert
), todo_totals AS (
    SELECT
        count(*) AS open,
        count(*) FILTER (WHERE due_on < (SELECT today FROM input)) AS overdue,
        count(*) FILTER (WHERE due_on = (SELECT today FROM input)) AS due_today,
        count(*) FILTER (
            WHERE due_on BETWEEN (SELECT today FROM input) AND (SELECT today FROM input) + 6
        ) AS due_in_7_days,
        count(*) FILTER (WHERE assignee = (SELECT username FROM input)) AS mine,
        count(*) FILTER (
            WHERE assignee = (SELECT username FROM input) AND due_on < (SELECT today FROM input)
        ) AS mine_overdue
    FROM unfinished_todo
), checkout_totals AS (
    SELECT
        count(*) AS open,
        count(*) FILTER (WHERE checkout.due_on < (SELECT today FROM input)) AS overdue,
        count(*) FILTER (WHERE checkout.holder = (SELECT username FROM input)) AS mine
    FROM checkout
    JOIN container ON container.uuid = checkout.container_uuid
    JOIN freezer ON freezer.id = container.freezer_id
    WHERE returned_at IS NULL
      AND ((SELECT site_id FROM input) IS NULL OR freezer.site_id = (SELECT site_id FROM input))
), container_estimate AS (
    SELECT estimated_rows('container') AS total
), latest_change AS (
    (
        SELECT
            change.at,
            actor,
            changeset_id::text AS change_set,
            table_name AS noun,
            action,
            row_key,
            coalesce(after, before) AS row_after
        FROM change
        WHERE table_name NOT IN ('account', 'credential', 'password_link', 'view')
           OR @caller_role::text = 'admin'
        ORDER BY change.xid DESC, change.id DESC
        LIMIT 300
    )
    UNION ALL
    (
        SELECT
            changed_at,
            alert.actor,
            xid::text,
            'alert',
            CASE WHEN before ->> 'state' = after ->> 'state' THEN 'update' ELSE state END,
            alert.id::text,
            '{}'
        FROM alert
        JOIN alert_change USING (user_id, version)
        WHERE alert_id = alert.id
          AND version > 1
        ORDER BY changed_at DESC
        LIMIT 300
    )
), activity AS (
    SELECT
        max(at) AS at,
        actor,
        noun,
        action,
        count(*) AS total,
        min(row_key) AS row_key,
        min(coalesce(
            row_after ->> 'name',
            row_after ->> 'description',
            row_after ->> 'title',
            row_after ->> 'display_name',
            row_after ->> 'username'
        )) AS label
    FROM latest_change
    GROUP BY change_set, actor, noun, action
    ORDER BY at DESC, noun, action, row_key
    LIMIT 10
)
SELECT
    alert_totals.open AS alerts_open,
    alert_totals.critical AS alerts_critical,
    alert_totals.unassigned AS alerts_unassigned,
    alert_totals.mine AS alerts_mine,
    todo_totals.open AS todos_open,
    todo_totals.overdue AS todos_overdue,
    todo_totals.due_today AS todos_due_today,
    todo_totals.due_in_7_days AS todos_due_in_7_days,
    todo_totals.mine AS todos_mine,
    todo_totals.mine_overdue AS todos_mine_overdue,
    checkout_totals.open AS checkouts_open,
    checkout_totals.overdue AS checkouts_overdue,
    checkout_totals.mine AS checkouts_mine,
    (
        CASE
            WHEN input.site_id IS NOT NULL THEN (
                SELECT count(*)
                FROM container
                JOIN freezer ON freezer.id = container.freezer_id
                WHERE freezer.site_id = input.site_id
            )
            WHEN container_estimate.total > 50000 THEN container_estimate.total
            ELSE (SELECT count(*) FROM container)
        END
    )::bigint AS containers,
    (input.site_id IS NULL AND container_estimate.total > 50000)::boolean AS containers_estimated,
    (SELECT count(*) FROM freezer WHERE input.site_id IS NULL OR freezer.site_id = input.site_id) AS freezers,
    (SELECT count(*) FROM computer WHERE input.site_id IS NULL OR computer.site_id = input.site_id) AS computers,
    (SELECT count(*) FROM site) AS sites,
    (
        SELECT count(*)
        FROM stocktake
        JOIN freezer ON freezer.id = stocktake.freezer_id
        WHERE closed_at IS NULL
          AND (input.site_id IS NULL OR freezer.site_id = input.site_id)
    ) AS stocktakes_open,
    (SELECT count(*) FROM account) AS users,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(critical_alert) ORDER BY critical_alert.id DESC), '[]')
        FROM (
            SELECT
                active_alert.id,
                active_alert.user_id,
                coalesce(account.display_name, account.username) AS user_display_name,
                alert.reasons,
                active_alert.assignee,
                active_alert.created_at
            FROM (SELECT * FROM active_alert WHERE severity = 'critical' ORDER BY id DESC LIMIT 3) AS active_alert
            JOIN alert ON alert.user_id = active_alert.user_id AND alert.id = active_alert.id
            LEFT JOIN account ON account.id = active_alert.user_id
        ) AS critical_alert
    )::jsonb AS critical_alerts,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(my_alert) ORDER BY my_alert.id DESC), '[]')
        FROM (
            SELECT
                active_alert.id,
                active_alert.user_id,
                coalesce(account.display_name, account.username) AS user_display_name,
                active_alert.severity,
                alert.reasons,
                active_alert.created_at
            FROM (
                SELECT * FROM active_alert WHERE assignee = (SELECT username FROM input) ORDER BY id DESC LIMIT 8
            ) AS active_alert
            JOIN alert ON alert.user_id = active_alert.user_id AND alert.id = active_alert.id
            LEFT JOIN account ON account.id = active_alert.user_id
        ) AS my_alert
    )::jsonb AS my_alerts,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(my_todo) ORDER BY my_todo.due_on, my_todo.id), '[]')
        FROM (
            SELECT
                unfinished_todo.id,
                description,
                status,
                due_on
            FROM unfinished_todo
            WHERE assignee = (SELECT username FROM input)
            ORDER BY due_on, unfinished_todo.id
            LIMIT 8
        ) AS my_todo
    )::jsonb AS my_todos,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(unit) ORDER BY unit.site_id, unit.name COLLATE natural_sort, unit.id), '[]')
        FROM (
            SELECT
                freezer.id,
                freezer.name,
                freezer.site_id,
                site.name AS site_name,
                occupancy.containers,
                occupancy.positions,
                occupancy.taken
            FROM freezer
            JOIN site ON site.id = freezer.site_id
            JOIN occupancy ON occupancy.freezer_id = freezer.id AND occupancy.container_uuid IS NULL
            WHERE input.site_id IS NULL OR freezer.site_id = input.site_id
            ORDER BY freezer.site_id, freezer.id
            LIMIT 200
        ) AS unit
    )::jsonb AS storage,
    (
        SELECT coalesce(
            jsonb_agg(to_jsonb(activity) ORDER BY activity.at DESC, activity.noun, activity.action, activity.row_key),
            '[]'
        )
        FROM activity
    )::jsonb AS activity
FROM input, alert_totals, todo_totals, checkout_totals, container_estimate;
