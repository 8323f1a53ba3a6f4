-- name: ListSites :many
-- Lists the sites.
SELECT
    sqlc.embed(site),
    search_text(
        name || coalesce(E'\n' || contact, '') || coalesce(E'\n' || address, '')
        || coalesce(E'\n' || state_or_region, '') || coalesce(E'\n' || country, '')
        || coalesce(E'\n' || postcode_or_zip, '')
    ) AS search
FROM site;

-- name: GetSite :one
-- Returns one site.
SELECT *
FROM site
WHERE id = @id::bigint;

-- name: CreateSite :one
-- Creates a site. The server assigns the ID.
INSERT INTO site (
    name,
    contact,
    address,
    state_or_region,
    country,
    postcode_or_zip
)
VALUES (
    @name::text,
    sqlc.narg('contact')::text,
    sqlc.narg('address')::text,
    sqlc.narg('state_or_region')::text,
    sqlc.narg('country')::text,
    sqlc.narg('postcode_or_zip')::text
)
RETURNING *;

-- name: UpsertSite :one
-- Creates or replaces the site with this ID.
INSERT INTO site (
    id,
    name,
    contact,
    address,
    state_or_region,
    country,
    postcode_or_zip
)
SELECT
    @id::bigint,
    @name::text,
    sqlc.narg('contact')::text,
    sqlc.narg('address')::text,
    sqlc.narg('state_or_region')::text,
    sqlc.narg('country')::text,
    sqlc.narg('postcode_or_zip')::text
WHERE coalesce(sqlc.narg('version')::bigint, 0) = 0
   OR EXISTS (SELECT FROM site WHERE id = @id)
ON CONFLICT (id) DO UPDATE SET
    name = excluded.name,
    contact = excluded.contact,
    address = excluded.address,
    state_or_region = excluded.state_or_region,
    country = excluded.country,
    postcode_or_zip = excluded.postcode_or_zip
WHERE assert_version(site.version, sqlc.narg('version'))
RETURNING sqlc.embed(site), xmax = 0 AS created;

-- name: PatchSite :one
-- Changes the given fields of a site. The other fields keep their values.
UPDATE site SET
    name = CASE WHEN 'name' = ANY (@given::text[]) THEN @name::text ELSE name END,
    contact = CASE WHEN 'contact' = ANY (@given) THEN sqlc.narg('contact')::text ELSE contact END,
    address = CASE WHEN 'address' = ANY (@given) THEN sqlc.narg('address')::text ELSE address END,
    state_or_region = CASE
        WHEN 'state_or_region' = ANY (@given) THEN sqlc.narg('state_or_region')::text
        ELSE state_or_region
    END,
    country = CASE WHEN 'country' = ANY (@given) THEN sqlc.narg('country')::text ELSE country END,
    postcode_or_zip = CASE
        WHEN 'postcode_or_zip' = ANY (@given) THEN sqlc.narg('postcode_or_zip')::text
        ELSE postcode_or_zip
    END
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteSite :one
-- Deletes a site. If it has instruments, the request fails with 409, unless cascade=true deletes them and their
-- containers as well.
WITH deleted_container AS (
    DELETE FROM container
    USING freezer
    WHERE @cascade::boolean AND freezer.site_id = @id AND container.freezer_id = freezer.id
), deleted_freezer AS (
    DELETE FROM freezer WHERE @cascade::boolean AND freezer.site_id = @id
), deleted_computer AS (
    DELETE FROM computer WHERE @cascade::boolean AND computer.site_id = @id
)
DELETE FROM site
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
  AND (@cascade::boolean OR assert_unreferenced(jsonb_build_object(
      'computers', (SELECT count(*) FROM computer WHERE computer.site_id = site.id),
      'freezers', (SELECT count(*) FROM freezer WHERE freezer.site_id = site.id)
  )))
RETURNING *;

