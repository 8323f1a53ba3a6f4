-- The search finds attachments. The functions of its former query are gone.

DROP FUNCTION search_digits(text);

-- The order of lists by name, which is also how a search finds names that begin with a text.
CREATE INDEX account_username_id_idx ON account (left(username, 100) COLLATE natural_sort, id);
CREATE INDEX attachment_name_id_idx ON attachment (left(name, 100) COLLATE natural_sort, id);

DO $$
BEGIN
    IF to_regtype('gtrgm') IS NOT NULL THEN
        CREATE INDEX attachment_search_text_idx ON attachment USING gin (search_text(
            name || E'\n' || type || E'\n' || owner
        ) gin_trgm_ops);
    END IF;
END
$$;
