DROP INDEX
    site_name_id_idx, freezer_name_id_idx, computer_name_id_idx, container_description_id_idx, todo_due_on_id_idx;
DROP FUNCTION contains_pattern, prefix_pattern, escape_pattern;
DROP COLLATION natural_sort;
