DROP VIEW overdue_checkout;
DROP TABLE checkout;
DROP FUNCTION apply_checkout();
DROP FUNCTION assert_available();
DROP TRIGGER set_custody ON container;
DROP FUNCTION set_custody();
DROP FUNCTION custody_text(container);
DROP FUNCTION assert_absent(container);
DROP FUNCTION assert_no_checkouts(account);

DELETE FROM view WHERE noun = 'checkouts';
ALTER TABLE view
    DROP CONSTRAINT view_noun_the_name_of_a_list,
    ADD CONSTRAINT view_noun_the_name_of_a_list CHECK (noun IN (
        'sites', 'freezers', 'computers', 'containers', 'instruments', 'events',
        'alerts', 'rules', 'todos', 'users', 'attachments', 'changes'
    ));

ALTER TABLE container
    DROP COLUMN due_on,
    DROP COLUMN held_since,
    DROP COLUMN holder;
