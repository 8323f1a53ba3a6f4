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
    SELECT
        parent.uuid,
        parent.parent_uuid,
        parent.description,
        parent.barcode,
        parent.kind,
        parent.position,
        parent.depth
    FROM path
    JOIN container AS parent ON parent.uuid = path.parent_uuid
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
    occupancy.positions,
    occupancy.free,
    (SELECT count(*) FROM container AS content WHERE content.parent_uuid = @uuid) AS containers,
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
                total_positions(content) AS positions,
                (SELECT count(*) FROM container AS inside WHERE inside.parent_uuid = content.uuid) AS containers
            FROM container AS content
            WHERE content.parent_uuid = @uuid
            ORDER BY content.position_row, content.position_column, content.id
            LIMIT 10000
        ) AS listed
    )::json AS contents
FROM container
LEFT JOIN occupancy ON occupancy.container_uuid = @uuid::uuid -- the parameter, so that Postgres reads one row of the view
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
WITH RECURSIVE parent AS ( -- skips from parent to parent in the index; discarded containers have none
    (
        SELECT parent_uuid
        FROM container
        WHERE freezer_id = @id
          AND parent_uuid IS NOT NULL
          AND status <> 'discarded'
        ORDER BY parent_uuid
        LIMIT 1
    )
    UNION ALL
    SELECT (
        SELECT container.parent_uuid
        FROM container
        WHERE container.freezer_id = @id
          AND container.parent_uuid > parent.parent_uuid
          AND container.status <> 'discarded'
        ORDER BY container.parent_uuid
        LIMIT 1
    )
    FROM parent
    WHERE parent.parent_uuid IS NOT NULL
), storage AS (
    SELECT container.uuid
    FROM container
    WHERE container.freezer_id = @id
      AND (container.rows IS NOT NULL OR container.capacity IS NOT NULL)
    UNION
    SELECT parent.parent_uuid
    FROM parent
    WHERE parent.parent_uuid IS NOT NULL
), listed AS (
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
        total_positions(container) AS positions,
        (SELECT count(*) FROM container AS content WHERE content.parent_uuid = container.uuid) AS containers
    FROM storage
    JOIN container USING (uuid)
    WHERE container.freezer_id = @id -- as the foreign key guarantees: reads an index of the freezer, not all containers
    ORDER BY container.depth, container.position_row, container.position_column, container.id
    LIMIT 5000
)
SELECT
    freezer.id,
    freezer.name,
    freezer.site_id,
    freezer.capacity,
    (
        (
            SELECT count(*)
            FROM container
            WHERE container.freezer_id = freezer.id
              AND container.parent_uuid IS NULL
              AND container.status <> 'discarded'
        )
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
