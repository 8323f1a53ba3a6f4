ALTER TABLE event DROP COLUMN container_uuid;
