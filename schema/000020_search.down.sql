DROP INDEX IF EXISTS attachment_search_text_idx;
DROP INDEX attachment_name_id_idx, account_username_id_idx;

CREATE FUNCTION search_digits(query text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substring(
    regexp_replace(regexp_replace(lower(query), '^\s*urn:uuid:', ''), '[-:.{}\s]', '', 'g') FROM '^[0-9a-f]{4,32}$'
);
COMMENT ON FUNCTION search_digits IS
    'Returns the hexadecimal digits of a query that may be a part of a MAC address or UUID in any notation, or null.';
