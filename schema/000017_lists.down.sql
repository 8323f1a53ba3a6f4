DROP VIEW instrument;

CREATE VIEW instrument AS
SELECT
    computer.site_id,
    site.name AS site_name,
    computer.id AS computer_id,
    NULL::bigint AS freezer_id,
    computer.name
FROM computer
JOIN site ON site.id = computer.site_id
UNION ALL
SELECT
    freezer.site_id,
    site.name AS site_name,
    NULL::bigint AS computer_id,
    freezer.id AS freezer_id,
    freezer.name
FROM freezer
JOIN site ON site.id = freezer.site_id;

COMMENT ON VIEW   instrument             IS
    'Computers and freezers in one list. One of computer_id and freezer_id is null.';
COMMENT ON COLUMN instrument.site_id     IS 'ID of the site of the instrument.';
COMMENT ON COLUMN instrument.site_name   IS 'Name of the site.';
COMMENT ON COLUMN instrument.computer_id IS 'ID of the computer; null for a freezer.';
COMMENT ON COLUMN instrument.freezer_id  IS 'ID of the freezer; null for a computer.';
COMMENT ON COLUMN instrument.name        IS 'Name of the instrument.';

DROP INDEX
    site_name_id_idx, freezer_name_id_idx, computer_name_id_idx, container_description_id_idx, todo_description_id_idx,
    todo_due_on_id_idx, freezer_site_id_freezer_ordinal_idx;
DROP FUNCTION contains_pattern, prefix_pattern, escape_pattern, freezer_ordinal;
DROP COLLATION natural_sort;
