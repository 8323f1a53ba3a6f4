-- name: Search :many
-- Searches all records by any part of their texts or by ID, best match first. It covers sites, freezers, computers,
-- containers, rules, todos and users. The search ignores case, and no character is a wildcard. Events and alerts are
-- found by their complete ID. Admins find everything; other callers find no users, and only todos that they own or are
-- assigned to.
WITH parsed AS (
    SELECT CASE
        WHEN lower(@q::text) ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN (@q::text)::uuid
    END AS id
)
SELECT
    kind,
    key,
    left(title, 200) AS title,
    detail
FROM (
    SELECT
        'site' AS kind,
        id::text AS key,
        name AS title,
        concat_ws(', ', address, state_or_region, country) AS detail,
        concat_ws(chr(10), contact, address, state_or_region, country, postcode_or_zip) AS others
    FROM site
    UNION ALL
    SELECT
        'freezer',
        freezer.id::text,
        freezer.name,
        site.name,
        NULL
    FROM freezer
    JOIN site ON site.id = freezer.site_id
    UNION ALL
    SELECT
        'computer',
        computer.id::text,
        computer.name,
        site.name,
        computer.mac::text
    FROM computer
    JOIN site ON site.id = computer.site_id
    UNION ALL
    SELECT
        'container',
        container.uuid::text,
        coalesce(nullif(container.description, ''), container.uuid::text),
        concat_ws(', ', freezer.name, site.name),
        NULL
    FROM container
    JOIN freezer ON freezer.id = container.freezer_id
    JOIN site ON site.id = freezer.site_id
    UNION ALL
    SELECT
        'todo',
        id::text,
        description,
        concat_ws(', ', status, assignee, due_on),
        assignee
    FROM todo
    WHERE @caller_role::text = 'admin'
       OR (SELECT username FROM account WHERE id = @caller_id::bigint) IN (owner, assignee)
    UNION ALL
    SELECT
        'rule',
        code::text,
        title,
        concat_ws(' ', 'code', code),
        NULL
    FROM rule
    UNION ALL
    SELECT
        'event',
        id::text,
        concat_ws(' ', type, amount, 'of user', user_id),
        created_at::text,
        NULL
    FROM event
    WHERE id = (SELECT id FROM parsed)
    UNION ALL
    SELECT
        'alert',
        id::text,
        concat_ws(' ', 'alert', array_to_string(alert_codes, ', '), 'of user', user_id),
        state,
        NULL
    FROM alert
    WHERE id = (SELECT id FROM parsed)
    UNION ALL
    SELECT
        'user',
        id::text,
        username,
        concat_ws(', ', role, country),
        country
    FROM account
    WHERE @caller_role = 'admin'
) AS item
CROSS JOIN lower(@q::text) AS term
CROSS JOIN LATERAL strpos(lower(title), term) AS position
WHERE (sqlc.narg('only')::text IS NULL OR kind = sqlc.narg('only'))
  AND (
      key = term
      OR position > 0
      OR kind = 'container' AND starts_with(key, term)
      OR strpos(lower(others), term) > 0
  )
ORDER BY
    CASE
        WHEN key = term OR position = 1 AND length(title) = length(term) THEN 1
        WHEN position = 1 OR kind = 'container' AND starts_with(key, term) THEN 2
        WHEN position > 1 THEN 3
        ELSE 4
    END,
    length(title),
    kind,
    key
LIMIT sqlc.narg('limit')::bigint;
