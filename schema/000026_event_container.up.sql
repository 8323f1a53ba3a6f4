-- The container of an event: a check-out or a return of a container records an event of its holder.
--
-- The table event can be distributed by user_id, so no foreign key ties it to the register. An event keeps the UUID of
-- a container that was deleted later.

ALTER TABLE event ADD COLUMN container_uuid uuid;

-- For the list of the events of a container. Few events have one.
CREATE INDEX event_container_uuid_id_idx ON event (container_uuid, id) WHERE container_uuid IS NOT NULL;

COMMENT ON COLUMN event.container_uuid IS
    'UUID of the container that the user checked out or returned; null for an event without a container.';


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT INSERT (container_uuid) ON event TO labledger_server;
    END IF;
END
$$;
