-- name: ListStocktakes :many
-- Lists the stock-takes.
SELECT
    sqlc.embed(stocktake),
    search_text(coalesce(note, '')) AS search
FROM stocktake;

-- name: GetStocktake :one
-- Returns one stock-take, with the number of items of each result.
SELECT
    stocktake.id,
    stocktake.freezer_id,
    stocktake.container_uuid,
    stocktake.note,
    stocktake.started_at,
    stocktake.started_by,
    stocktake.closed_at,
    stocktake.closed_by,
    total.items,
    total.scanned,
    total.found,
    total.missing,
    total.misplaced,
    total.unexpected,
    total.unknown,
    total.checked_out,
    total.moved,
    stocktake.version
FROM stocktake
CROSS JOIN LATERAL (
    SELECT
        count(*) AS items,
        count(*) FILTER (WHERE report.scanned_at IS NOT NULL) AS scanned,
        count(*) FILTER (WHERE report.result = 'found') AS found,
        count(*) FILTER (WHERE report.result = 'missing') AS missing,
        count(*) FILTER (WHERE report.result = 'misplaced') AS misplaced,
        count(*) FILTER (WHERE report.result = 'unexpected') AS unexpected,
        count(*) FILTER (WHERE report.result = 'unknown') AS unknown,
        count(*) FILTER (WHERE report.result = 'checked_out') AS checked_out,
        count(*) FILTER (WHERE report.result = 'moved') AS moved
    FROM stocktake_report AS report
    WHERE report.stocktake_id = stocktake.id
) AS total
WHERE stocktake.id = @id::bigint;

-- name: CreateStocktake :one
-- Starts a stock-take of a freezer or of a container. It expects what lies there now, at any depth. A freezer and a
-- container have at most one open stock-take each.
INSERT INTO stocktake (
    freezer_id,
    container_uuid,
    note
)
VALUES (
    sqlc.narg('freezer_id')::bigint,
    sqlc.narg('container_uuid')::uuid,
    sqlc.narg('note')::text
)
RETURNING *;

-- name: ListStocktakeItems :many
-- Lists what a stock-take expects and what was scanned, with the result of each. A closed stock-take keeps its results.
SELECT
    sqlc.embed(stocktake_report),
    search_text(name || coalesce(E'\n' || code, '') || coalesce(E'\n' || barcode, '')) AS search
FROM stocktake_report
WHERE stocktake_id = @id::bigint;

-- name: ScanCode :one
-- Scans a barcode in a stock-take, and returns what it is, with its result. Send the container in which it lies as
-- parent, and its position there if it is known. Without a parent, any place in the freezer or container of the
-- stock-take is right. A further scan of a container replaces the one before. The containers in which a scanned one
-- lies count as seen. An unknown code is kept as it is.
SELECT *
FROM scan_code(@id::bigint, @code::text, sqlc.narg('parent')::text, sqlc.narg('position')::text);

-- name: UndoScan :one
-- Removes a scan from a stock-take: that of the container with this barcode or UUID, or an unknown code. Returns the
-- item as it was.
SELECT *
FROM undo_scan(@id::bigint, @code::text);

-- name: CloseStocktake :one
-- Closes a stock-take and writes the differences: what was scanned elsewhere is moved to there, what is missing gets
-- the status missing, and what was missing and was scanned becomes stored. A container scanned at no certain place is
-- moved into the freezer or container of the stock-take. If a position is taken by a container that was not scanned
-- there, the request fails with 409, lists all conflicts and changes nothing. The results cannot change any more.
SELECT
    id::bigint AS id,
    closed_at::timestamptz AS closed_at,
    closed_by::text AS closed_by,
    marked::bigint AS marked,
    moved::bigint AS moved,
    restored::bigint AS restored,
    version::bigint AS version
FROM close_stocktake(
    @id::bigint,
    sqlc.narg('version')::bigint,
    coalesce(sqlc.narg('missing')::text, 'mark') = 'mark',
    coalesce(sqlc.narg('misplaced')::text, 'move') = 'move',
    coalesce(sqlc.narg('unexpected')::text, 'move') = 'move'
);

-- name: ListStocktakeChanges :many
-- Lists the history of a stock-take, oldest change first. The changes of containers by closing it are in their history.
SELECT *
FROM change
WHERE table_name = 'stocktake'
  AND row_key = cast(@id::bigint AS text);
