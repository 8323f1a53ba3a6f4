DROP TABLE todo;
DROP FUNCTION assert_owner();
DROP FUNCTION assert_alert_exists();
