DROP INDEX todo_due_on_assignee_idx;
DROP INDEX alert_changed_at_idx;
DROP FUNCTION estimated_rows(text);
