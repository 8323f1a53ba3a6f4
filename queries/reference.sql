-- name: FindReferences :many
-- Finds the rows that a request names instead of giving their keys: up to 5 candidates for each name, and their number.
-- A name is compared exactly. If no row has it, case, accents and surrounding spaces are ignored.
WITH wanted AS (
    SELECT
        number,
        value ->> 'kind' AS kind,
        value ->> 'name' AS name
    FROM jsonb_array_elements(@names::jsonb) WITH ORDINALITY AS element (value, number)
), named AS NOT MATERIALIZED (
    SELECT 'site' AS kind, id::text AS key, name, NULL::bigint AS site_id, concat_ws(', ', address, country) AS detail
    FROM site
    UNION ALL
    SELECT 'freezer', id::text, name, site_id, NULL
    FROM freezer
    UNION ALL
    SELECT 'computer', id::text, name, site_id, NULL
    FROM computer
), exact AS (
    SELECT wanted.number, found.key, found.site_id, found.detail
    FROM wanted
    CROSS JOIN LATERAL (
        SELECT named.key, named.site_id, named.detail
        FROM named
        WHERE named.kind = wanted.kind
          AND named.name = wanted.name
          AND left(named.name, 100) COLLATE natural_sort = left(wanted.name, 100)
        OFFSET 0 -- uses the indexes of the lists for each name
    ) AS found
    UNION
    SELECT wanted.number, container.uuid::text, NULL, container.description
    FROM wanted
    JOIN container ON container.uuid = CASE
        WHEN wanted.kind = 'container' AND wanted.name ~* '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$'
            THEN wanted.name::uuid
    END
    UNION
    SELECT wanted.number, container.uuid::text, NULL, container.description
    FROM wanted
    JOIN container ON wanted.kind = 'container' AND container.barcode = btrim(wanted.name)
), folded AS (
    SELECT wanted.number, named.key, named.site_id, named.detail
    FROM wanted
    JOIN named USING (kind)
    WHERE btrim(search_text(named.name), E' \t\r\n') = btrim(search_text(wanted.name), E' \t\r\n')
      AND wanted.number NOT IN (SELECT exact.number FROM exact)
), candidate AS (
    SELECT
        *,
        count(*) OVER (PARTITION BY number) AS total,
        row_number() OVER (PARTITION BY number ORDER BY length(key), key) AS place
    FROM (SELECT * FROM exact UNION ALL SELECT * FROM folded) AS found
)
SELECT
    number::bigint AS number,
    key::text AS key,
    coalesce(
        'site ' || (SELECT site.name FROM site WHERE site.id = candidate.site_id),
        detail,
        ''
    )::text AS detail,
    total::bigint AS total
FROM candidate
WHERE place <= 5
ORDER BY number, place;

-- name: ListReferenceNames :many
-- Lists up to 1000 names of rows of the given kinds, to suggest one for a name that no row has.
(SELECT 'site'::text AS kind, name FROM site WHERE 'site' = ANY (@kinds::text[]) ORDER BY id LIMIT 1000)
UNION ALL
(SELECT 'freezer', name FROM freezer WHERE 'freezer' = ANY (@kinds) ORDER BY id LIMIT 1000)
UNION ALL
(SELECT 'computer', name FROM computer WHERE 'computer' = ANY (@kinds) ORDER BY id LIMIT 1000);
