DROP VIEW overdue_checkout;
DROP TABLE checkout;
DROP FUNCTION apply_checkout();
DROP FUNCTION assert_available();
DROP TRIGGER set_custody ON container;
DROP FUNCTION set_custody();

ALTER TABLE container
    DROP COLUMN due_on,
    DROP COLUMN held_since,
    DROP COLUMN holder;
