DROP FUNCTION transaction_backend(bigint);
DROP FUNCTION settled_xid();
DROP FUNCTION has_written(bigint);