-- name: ImportSites :one
-- Imports sites. A line with an ID creates that site, or changes the fields of it that the line names. A line
-- without an ID creates a site.
WITH element AS (
    SELECT line, value
    FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
), present AS (
    SELECT
        id,
        version,
        site.xmin = pg_current_xact_id()::xid AS written,
        to_jsonb(site) - 'version' AS stored
    FROM site
    WHERE id IN (SELECT (value ->> 'id')::bigint FROM element)
    ORDER BY id
    FOR UPDATE
), input AS (
    SELECT
        line,
        (value ->> 'id')::bigint AS id,
        merged ->> 'name' AS name,
        merged ->> 'contact' AS contact,
        merged ->> 'address' AS address,
        merged ->> 'state_or_region' AS state_or_region,
        merged ->> 'country' AS country,
        merged ->> 'postcode_or_zip' AS postcode_or_zip,
        (value ->> 'version')::bigint AS version,
        merged
    FROM element
    LEFT JOIN present ON present.id = (value ->> 'id')::bigint
    CROSS JOIN LATERAL (SELECT coalesce(stored, '{}') || value AS merged) AS row_of_line
), problem AS (
    SELECT line, 'id' AS field, 409 AS status, 'is already used by an earlier line' AS message
    FROM (
        SELECT line, id, row_number() OVER (PARTITION BY id ORDER BY line) AS nth
        FROM input
        WHERE id IS NOT NULL
    ) AS numbered
    LEFT JOIN present USING (id)
    WHERE nth > 1 OR written
    UNION ALL
    SELECT
        line,
        'version',
        412,
        coalesce(
            'the row is at version ' || present.version,
            'there is no such row; leave the version out to create it'
        )
    FROM input
    LEFT JOIN present USING (id)
    WHERE input.version <> coalesce(present.version, 0)
    UNION ALL
    SELECT line, field, 400, format('is missing, but needed to create site %s', id)
    FROM input
    CROSS JOIN unnest(ARRAY['name']) AS field
    WHERE id IS NOT NULL
      AND merged -> field IS NULL
), valid AS (
    SELECT *
    FROM input
    WHERE line NOT IN (SELECT problem.line FROM problem)
), created AS (
    INSERT INTO site (name, contact, address, state_or_region, country, postcode_or_zip)
    SELECT name, contact, address, state_or_region, country, postcode_or_zip
    FROM valid
    CROSS JOIN advance_ids('site', ARRAY(SELECT valid.id FROM valid WHERE valid.id IS NOT NULL))
    WHERE id IS NULL
    ORDER BY line
    RETURNING true AS created
), inserted AS (
    INSERT INTO site (id, name, contact, address, state_or_region, country, postcode_or_zip)
    SELECT id, name, contact, address, state_or_region, country, postcode_or_zip
    FROM valid
    WHERE id IS NOT NULL
      AND id NOT IN (SELECT present.id FROM present)
    RETURNING true AS created
), updated AS (
    UPDATE site SET
        name = valid.name,
        contact = valid.contact,
        address = valid.address,
        state_or_region = valid.state_or_region,
        country = valid.country,
        postcode_or_zip = valid.postcode_or_zip
    FROM valid
    WHERE site.id = valid.id
    RETURNING true AS updated
)
SELECT
    (
        SELECT (SELECT count(*) FROM created) + (SELECT count(*) FROM inserted)
    )::bigint AS created,
    (SELECT count(*) FROM updated) AS updated,
    (
        SELECT count(*)
        FROM valid
        JOIN present USING (id)
        CROSS JOIN jsonb_each(stored) AS field (name, value)
        WHERE field.value <> 'null'
          AND merged -> field.name = 'null'
    ) AS cleared,
    (
        SELECT coalesce(jsonb_agg(to_jsonb(problem) ORDER BY problem.line), '[]')
        FROM problem
    )::jsonb AS problems;

-- name: ListSiteChanges :many
-- Lists the history of a site, oldest change first. The history remains after the site is deleted.
SELECT *
FROM change
WHERE table_name = 'site'
  AND row_key = cast(@id::bigint AS text);
