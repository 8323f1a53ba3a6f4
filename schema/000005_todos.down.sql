DROP TABLE todo;
DROP FUNCTION alert_exists();
