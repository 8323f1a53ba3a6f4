-- The statements of labledger seed --demo. They insert the rows of one table at a time, in their order. What the rows
-- do not name is set by the defaults and the triggers.

-- name: LockDemo :exec
-- Makes two commands that load the demonstration wait for each other.
SELECT pg_advisory_xact_lock(5006009000);

-- name: CountOtherData :one
-- Counts the changes and the events that are neither those of the migrations nor those of the mock data.
SELECT
    (
        SELECT count(*)
        FROM change
        WHERE actor <> 'os:mock data'
          AND NOT (table_name = 'rule' AND action = 'insert')
    ) AS changes,
    (SELECT count(*) FROM event) AS events;

-- name: InsertDemoAccounts :exec
-- Inserts accounts without passwords.
INSERT INTO account (id, username, display_name, email, country, risk, role, disabled)
SELECT
    (value ->> 'id')::bigint,
    value ->> 'username',
    value ->> 'display_name',
    value ->> 'email',
    value ->> 'country',
    value ->> 'risk',
    value ->> 'role',
    (value ->> 'disabled')::boolean
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;

-- name: InsertDemoRisks :exec
-- Copies the risk levels of the new accounts to their user states. A trigger does so too, but only at the end of the
-- transaction, after the events.
INSERT INTO user_state (user_id, risk)
SELECT
    id,
    coalesce(risk, 'medium')
FROM account
ORDER BY id
ON CONFLICT DO NOTHING;

-- name: InsertDemoSites :exec
-- Inserts sites.
INSERT INTO site (id, name, contact, address, state_or_region, country, postcode_or_zip)
SELECT
    (value ->> 'id')::bigint,
    value ->> 'name',
    value ->> 'contact',
    value ->> 'address',
    value ->> 'state_or_region',
    value ->> 'country',
    value ->> 'postcode_or_zip'
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;

-- name: InsertDemoFreezers :exec
-- Inserts freezers.
INSERT INTO freezer (id, name, site_id, capacity)
SELECT
    (value ->> 'id')::bigint,
    value ->> 'name',
    (value ->> 'site_id')::bigint,
    (value ->> 'capacity')::integer
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;

-- name: InsertDemoComputers :exec
-- Inserts computers.
INSERT INTO computer (id, name, mac, site_id)
SELECT
    (value ->> 'id')::bigint,
    value ->> 'name',
    (value ->> 'mac')::macaddr,
    (value ->> 'site_id')::bigint
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;

-- name: InsertDemoContainers :exec
-- Inserts containers. The order of the rows puts a container before what lies in it.
INSERT INTO container (
    uuid,
    description,
    freezer_id,
    barcode,
    kind,
    type,
    owner,
    project,
    quantity,
    unit,
    expires_on,
    thaw_count,
    rows,
    columns,
    scheme,
    blocked,
    capacity,
    parent_uuid,
    position
)
SELECT
    (value ->> 'uuid')::uuid,
    value ->> 'description',
    (value ->> 'freezer_id')::bigint,
    value ->> 'barcode',
    value ->> 'kind',
    value ->> 'type',
    value ->> 'owner',
    value ->> 'project',
    (value ->> 'quantity')::numeric,
    value ->> 'unit',
    (value ->> 'expires_on')::date,
    (value ->> 'thaw_count')::integer,
    (value ->> 'rows')::integer,
    (value ->> 'columns')::integer,
    value ->> 'scheme',
    value ->> 'blocked',
    (value ->> 'capacity')::integer,
    (value ->> 'parent_uuid')::uuid,
    value ->> 'position'
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;

-- name: InsertDemoCheckouts :exec
-- Inserts check-outs. Those with an outcome have ended.
INSERT INTO checkout (
    container_uuid,
    holder,
    due_on,
    purpose,
    amount,
    checked_out_at,
    checked_out_by,
    event_id,
    returned_at,
    returned_by,
    outcome,
    return_event_id
)
SELECT
    (value ->> 'container_uuid')::uuid,
    value ->> 'holder',
    (value ->> 'due_on')::date,
    value ->> 'purpose',
    (value ->> 'amount')::numeric,
    (value ->> 'checked_out_at')::timestamptz,
    value ->> 'checked_out_by',
    (value ->> 'event_id')::uuid,
    (value ->> 'returned_at')::timestamptz,
    value ->> 'returned_by',
    value ->> 'outcome',
    (value ->> 'return_event_id')::uuid
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;

-- name: SetDemoStatuses :exec
-- Sets what became of containers that were lost or discarded, and why.
UPDATE container SET
    status = value ->> 'status',
    status_reason = value ->> 'status_reason'
FROM jsonb_array_elements(@lines::jsonb) AS element (value)
WHERE uuid = (value ->> 'uuid')::uuid;

-- name: ChangeDemoAlerts :exec
-- Stores a step of the investigation of alerts.
UPDATE alert SET
    state = value ->> 'state',
    assignee = value ->> 'assignee',
    note = value ->> 'note',
    disposition = value ->> 'disposition',
    snoozed_until = (value ->> 'snoozed_until')::timestamptz
FROM jsonb_array_elements(@lines::jsonb) AS element (value)
WHERE alert.user_id = (value ->> 'user_id')::bigint
  AND alert.id = (value ->> 'id')::uuid;

-- name: InsertDemoTodos :exec
-- Inserts todos of the actor.
INSERT INTO todo (description, status, assignee, due_on, site_id, freezer_id, computer_id, alert_id, created_at)
SELECT
    value ->> 'description',
    value ->> 'status',
    value ->> 'assignee',
    (value ->> 'due_on')::date,
    (value ->> 'site_id')::bigint,
    (value ->> 'freezer_id')::bigint,
    (value ->> 'computer_id')::bigint,
    (value ->> 'alert_id')::uuid,
    (value ->> 'created_at')::timestamptz
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;

-- name: InsertDemoViews :exec
-- Inserts views of the actor.
INSERT INTO view (name, noun, query, shared, created_at)
SELECT
    value ->> 'name',
    value ->> 'noun',
    value ->> 'query',
    (value ->> 'shared')::boolean,
    (value ->> 'created_at')::timestamptz
FROM jsonb_array_elements(@lines::jsonb) WITH ORDINALITY AS element (value, line)
ORDER BY line;
