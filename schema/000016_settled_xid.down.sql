DROP FUNCTION transaction_backend(bigint);
DROP FUNCTION settled_xid();
