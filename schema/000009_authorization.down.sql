DROP FUNCTION authorize_token(bytea, text, text);
DROP FUNCTION authorize_session(uuid, bigint, text, text);
DROP FUNCTION authorize_request(text, text, text, text);
DROP FUNCTION refuse_request(text, text, text);
DROP FUNCTION set_request_context(text, text, text);
DROP FUNCTION role_level(text);
