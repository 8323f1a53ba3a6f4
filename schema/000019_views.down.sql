DROP TRIGGER rename_view_owner ON account;
DROP FUNCTION rename_view_owner();
DROP TABLE view;
DROP FUNCTION assert_view_owner();

CREATE OR REPLACE FUNCTION greatest_id(of_table text, above bigint, up_to bigint) RETURNS bigint
LANGUAGE plpgsql
AS $$
BEGIN
    CASE of_table
        WHEN 'site' THEN
            RETURN (SELECT max(id) FROM site WHERE id > above AND id <= up_to);
        WHEN 'freezer' THEN
            RETURN (SELECT max(id) FROM freezer WHERE id > above AND id <= up_to);
        WHEN 'computer' THEN
            RETURN (SELECT max(id) FROM computer WHERE id > above AND id <= up_to);
        WHEN 'container' THEN
            RETURN (SELECT max(id) FROM container WHERE id > above AND id <= up_to);
        WHEN 'account' THEN
            RETURN (SELECT max(id) FROM account WHERE id > above AND id <= up_to);
        WHEN 'todo' THEN
            RETURN (SELECT max(id) FROM todo WHERE id > above AND id <= up_to);
        WHEN 'attachment' THEN
            RETURN (SELECT max(id) FROM attachment WHERE id > above AND id <= up_to);
    END CASE;
END
$$;
