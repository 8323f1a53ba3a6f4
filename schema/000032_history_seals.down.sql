DROP FUNCTION seal_history(integer);
DROP FUNCTION merkle_root(bytea);
DROP FUNCTION change_leaf(change);
DROP FUNCTION length_prefixed(text);
DROP FUNCTION unix_microseconds(timestamptz);
DROP TABLE history_seal_pending;
DROP TABLE history_seal;
