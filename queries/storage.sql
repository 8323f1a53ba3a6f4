-- name: GetContainerPath :one
-- Returns the way to a container: the site, the freezer, and the containers from the outermost one to the container
-- itself.
WITH RECURSIVE path AS (
    SELECT
        container.uuid,
        container.parent_uuid,
        container.description,
        container.barcode,
        container.kind,
        container.position,
        container.depth
    FROM container
    WHERE uuid = @uuid
    UNION ALL
    SELECT parent.*
    FROM path
    CROSS JOIN LATERAL ( -- see GetFreezerMap
        SELECT
            container.uuid,
            container.parent_uuid,
            container.description,
            container.barcode,
            container.kind,
            container.position,
            container.depth
        FROM container
        WHERE container.uuid = path.parent_uuid
        OFFSET 0
    ) AS parent
)
SELECT
    container.uuid,
    freezer.site_id,
    site.name AS site_name,
    container.freezer_id,
    freezer.name AS freezer_name,
    (
        SELECT jsonb_agg(to_jsonb(path) - 'depth' - 'parent_uuid' ORDER BY depth)
        FROM path
    )::jsonb AS path
FROM container
JOIN freezer ON freezer.id = container.freezer_id
JOIN site ON site.id = freezer.site_id
WHERE container.uuid = @uuid::uuid;

-- name: GetContainerContents :one
-- Returns the map of a container: its grid, and what lies directly in it, by position. Containers without a position
-- come last. At most 10,000 containers are listed; containers is the number of all.
SELECT
    container.uuid,
    container.freezer_id,
    container.rows,
    container.columns,
    container.scheme,
    container.blocked,
    container.capacity,
    positions,
    free,
    inside.containers,
    (
        SELECT coalesce(json_agg(listed), '[]')
        FROM (
            SELECT
                content.uuid,
                content.description,
                content.barcode,
                content.kind,
                content.type,
                content.owner,
                content.project,
                content.expires_on,
                content.status,
                content.holder,
                content.due_on,
                content.position,
                content.position_row,
                content.position_column,
                content.rows,
                content.columns,
                count_positions(content.rows, content.columns, content.blocked, content.capacity) AS positions,
                (SELECT count(*) FROM container AS inside WHERE inside.parent_uuid = content.uuid) AS containers
            FROM container AS content
            WHERE content.parent_uuid = @uuid
            ORDER BY content.position_row, content.position_column, content.id
            LIMIT 10000
        ) AS listed
    )::json AS contents
FROM container
CROSS JOIN (SELECT count(*) AS containers FROM container AS content WHERE content.parent_uuid = @uuid::uuid) AS inside
LEFT JOIN LATERAL count_positions(container.rows, container.columns, container.blocked, container.capacity)
    AS positions ON true
LEFT JOIN LATERAL free_positions(
    container.rows, container.columns, container.blocked, container.capacity, inside.containers
) AS free ON true
WHERE container.uuid = @uuid::uuid;

-- name: GetFreePositions :one
-- Returns the free positions of a container, row by row. A container without a grid has none; free is how many
-- containers it can still hold, or null for any number.
SELECT
    container.uuid,
    occupancy.free,
    (
        SELECT coalesce(jsonb_agg(cell.label ORDER BY cell.position_row, cell.position_column), '[]')
        FROM list_positions(nullif(container.layout, '')) AS cell
        WHERE NOT cell.blocked
          AND NOT EXISTS (
              SELECT
              FROM container AS content
              WHERE content.parent_uuid = container.uuid
                AND content.position_row = cell.position_row
                AND content.position_column = cell.position_column
          )
    )::jsonb AS positions
FROM container
LEFT JOIN occupancy ON occupancy.container_uuid = @uuid::uuid
WHERE container.uuid = @uuid::uuid;

-- name: GetFreezerMap :one
-- Returns the map of a freezer: the containers that hold others or have positions for them, such as shelves, racks and
-- boxes, the outermost first and at most 5,000. loose is the number of containers that lie directly in the freezer and
-- are not listed.
WITH place AS ( -- discarded containers have no parent
    SELECT
        parent_uuid,
        count(*) AS containers
    FROM container
    WHERE freezer_id = @id
      AND status <> 'discarded'
    GROUP BY parent_uuid
), storage AS (
    SELECT
        counted.uuid,
        sum(counted.containers)::bigint AS containers
    FROM (
        SELECT
            container.uuid,
            0 AS containers
        FROM container
        WHERE container.freezer_id = @id
          AND (container.rows IS NOT NULL OR container.capacity IS NOT NULL)
        UNION ALL
        SELECT
            place.parent_uuid,
            place.containers
        FROM place
        WHERE place.parent_uuid IS NOT NULL
    ) AS counted
    GROUP BY counted.uuid
), listed AS (
    SELECT
        container.*,
        storage.containers
    FROM storage
    CROSS JOIN LATERAL ( -- OFFSET 0 makes Postgres find each one by its UUID; otherwise it may read all containers
        SELECT
            container.uuid,
            container.parent_uuid,
            container.description,
            container.barcode,
            container.kind,
            container.type,
            container.owner,
            container.project,
            container.depth,
            container.position,
            container.position_row,
            container.position_column,
            container.rows,
            container.columns,
            container.scheme,
            container.blocked,
            container.capacity,
            count_positions(container.rows, container.columns, container.blocked, container.capacity) AS positions
        FROM container
        WHERE container.uuid = storage.uuid
        OFFSET 0
    ) AS container
    ORDER BY container.depth, container.position_row, container.position_column, container.uuid
    LIMIT 5000
)
SELECT
    freezer.id,
    freezer.name,
    freezer.site_id,
    freezer.capacity,
    (
        coalesce((SELECT place.containers FROM place WHERE place.parent_uuid IS NULL), 0)
        - (SELECT count(*) FROM listed WHERE listed.depth = 0)
    )::bigint AS loose,
    (
        SELECT coalesce(json_agg(
            listed ORDER BY listed.depth, listed.position_row, listed.position_column, listed.uuid
        ), '[]')
        FROM listed
    )::json AS map
FROM freezer
WHERE freezer.id = @id::bigint;

-- name: ListOccupancy :many
-- Lists how full freezers and containers are. The row of a freezer has no container_uuid. It adds up the containers in
-- the freezer and the capacity of the freezer.
SELECT
    freezer_id,
    container_uuid,
    containers,
    positions,
    taken,
    free,
    coalesce(container_uuid, '00000000-0000-0000-0000-000000000000')::uuid AS ordinal -- freezers first
FROM occupancy;
