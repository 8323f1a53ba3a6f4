-- The mock data of a new database of the embedded Postgres. Running it again changes nothing.
-- The history shows an actor that no person has, so that create_tables.sql can tell these rows from others.
BEGIN;
SET LOCAL labledger.actor = 'os:mock data';

INSERT INTO site (id, name, contact, address, state_or_region, country, postcode_or_zip) VALUES
    (1, 'Site 1', 'John Smith', '123 Muffin Lane, Ann Arbor', 'MI', 'USA', '48103'),
    (2, 'Site 2', NULL, NULL, NULL, NULL, NULL),
    (3, 'Site 3', NULL, NULL, NULL, NULL, NULL)
ON CONFLICT DO NOTHING;

INSERT INTO computer (id, name, site_id) VALUES
    (1, 'Computer 1', 1),
    (2, 'Computer 2', 1)
ON CONFLICT DO NOTHING;

INSERT INTO freezer (id, name, site_id) VALUES
    (1, '-20C', 1),
    (2, '-40C', 1)
ON CONFLICT DO NOTHING;

INSERT INTO account (id, username, country) VALUES
    (1, 'Bob', 'UK'),
    (2, 'Jane', 'Germany'),
    (3, 'Harry', 'US')
ON CONFLICT DO NOTHING;

COMMIT;
