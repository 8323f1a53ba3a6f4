-- The extension pg_trgm stays: other objects may use it.
DROP INDEX IF EXISTS
    site_search_text_idx,
    freezer_search_text_idx,
    computer_search_text_idx,
    container_search_text_idx,
    todo_search_text_idx,
    account_search_text_idx;
DROP FUNCTION search_digits(text);
DROP FUNCTION search_patterns(text);
DROP FUNCTION search_text(text);
