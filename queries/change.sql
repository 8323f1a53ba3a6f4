-- name: ListChanges :many
-- Lists the changes of all tables, oldest transaction first unless the request sorts them. A client that continues in this
-- order after the last change it has seen misses none: changes newer than the oldest running transaction of this database
-- are withheld until that transaction ends. Other orders show all changes. Only admins see changes of
-- accounts and views.
SELECT
    sqlc.embed(change),
    xid < (SELECT settled_xid()) AS settled
FROM change
WHERE table_name NOT IN ('account', 'credential', 'password_link', 'view')
   OR @caller_role::text = 'admin';

-- name: PlanPast :exec
-- Sets how Postgres plans the next statement of this transaction, which reads the past. It is not compiled: Postgres
-- expects more rows of the history than there are, so compiling it would take longer than running it.
SELECT
    set_config('jit', 'off', true),
    set_config('plan_cache_mode', @mode::text, true);
