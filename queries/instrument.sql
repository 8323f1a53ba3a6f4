-- name: ListInstruments :many
-- Lists the computers and freezers, ordered by site. In psql, SELECT * FROM instrument returns the same columns. All
-- pages cost the same: each branch reads its index from the cursor on, and names are joined for one page only.
SELECT
    site.id AS site_id,
    site.name AS site_name,
    computer.id AS computer_id,
    freezer.id AS freezer_id,
    coalesce(computer.name, freezer.name)::text AS name,
    format('%s-%s-%s', page.site_id, page.computer_id, page.freezer_id) AS cursor
FROM (
    (
        SELECT site_id, id AS computer_id, 0::bigint AS freezer_id
        FROM computer
        WHERE (site_id, id) > (@after_site_id::bigint, @after_computer_id::bigint)
          AND (sqlc.narg('site_id')::bigint IS NULL OR site_id = sqlc.narg('site_id'))
          AND (
              sqlc.narg('site_name')::text IS NULL
              OR site_id IN (SELECT id FROM site WHERE name = sqlc.narg('site_name'))
          )
          AND (sqlc.narg('name')::text IS NULL OR name = sqlc.narg('name'))
        ORDER BY site_id, id
        LIMIT least(sqlc.narg('limit')::bigint, 9007199254740991)
            + least(sqlc.arg('offset')::bigint, 9007199254740991)
    )
    UNION ALL
    (
        SELECT site_id, 9007199254740991, id
        FROM freezer
        WHERE (site_id, id) > (@after_site_id::bigint, @after_freezer_id::bigint)
          AND (sqlc.narg('site_id')::bigint IS NULL OR site_id = sqlc.narg('site_id'))
          AND (
              sqlc.narg('site_name')::text IS NULL
              OR site_id IN (SELECT id FROM site WHERE name = sqlc.narg('site_name'))
          )
          AND (sqlc.narg('name')::text IS NULL OR name = sqlc.narg('name'))
        ORDER BY site_id, id
        LIMIT least(sqlc.narg('limit')::bigint, 9007199254740991)
            + least(sqlc.arg('offset')::bigint, 9007199254740991)
    )
    ORDER BY site_id, computer_id, freezer_id
    LIMIT sqlc.narg('limit')::bigint
    OFFSET sqlc.arg('offset')::bigint
) AS page
JOIN site ON site.id = page.site_id
LEFT JOIN computer ON computer.id = page.computer_id
LEFT JOIN freezer ON freezer.id = page.freezer_id
ORDER BY page.site_id, page.computer_id, page.freezer_id;
