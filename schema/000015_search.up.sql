-- Search: words in any order, without accents, and MAC addresses and UUIDs in any notation.

-- Both forms fold case as Unicode does. The letters in translate have no canonical decomposition. Only the first 10,000
-- characters count, because this takes some microseconds for each character that is not ASCII.
CREATE FUNCTION search_text(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN octet_length(left(text, 10000)) = length(left(text, 10000)) -- only ASCII
        THEN lower(left(text, 10000) COLLATE "C")
    ELSE replace(
        replace(
            translate(
                regexp_replace(
                    lower(upper(lower(normalize(left(text, 10000), NFKD) COLLATE "und-x-icu"))), -- ẞ becomes ß, then ss
                    U&'[\0300-\036F\00AD\200B-\200F]',
                    '',
                    'g'
                ),
                'øłđħŧ',
                'oldht'
            ),
            'æ',
            'ae'
        ),
        'œ',
        'oe'
    ) COLLATE "C"
END;
COMMENT ON FUNCTION search_text IS
    'Returns the form of a text that searches compare: its first 10,000 characters, without case, accents and ligatures.';

CREATE FUNCTION search_patterns(query text) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (
    SELECT array_agg(pattern ORDER BY length(pattern) DESC, pattern)
    FROM regexp_split_to_table(search_text(query), '\s+') AS word
    CROSS JOIN concat('%', regexp_replace(word, '([\\%_])', '\\\1', 'g'), '%') AS pattern
    WHERE word <> ''
);
COMMENT ON FUNCTION search_patterns IS
    'Returns a LIKE pattern for each word of a query, the longest first. Null for a query without words.';

CREATE FUNCTION search_digits(query text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN substring(
    regexp_replace(regexp_replace(lower(query), '^\s*urn:uuid:', ''), '[-:.{}\s]', '', 'g') FROM '^[0-9a-f]{4,32}$'
);
COMMENT ON FUNCTION search_digits IS
    'Returns the hexadecimal digits of a query that may be a part of a MAC address or UUID in any notation, or null.';


-- The extension makes searches fast. They work without it.
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_trgm') THEN
        CREATE EXTENSION pg_trgm;
    END IF;
EXCEPTION
    WHEN insufficient_privilege OR undefined_file OR feature_not_supported THEN
        RAISE WARNING 'searches are slow without the extension pg_trgm'
            USING HINT = 'Install it (Debian: postgresql, Fedora: postgresql-contrib), then run labledger migrate down '
                         'and labledger migrate up.';
END
$$;

-- The expressions are those of the query Search.
DO $$
BEGIN
    IF to_regtype('gtrgm') IS NULL THEN
        RETURN;
    END IF;
    CREATE INDEX site_search_text_idx ON site USING gin (search_text(
        name || coalesce(E'\n' || contact, '') || coalesce(E'\n' || address, '')
        || coalesce(E'\n' || state_or_region, '') || coalesce(E'\n' || country, '')
        || coalesce(E'\n' || postcode_or_zip, '')
    ) gin_trgm_ops);
    CREATE INDEX freezer_search_text_idx ON freezer USING gin (search_text(name) gin_trgm_ops);
    CREATE INDEX computer_search_text_idx ON computer USING gin (search_text(
        name || coalesce(E'\n' || mac::text || E'\n' || replace(mac::text, ':', ''), '')
    ) gin_trgm_ops);
    CREATE INDEX container_search_text_idx ON container USING gin (search_text(description) gin_trgm_ops);
    CREATE INDEX todo_search_text_idx ON todo USING gin (search_text(
        description || coalesce(E'\n' || assignee, '')
    ) gin_trgm_ops);
    CREATE INDEX account_search_text_idx ON account USING gin (search_text(
        username || coalesce(E'\n' || country, '')
    ) gin_trgm_ops);
END
$$;
