DROP FUNCTION assert_username_unused(text);
DROP INDEX change_before_username_idx;
DROP TRIGGER end_sessions ON account;
DROP TABLE login_attempt;
DROP TABLE api_token;
DROP TABLE session;
DROP TABLE credential;
DROP FUNCTION end_sessions();
DROP FUNCTION record_credential();
