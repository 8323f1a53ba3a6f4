-- name: Search :many
-- Searches all records by the words of a text, in any order, or by ID, best match first. It covers sites, freezers,
-- computers, containers, rules, todos and users. Each word must occur, also as a part of a word. The search ignores
-- case and accents, and no character is a wildcard. MAC addresses and UUIDs are found in any notation: computers by a
-- part of the MAC address, containers by the beginning of the UUID, events and alerts by the complete ID. Admins find
-- everything; other callers find no users, and only todos that they own or are assigned to.
WITH query AS (
    SELECT
        search_text(btrim(@q::text)) AS text,
        search_patterns(@q) AS patterns,
        length((search_patterns(@q))[1]) >= 5 AS has_trigram, -- the longest one is %abc% or longer
        search_digits(@q) AS digits,
        rpad(search_digits(@q), 32, '0')::uuid AS first_uuid,
        rpad(search_digits(@q), 32, 'f')::uuid AS last_uuid,
        CASE WHEN length(search_digits(@q)) = 32 THEN search_digits(@q)::uuid END AS uuid,
        CASE WHEN btrim(@q) ~ '^[0-9]{1,18}$' THEN btrim(@q)::bigint END AS id
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
        NULL AS digits
    FROM site
    WHERE id = (SELECT query.id FROM query)
       OR search_text(
              name || coalesce(E'\n' || contact, '') || coalesce(E'\n' || address, '')
              || coalesce(E'\n' || state_or_region, '') || coalesce(E'\n' || country, '')
              || coalesce(E'\n' || postcode_or_zip, '')
          ) LIKE (SELECT patterns[1] FROM query)
          AND search_text(
              name || coalesce(E'\n' || contact, '') || coalesce(E'\n' || address, '')
              || coalesce(E'\n' || state_or_region, '') || coalesce(E'\n' || country, '')
              || coalesce(E'\n' || postcode_or_zip, '')
          ) LIKE ALL ((SELECT patterns FROM query)::text[])
    UNION ALL
    SELECT
        'freezer',
        freezer.id::text,
        freezer.name,
        site.name,
        NULL
    FROM freezer
    JOIN site ON site.id = freezer.site_id
    WHERE freezer.id = (SELECT query.id FROM query)
       OR search_text(freezer.name) LIKE (SELECT patterns[1] FROM query)
          AND search_text(freezer.name) LIKE ALL ((SELECT patterns FROM query)::text[])
    UNION ALL
    SELECT
        'computer',
        computer.id::text,
        computer.name,
        site.name,
        replace(computer.mac::text, ':', '')
    FROM computer
    JOIN site ON site.id = computer.site_id
    WHERE computer.id = (SELECT query.id FROM query)
       OR search_text(
              computer.name || coalesce(E'\n' || mac::text || E'\n' || replace(mac::text, ':', ''), '')
          ) LIKE (SELECT concat('%', query.digits, '%') FROM query WHERE query.digits IS NOT NULL)
       OR search_text(
              computer.name || coalesce(E'\n' || mac::text || E'\n' || replace(mac::text, ':', ''), '')
          ) LIKE (SELECT patterns[1] FROM query)
          AND search_text(
              computer.name || coalesce(E'\n' || mac::text || E'\n' || replace(mac::text, ':', ''), '')
          ) LIKE ALL ((SELECT patterns FROM query)::text[])
    UNION ALL
    SELECT
        'container',
        container.uuid::text,
        coalesce(nullif(container.description, ''), container.uuid::text),
        concat_ws(', ', freezer.name, site.name),
        replace(container.uuid::text, '-', '')
    FROM (
        SELECT *
        FROM container
        WHERE (SELECT has_trigram FROM query)
          AND (
                  uuid BETWEEN (SELECT first_uuid FROM query) AND (SELECT last_uuid FROM query)
                  OR search_text(description) LIKE (SELECT patterns[1] FROM query)
              )
        UNION ALL
        -- Without a trigram, reading all of the index takes longer than reading all rows.
        SELECT *
        FROM container
        WHERE NOT (SELECT has_trigram FROM query)
    ) AS container
    JOIN freezer ON freezer.id = container.freezer_id
    JOIN site ON site.id = freezer.site_id
    WHERE container.uuid BETWEEN (SELECT first_uuid FROM query) AND (SELECT last_uuid FROM query)
       OR search_text(container.description) LIKE ALL ((SELECT patterns FROM query)::text[])
    UNION ALL
    SELECT
        'todo',
        id::text,
        description,
        concat_ws(', ', status, assignee, due_on),
        NULL
    FROM todo
    WHERE (
              @caller_role::text = 'admin'
              OR (SELECT username FROM account WHERE account.id = @caller_id::bigint) IN (owner, assignee)
          )
      AND (
              id = (SELECT query.id FROM query)
              OR search_text(description || coalesce(E'\n' || assignee, '')) LIKE (SELECT patterns[1] FROM query)
                 AND search_text(description || coalesce(E'\n' || assignee, ''))
                     LIKE ALL ((SELECT patterns FROM query)::text[])
          )
    UNION ALL
    SELECT
        'rule',
        code::text,
        title,
        concat_ws(' ', 'code', code),
        NULL
    FROM rule
    WHERE code = (SELECT query.id FROM query)
       OR search_text(title) LIKE ALL ((SELECT patterns FROM query)::text[])
    UNION ALL
    SELECT
        'event',
        id::text,
        concat_ws(' ', type, amount, 'of user', user_id),
        created_at::text,
        replace(id::text, '-', '')
    FROM event
    WHERE id = (SELECT query.uuid FROM query)
    UNION ALL
    SELECT
        'alert',
        id::text,
        concat_ws(' ', 'alert', array_to_string(alert_codes, ', '), 'of user', user_id),
        state,
        replace(id::text, '-', '')
    FROM alert
    WHERE id = (SELECT query.uuid FROM query)
    UNION ALL
    SELECT
        'user',
        id::text,
        username,
        concat_ws(', ', role, country),
        NULL
    FROM account
    WHERE @caller_role = 'admin'
      AND (
              id = (SELECT query.id FROM query)
              OR search_text(username || coalesce(E'\n' || country, '')) LIKE (SELECT patterns[1] FROM query)
                 AND search_text(username || coalesce(E'\n' || country, ''))
                     LIKE ALL ((SELECT patterns FROM query)::text[])
          )
) AS item
CROSS JOIN query
CROSS JOIN LATERAL search_text(title) AS folded_title
WHERE (sqlc.narg('only')::text IS NULL OR kind = sqlc.narg('only'))
ORDER BY
    CASE
        WHEN key = query.text OR item.digits = query.digits OR folded_title = query.text THEN 1
        WHEN starts_with(folded_title, query.text)
            OR kind = 'container' AND starts_with(item.digits, query.digits)
            THEN 2
        WHEN folded_title LIKE ALL (query.patterns) THEN 3
        ELSE 4
    END,
    length(title),
    kind,
    key
LIMIT sqlc.narg('limit')::bigint;
