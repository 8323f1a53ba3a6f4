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
CREATE INDEX todo_due_on_id_idx ON todo (due_on, id);
