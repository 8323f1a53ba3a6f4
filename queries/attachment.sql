-- name: ListAttachments :many
-- Lists the attachments.
SELECT
    sqlc.embed(attachment),
    search_text(name || E'\n' || type || E'\n' || owner) AS search
FROM attachment;

-- name: GetAttachment :one
-- Returns one attachment. Its url is the path of the file.
SELECT *
FROM attachment
WHERE id = @id::bigint;

-- name: CreateAttachment :one
-- Stores the row of an uploaded file. A row of the register has at most 1000 attachments.
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
WHERE assert_attachment_quota((
    SELECT count(*)
    FROM attachment
    WHERE site_id = sqlc.narg('site_id')::bigint
       OR freezer_id = sqlc.narg('freezer_id')::bigint
       OR computer_id = sqlc.narg('computer_id')::bigint
       OR container_uuid = sqlc.narg('container_uuid')::uuid
))
RETURNING *;

-- name: PatchAttachment :one
-- Changes the given fields of an attachment: its name, and the row of the register that it belongs to.
UPDATE attachment SET
    name = CASE WHEN 'name' = ANY (@given::text[]) THEN @name::text ELSE name END,
    site_id = CASE WHEN 'site_id' = ANY (@given) THEN sqlc.narg('site_id')::bigint ELSE site_id END,
    freezer_id = CASE WHEN 'freezer_id' = ANY (@given) THEN sqlc.narg('freezer_id')::bigint ELSE freezer_id END,
    computer_id = CASE WHEN 'computer_id' = ANY (@given) THEN sqlc.narg('computer_id')::bigint ELSE computer_id END,
    container_uuid = CASE
        WHEN 'container_uuid' = ANY (@given) THEN sqlc.narg('container_uuid')::uuid
        ELSE container_uuid
    END
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: DeleteAttachment :one
-- Deletes an attachment and its file. The row remains in the history.
DELETE FROM attachment
WHERE id = @id::bigint
  AND assert_version(version, sqlc.narg('version')::bigint)
RETURNING *;

-- name: ListAttachmentChanges :many
-- Lists the history of an attachment, oldest change first. The history remains after the attachment is deleted.
SELECT *
FROM change
WHERE table_name = 'attachment'
  AND row_key = cast(@id::bigint AS text);

-- name: ListOrphanedURLs :many
-- Returns those of the given URLs that belong to no attachment.
SELECT file.url::text AS url
FROM unnest(@urls::text[]) AS file (url)
WHERE NOT EXISTS (SELECT FROM attachment WHERE attachment.url = file.url)
ORDER BY file.url;
