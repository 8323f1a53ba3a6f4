-- name: LockMoved :one
-- Locks the containers that a request moves, what lies in them, and the containers that they go to, in the order of
-- their UUIDs. Returns their number. Later statements see what other transactions committed before the lock.
WITH RECURSIVE inside AS (
    SELECT container.uuid
    FROM container
    WHERE container.uuid = ANY (@uuids::uuid[])
    UNION
    SELECT container.uuid
    FROM inside
    JOIN container ON container.parent_uuid = inside.uuid
)
SELECT count(*)
FROM (
    SELECT
    FROM container
    WHERE container.uuid IN (SELECT inside.uuid FROM inside UNION SELECT unnest(@target_uuids::uuid[]))
    ORDER BY container.uuid
    FOR UPDATE
) AS locked;

-- name: LockFreezerContents :one
-- Locks all containers in a freezer and the containers that they go to, as LockMoved does.
SELECT count(*)
FROM (
    SELECT
    FROM container
    WHERE container.uuid IN (
        SELECT content.uuid
        FROM container AS content
        WHERE content.freezer_id = @freezer_id::bigint
        UNION
        SELECT unnest(@target_uuids::uuid[])
    )
    ORDER BY container.uuid
    FOR UPDATE
) AS locked;

-- name: LockFreezers :one
-- Locks those of some freezers that have a capacity, in the order of their IDs. Containers are locked before. Returns
-- the number of locked freezers.
SELECT count(*)
FROM (
    SELECT
    FROM freezer
    WHERE id = ANY (@freezer_ids::bigint[])
      AND capacity IS NOT NULL
    ORDER BY id
    FOR NO KEY UPDATE
) AS locked;

-- name: ListFreezerContents :many
-- Lists the UUIDs of the containers that lie directly in a freezer, oldest first.
SELECT uuid
FROM container
WHERE freezer_id = @freezer_id::bigint
  AND parent_uuid IS NULL
  AND status <> 'discarded'
ORDER BY id;

-- name: ListMoved :many
-- Lists where containers lie, and how many containers change with each: the container itself and all inside it.
WITH RECURSIVE inside AS (
    SELECT
        container.uuid AS moved_uuid,
        container.uuid
    FROM container
    WHERE container.uuid = ANY (@uuids::uuid[])
    UNION ALL
    SELECT
        inside.moved_uuid,
        container.uuid
    FROM inside
    JOIN container ON container.parent_uuid = inside.uuid
), total AS (
    SELECT
        moved_uuid,
        count(*) AS containers
    FROM inside
    GROUP BY moved_uuid
)
SELECT
    container.uuid,
    container.freezer_id,
    container.parent_uuid,
    container.position,
    coalesce(container.position_row, 0)::integer AS position_row,
    coalesce(container.position_column, 0)::integer AS position_column,
    coalesce(container.type, '')::text AS type,
    total.containers
FROM total
JOIN container ON container.uuid = total.moved_uuid;

-- name: ListMovedAncestors :many
-- Lists which containers lie in a moved container, the innermost one first. A moved container is its own ancestor with
-- the distance 0.
WITH RECURSIVE above AS (
    SELECT
        container.uuid,
        container.uuid AS ancestor_uuid,
        0 AS distance
    FROM container
    WHERE container.uuid = ANY (@uuids::uuid[])
    UNION ALL
    SELECT
        above.uuid,
        container.parent_uuid,
        above.distance + 1
    FROM above
    JOIN container ON container.uuid = above.ancestor_uuid
    WHERE container.parent_uuid IS NOT NULL
)
SELECT
    above.uuid,
    above.ancestor_uuid,
    above.distance
FROM above
WHERE above.ancestor_uuid IN (SELECT unnest(@moved_uuids::uuid[]))
ORDER BY above.distance;

-- name: ListTargetContainers :many
-- Lists containers that others go to, with the size of their grids and the number of containers in them. rows is 0
-- without a grid; capacity is -1 for any number.
SELECT
    container.uuid,
    container_name(container)::text AS name,
    container.freezer_id,
    coalesce(container.rows, 0)::integer AS rows,
    coalesce(container.columns, 0)::integer AS columns,
    coalesce(total_positions(container), -1)::integer AS capacity,
    (SELECT count(*) FROM container AS content WHERE content.parent_uuid = container.uuid) AS containers
FROM container
WHERE container.uuid = ANY (@uuids::uuid[]);

