-- name: ListInstruments :many
-- Lists the computers and freezers, ordered by site. In psql, SELECT * FROM instrument returns the same
-- columns, and the rank of the order.
SELECT *
FROM instrument;
