DROP VIEW stocktake_report;
DROP TABLE stocktake_item;
DROP FUNCTION reject_closed_stocktake();
DROP FUNCTION assert_stocktake_open(bigint);
DROP TABLE stocktake;
DROP FUNCTION set_results();
DROP FUNCTION insert_expected();
DROP FUNCTION set_scope();