-- name: ListTargetFreezers :many
-- Lists freezers with the number of containers that lie directly in them. capacity is -1 for any number; then the
-- number of containers is 0.
SELECT
    freezer.id,
    freezer.name,
    coalesce(freezer.capacity, -1)::integer AS capacity,
    CASE WHEN freezer.capacity IS NULL THEN 0 ELSE (
        SELECT count(*)
        FROM container
        WHERE container.freezer_id = freezer.id
          AND container.parent_uuid IS NULL
          AND container.status <> 'discarded'
    ) END::bigint AS containers
FROM freezer
WHERE freezer.id = ANY (@freezer_ids::bigint[]);

-- name: ListTakenPositions :many
-- Lists the positions of containers that are taken, with their occupants.
SELECT
    parent_uuid,
    uuid,
    container_name(container)::text AS name,
    coalesce(type, '')::text AS type,
    coalesce(position_row, 0)::integer AS position_row,
    coalesce(position_column, 0)::integer AS position_column
FROM container
WHERE parent_uuid = ANY (@uuids::uuid[])
  AND position_row IS NOT NULL
ORDER BY parent_uuid, position_row, position_column;

-- name: ListBlockedPositions :many
-- Lists the blocked positions of containers.
SELECT
    container.uuid,
    coalesce(cell.position_row, 0)::integer AS position_row,
    coalesce(cell.position_column, 0)::integer AS position_column
FROM container
CROSS JOIN LATERAL unnest(string_to_array(container.blocked, ', ')) AS label
CROSS JOIN LATERAL parse_position(container.layout, label) AS cell
WHERE container.uuid = ANY (@uuids::uuid[])
  AND container.blocked IS NOT NULL;

-- name: ParsePositions :many
-- Returns the rows and columns of labels in the grids of containers, as parse_position does; 0 if the grid has no such
-- position. label_range is such as A1 to J10, and empty without a grid.
SELECT
    input.number::integer AS number,
    coalesce(cell.position_row, 0)::integer AS position_row,
    coalesce(cell.position_column, 0)::integer AS position_column,
    coalesce(position_label(container.layout, cell.position_row, cell.position_column), '')::text AS label,
    coalesce(position_range(container.layout), '')::text AS label_range
FROM (
    SELECT
        unnest(@numbers::integer[]) AS number,
        unnest(@uuids::uuid[]) AS uuid,
        unnest(@labels::text[]) AS label
) AS input
JOIN container ON container.uuid = input.uuid
CROSS JOIN LATERAL parse_position(container.layout, input.label) AS cell
ORDER BY input.number;

-- name: MoveContainers :exec
-- Moves containers. The nil UUID is no parent: then the container goes to the freezer directly. A row or column of 0 is
-- no position.
UPDATE container SET
    freezer_id = CASE WHEN input.parent_uuid IS NULL THEN input.freezer_id ELSE container.freezer_id END,
    parent_uuid = input.parent_uuid,
    position = position_label(parent.layout, input.position_row, input.position_column),
    position_row = input.position_row,
    position_column = input.position_column
FROM (
    SELECT
        unnest(@uuids::uuid[]) AS uuid,
        unnest(@freezer_ids::bigint[]) AS freezer_id,
        nullif(unnest(@parent_uuids::uuid[]), '00000000-0000-0000-0000-000000000000') AS parent_uuid,
        nullif(unnest(@position_rows::integer[]), 0) AS position_row,
        nullif(unnest(@position_columns::integer[]), 0) AS position_column
) AS input
LEFT JOIN container AS parent ON parent.uuid = input.parent_uuid
WHERE container.uuid = input.uuid;

-- name: ListPlaces :many
-- Describes where containers lie. path has the names on the way from the freezer, then the position.
WITH RECURSIVE above AS (
    SELECT
        container.uuid,
        container.parent_uuid AS next_uuid,
        ''::text AS path
    FROM container
    WHERE container.uuid = ANY (@uuids::uuid[])
    UNION ALL
    SELECT
        above.uuid,
        parent.parent_uuid,
        ' › ' || container_name(parent) || above.path
    FROM above
    JOIN container AS parent ON parent.uuid = above.next_uuid
)
SELECT
    container.uuid,
    container.description,
    container.barcode,
    site.name AS site_name,
    container.freezer_id,
    freezer.name AS freezer_name,
    container.parent_uuid,
    container.position,
    (freezer.name || above.path || coalesce(', ' || container.position, ''))::text AS path
FROM above
JOIN container ON container.uuid = above.uuid
JOIN freezer ON freezer.id = container.freezer_id
JOIN site ON site.id = freezer.site_id
WHERE above.next_uuid IS NULL;
