-- name: ListInstruments :many
-- Lists computers and freezers, site by site. For a look by hand there is the view: SELECT * FROM instrument.
-- Each arm reads its own index from the cursor on, so that a page costs the same at any depth.
SELECT
    instrument.*,
    format('%s-%s-%s', site_id, coalesce(computer_id, 9007199254740991), coalesce(freezer_id, 0)) AS cursor
FROM (
    (
        SELECT computer.site_id, site.name AS site_name, computer.id AS computer_id, NULL::bigint AS freezer_id, computer.name
        FROM computer
        JOIN site ON site.id = computer.site_id
        WHERE (computer.site_id, computer.id) > (@after_site_id::bigint, @after_computer_id::bigint)
          AND (sqlc.narg('site_id')::bigint IS NULL OR computer.site_id = sqlc.narg('site_id'))
          AND (sqlc.narg('site_name')::text IS NULL OR site.name = sqlc.narg('site_name'))
          AND (sqlc.narg('name')::text IS NULL OR computer.name = sqlc.narg('name'))
        ORDER BY computer.site_id, computer.id
        LIMIT least(sqlc.narg('limit')::bigint, 9007199254740991) + least(sqlc.arg('offset')::bigint, 9007199254740991)
    )
    UNION ALL
    (
        SELECT freezer.site_id, site.name AS site_name, NULL::bigint AS computer_id, freezer.id AS freezer_id, freezer.name
        FROM freezer
        JOIN site ON site.id = freezer.site_id
        WHERE (freezer.site_id, freezer.id) > (@after_site_id, @after_freezer_id::bigint)
          AND (sqlc.narg('site_id') IS NULL OR freezer.site_id = sqlc.narg('site_id'))
          AND (sqlc.narg('site_name') IS NULL OR site.name = sqlc.narg('site_name'))
          AND (sqlc.narg('name') IS NULL OR freezer.name = sqlc.narg('name'))
        ORDER BY freezer.site_id, freezer.id
        LIMIT least(sqlc.narg('limit'), 9007199254740991) + least(sqlc.arg('offset'), 9007199254740991)
    )
) AS instrument
ORDER BY site_id, computer_id, freezer_id
LIMIT sqlc.narg('limit')
OFFSET sqlc.arg('offset');
