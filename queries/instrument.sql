-- name: ListInstruments :many
-- Lists the computers and freezers, ordered by site. In psql, SELECT * FROM instrument returns the same columns.
SELECT
    sqlc.embed(instrument),
    coalesce(computer_id, freezer_ordinal(freezer_id))::bigint AS ordinal
FROM instrument;
