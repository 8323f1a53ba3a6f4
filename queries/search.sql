-- name: FoldSearch :one
-- Returns the forms of a text and of its words that a search compares with rows.
SELECT
    search_text(@text::text)::text AS folded,
    prefix_pattern(@text)::text AS prefix,
    array(
        SELECT contains_pattern(word) FROM unnest(@words::text[]) WITH ORDINALITY AS w (word, n) ORDER BY n
    )::text[] AS patterns;

-- name: AvoidSequentialScans :exec
-- Makes PostgreSQL use indexes in this transaction. It expects a row with several common words soon, and would read the
-- whole table if there is none. A table without an index then seems so expensive that PostgreSQL would compile the plan.
SELECT
    set_config('enable_seqscan', 'off', true),
    set_config('jit', 'off', true);
