-- name: ListAttachments :many
-- Lists the attachments in the order of their numbers.
SELECT *
FROM attachment
WHERE id > @after::bigint
  AND (sqlc.narg('site_id')::bigint IS NULL OR site_id = sqlc.narg('site_id'))
  AND (sqlc.narg('freezer_id')::bigint IS NULL OR freezer_id = sqlc.narg('freezer_id'))
  AND (sqlc.narg('computer_id')::bigint IS NULL OR computer_id = sqlc.narg('computer_id'))
  AND (sqlc.narg('container_uuid')::uuid IS NULL OR container_uuid = sqlc.narg('container_uuid'))
  AND (sqlc.narg('type')::text IS NULL OR type = sqlc.narg('type'))
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: GetAttachment :one
-- Shows one attachment; its url leads to the file.
SELECT *
FROM attachment
WHERE id = @id::bigint;

-- name: CreateAttachment :one
-- Keeps what is known of an uploaded file.
INSERT INTO attachment (
    name,
    url,
    type,
    size,
    sha256,
    site_id,
    freezer_id,
    computer_id,
    container_uuid
)
SELECT
    @name::text,
    @url::text,
    @media_type::text,
    @size::bigint,
    @sha256::text,
    sqlc.narg('site_id')::bigint,
    sqlc.narg('freezer_id')::bigint,
    sqlc.narg('computer_id')::bigint,
    sqlc.narg('container_uuid')::uuid
WHERE room_for((
    SELECT count(*)
    FROM attachment
    WHERE site_id = sqlc.narg('site_id')::bigint
       OR freezer_id = sqlc.narg('freezer_id')::bigint
       OR computer_id = sqlc.narg('computer_id')::bigint
       OR container_uuid = sqlc.narg('container_uuid')::uuid
))
RETURNING *;

-- name: PatchAttachment :one
-- Changes the given fields of an attachment: its name, and what it belongs to.
UPDATE attachment SET
    name = CASE WHEN 'name' = ANY (@given::text[]) THEN @name::text ELSE name END,
    site_id = CASE WHEN 'site_id' = ANY (@given) THEN sqlc.narg('site_id')::bigint ELSE site_id END,
    freezer_id = CASE WHEN 'freezer_id' = ANY (@given) THEN sqlc.narg('freezer_id')::bigint ELSE freezer_id END,
    computer_id = CASE WHEN 'computer_id' = ANY (@given) THEN sqlc.narg('computer_id')::bigint ELSE computer_id END,
    container_uuid = CASE WHEN 'container_uuid' = ANY (@given) THEN sqlc.narg('container_uuid')::uuid ELSE container_uuid END
WHERE id = @id::bigint
  AND same_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteAttachment :one
-- Deletes an attachment. Its row stays in the history; its file goes.
DELETE FROM attachment
WHERE id = @id::bigint
  AND same_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ListAttachmentChanges :many
-- Lists the history of an attachment, also of one that is deleted.
SELECT
    id,
    at,
    actor,
    request_id,
    table_name,
    row_key,
    action,
    before,
    after
FROM change
WHERE table_name = 'attachment'
  AND row_key = cast(@id::bigint AS text)
  AND id > @after::bigint
ORDER BY id
LIMIT sqlc.narg('limit')::bigint
OFFSET sqlc.arg('offset')::bigint;

-- name: ListOrphanedURLs :many
-- Tells which of these files, of which it was not certain, belong to no attachment.
SELECT given.url::text AS url
FROM unnest(@urls::text[]) AS given (url)
WHERE NOT EXISTS (SELECT FROM attachment WHERE attachment.url = given.url)
ORDER BY given.url;
