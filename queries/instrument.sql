-- name: ListInstruments :many
-- Lists the computers and freezers, ordered by site. In psql, SELECT * FROM instrument returns the same columns.
SELECT *
FROM instrument;
