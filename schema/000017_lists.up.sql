-- Lists: an order of texts for people, patterns of filters, and indexes of what people sort and filter by.

-- "Box 2" precedes "Box 10". Accents and case decide only between texts that are otherwise equal.
CREATE COLLATION natural_sort (provider = icu, locale = 'und-u-kn-true');
COMMENT ON COLLATION natural_sort IS 'The order of texts in lists: numbers in a text are compared as numbers.';

CREATE FUNCTION escape_pattern(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN regexp_replace(search_text(text), '([\\%_])', '\\\1', 'g');
COMMENT ON FUNCTION escape_pattern IS 'Returns the search form of a text as a part of a LIKE pattern, without wildcards.';

CREATE FUNCTION contains_pattern(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN '%' || escape_pattern(text) || '%';
COMMENT ON FUNCTION contains_pattern IS 'Returns a LIKE pattern of the search forms that contain a text.';

CREATE FUNCTION prefix_pattern(text text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE STRICT
RETURN escape_pattern(text) || '%';
COMMENT ON FUNCTION prefix_pattern IS 'Returns a LIKE pattern of the search forms that start with a text.';

-- Lists sort texts by their first 100 characters, so that every text fits into an index.
CREATE INDEX site_name_id_idx ON site (left(name, 100) COLLATE natural_sort, id);
CREATE INDEX freezer_name_id_idx ON freezer (left(name, 100) COLLATE natural_sort, id);
CREATE INDEX computer_name_id_idx ON computer (left(name, 100) COLLATE natural_sort, id);
CREATE INDEX container_description_id_idx ON container (left(description, 100) COLLATE natural_sort, id);
CREATE INDEX todo_description_id_idx ON todo (left(description, 100) COLLATE natural_sort, id);
CREATE INDEX todo_due_on_id_idx ON todo (due_on, id);


-- The order of instruments is that of one index per table, so that Postgres can merge them. It cannot if a branch of the
-- view joins tables.
CREATE FUNCTION freezer_ordinal(id bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN id + 9007199254740992;
COMMENT ON FUNCTION freezer_ordinal IS
    'Returns the position of a freezer among the instruments of a site: after the computers.';

CREATE INDEX freezer_site_id_freezer_ordinal_idx ON freezer (site_id, freezer_ordinal(id));

CREATE OR REPLACE VIEW instrument AS
SELECT
    computer.site_id,
    (SELECT site.name FROM site WHERE site.id = computer.site_id) AS site_name,
    computer.id AS computer_id,
    NULL::bigint AS freezer_id,
    computer.name
FROM computer
UNION ALL
SELECT
    freezer.site_id,
    (SELECT site.name FROM site WHERE site.id = freezer.site_id) AS site_name,
    NULL::bigint AS computer_id,
    freezer.id AS freezer_id,
    freezer.name
FROM freezer;

COMMENT ON COLUMN instrument.site_id     IS 'ID of the site of the instrument.';
COMMENT ON COLUMN instrument.site_name   IS 'Name of the site.';
COMMENT ON COLUMN instrument.computer_id IS 'ID of the computer; null for a freezer.';
COMMENT ON COLUMN instrument.freezer_id  IS 'ID of the freezer; null for a computer.';
COMMENT ON COLUMN instrument.name        IS 'Name of the instrument.';
