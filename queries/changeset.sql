-- name: ListChangesets :many
-- Lists the change sets: the changes of each request, or of each transaction in psql, with what they did in words.
-- actor and summary together are a sentence. from and to limit the time, and noun finds the change sets with changes of a
-- table. Only admins see changes of accounts and views.
SELECT *
FROM list_changesets(@caller_role::text);

-- name: ListChangesetNouns :many
-- Lists the tables whose rows each change set changed, for the filter noun.
SELECT
    changeset_id AS key,
    table_name AS value
FROM change
WHERE is_visible(table_name, @caller_role::text);

-- name: GetChangeset :one
-- Returns one change set, by its ID or by that of the request.
SELECT *
FROM list_changesets(@caller_role::text)
WHERE id = find_changeset(@id::text);

-- name: UndoChangeset :one
-- Undoes a change set: restores the rows that it changed as they were before, in one transaction and as a new change
-- set, which is the response. It can be undone as well. The change set is named by its ID or by that of the request. If
-- rows were changed since, the request fails with 409, lists them, and changes nothing. So does the undo of changes that
-- cannot be undone: passwords, password links, created and deleted users and files, check-outs and check-ins, which
-- recorded events, and changes of alerts. Events, sessions and API tokens have no change sets. Operators undo their own
-- change sets, admins any.
SELECT *
FROM undo_changeset(@id::text);
