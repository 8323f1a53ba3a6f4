DROP FUNCTION authorize_token(bytea, text, text);
DROP FUNCTION authorize_session(uuid, bigint, text, text);
DROP FUNCTION begin_request(text, text, text, text);
DROP FUNCTION role_level(text);
