-- name: ListInstruments :many
-- Lists computers and freezers, site by site. For a look by hand there is the view: SELECT * FROM instrument.
-- Each arm reads its own index from the cursor on, and names are looked up for the page only, so that it costs the same at any depth.
SELECT
    site.id AS site_id,
    site.name AS site_name,
    computer.id AS computer_id,
    freezer.id AS freezer_id,
    coalesce(computer.name, freezer.name)::text AS name,
    format('%s-%s-%s', part.site_id, part.computer_id, part.freezer_id) AS cursor
FROM (
    (
        SELECT site_id, id AS computer_id, 0::bigint AS freezer_id
        FROM computer
        WHERE (site_id, id) > (@after_site_id::bigint, @after_computer_id::bigint)
          AND (sqlc.narg('site_id')::bigint IS NULL OR site_id = sqlc.narg('site_id'))
          AND (sqlc.narg('site_name')::text IS NULL OR site_id IN (SELECT id FROM site WHERE name = sqlc.narg('site_name')))
          AND (sqlc.narg('name')::text IS NULL OR name = sqlc.narg('name'))
        ORDER BY site_id, id
        LIMIT least(sqlc.narg('limit')::bigint, 9007199254740991) + least(sqlc.arg('offset')::bigint, 9007199254740991)
    )
    UNION ALL
    (
        SELECT site_id, 9007199254740991, id
        FROM freezer
        WHERE (site_id, id) > (@after_site_id::bigint, @after_freezer_id::bigint)
          AND (sqlc.narg('site_id')::bigint IS NULL OR site_id = sqlc.narg('site_id'))
          AND (sqlc.narg('site_name')::text IS NULL OR site_id IN (SELECT id FROM site WHERE name = sqlc.narg('site_name')))
          AND (sqlc.narg('name')::text IS NULL OR name = sqlc.narg('name'))
        ORDER BY site_id, id
        LIMIT least(sqlc.narg('limit')::bigint, 9007199254740991) + least(sqlc.arg('offset')::bigint, 9007199254740991)
    )
    ORDER BY site_id, computer_id, freezer_id
    LIMIT sqlc.narg('limit')::bigint
    OFFSET sqlc.arg('offset')::bigint
) AS part
JOIN site ON site.id = part.site_id
LEFT JOIN computer ON computer.id = part.computer_id
LEFT JOIN freezer ON freezer.id = part.freezer_id
ORDER BY part.site_id, part.computer_id, part.freezer_id;
