-- The summary of the laboratory: what the overview of the app counts.

CREATE FUNCTION estimated_rows(of_table text) RETURNS bigint
LANGUAGE sql STABLE
RETURN (SELECT reltuples::bigint FROM pg_class WHERE oid = to_regclass(of_table));
COMMENT ON FUNCTION estimated_rows IS
    'Returns how many rows a table had when Postgres analyzed it; -1 if it never did.';

-- Most alerts are never changed.
CREATE INDEX alert_changed_at_idx ON alert (changed_at) WHERE version > 1;

-- Most todos are done.
CREATE INDEX todo_due_on_assignee_idx ON todo (due_on, assignee) WHERE status <> 'done';
