-- Seals of the history: a Merkle root over the changes of each minute, chained by hashes. With one root that is kept
-- elsewhere, a later change of the history is found.

-- See 000001_history: the search_path of functions that run with the rights of their owner.
DO $$
BEGIN
    PERFORM set_config('search_path', format('%I, pg_temp', current_schema()), true);
END
$$;


CREATE TABLE history_seal (
    id               bigint      CONSTRAINT history_seal_pkey PRIMARY KEY,
    sealed_at        timestamptz NOT NULL,
    first_id         bigint      NOT NULL,
    last_id          bigint      NOT NULL,
    previous_last_id bigint      GENERATED ALWAYS AS (nullif(first_id - 1, 0)) STORED,
    changes          bigint      NOT NULL,
    root             bytea       NOT NULL,
    chain            bytea       NOT NULL,
    CONSTRAINT history_seal_last_id_key UNIQUE (last_id),
    CONSTRAINT history_seal_previous_last_id_key UNIQUE NULLS NOT DISTINCT (previous_last_id),
    CONSTRAINT history_seal_previous_last_id_fkey FOREIGN KEY (previous_last_id) REFERENCES history_seal (last_id),
    CONSTRAINT history_seal_id_positive            CHECK (id > 0),
    CONSTRAINT history_seal_first_id_1_in_seal_1   CHECK ((first_id = 1) = (id = 1)),
    CONSTRAINT history_seal_changes_fit_into_range CHECK (changes BETWEEN 1 AND last_id - first_id + 1),
    CONSTRAINT history_seal_root_of_32_bytes       CHECK (octet_length(root) = 32),
    CONSTRAINT history_seal_chain_of_32_bytes      CHECK (octet_length(chain) = 32)
);

COMMENT ON TABLE  history_seal                  IS
    'Seals of the history. Each covers a range of change IDs; the ranges leave no gap. Append-only.';
COMMENT ON COLUMN history_seal.id               IS 'ID of the seal: 1, 2, 3, …';
COMMENT ON COLUMN history_seal.sealed_at        IS 'Time of the seal.';
COMMENT ON COLUMN history_seal.first_id         IS
    'First change ID of the range: 1, or the last one of the previous seal plus 1. There may be no such change.';
COMMENT ON COLUMN history_seal.last_id          IS 'Last change ID of the range, which is the ID of a change.';
COMMENT ON COLUMN history_seal.previous_last_id IS 'Last change ID of the previous seal; null for the first seal.';
COMMENT ON COLUMN history_seal.changes          IS 'Number of changes in the range.';
COMMENT ON COLUMN history_seal.root             IS
    'Merkle root of the changes in the order of their IDs: the tree hash of RFC 6962 with the leaves of change_leaf.';
COMMENT ON COLUMN history_seal.chain            IS
    'SHA-256 of the chain of the previous seal (32 zero bytes for the first), then as big-endian 64-bit integers: id, '
    'sealed_at in microseconds since 1970, first_id, last_id, changes; then root.';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON history_seal
    FOR EACH STATEMENT EXECUTE FUNCTION reject_statement();


CREATE TABLE history_seal_pending (
    id      integer CONSTRAINT history_seal_pending_pkey PRIMARY KEY DEFAULT 1,
    last_id bigint  NOT NULL,
    xid     bigint  NOT NULL,
    CONSTRAINT history_seal_pending_id_1 CHECK (id = 1)
);

COMMENT ON TABLE  history_seal_pending         IS 'Up to which change seal_history seals next. One row.';
COMMENT ON COLUMN history_seal_pending.id      IS 'Always 1.';
COMMENT ON COLUMN history_seal_pending.last_id IS 'Last change ID that had been assigned.';
COMMENT ON COLUMN history_seal_pending.xid     IS
    'A transaction ID that was assigned afterwards. All changes up to last_id belong to older transactions.';


-- Infinite times have the greatest and the least integer. So such a row can be hashed and found.
CREATE FUNCTION unix_microseconds(at timestamptz) RETURNS bigint
LANGUAGE sql STABLE
RETURN CASE
    WHEN isfinite(at) THEN (extract(epoch FROM at) * 1000000)::bigint
    WHEN at > 'epoch' THEN 9223372036854775807
    ELSE -9223372036854775808
END;
COMMENT ON FUNCTION unix_microseconds IS 'Returns a time in microseconds since 1970.';

CREATE FUNCTION length_prefixed(value text) RETURNS bytea
LANGUAGE sql STABLE
RETURN coalesce(int4send(octet_length(value)) || convert_to(value, 'UTF8'), '\xffffffff'::bytea);
COMMENT ON FUNCTION length_prefixed IS
    'Returns the bytes of a text after their number as a big-endian 32-bit integer; the number is -1 for null.';

-- The transaction ID is not part of the leaf: a restore from a dump resets it. A migration that adds a column to the
-- table change must decide how later seals cover it, and must leave the leaves of sealed changes as they are.
CREATE FUNCTION change_leaf(change change) RETURNS bytea
LANGUAGE sql STABLE
RETURN sha256(
    '\x00'::bytea
    || int8send(change.id)
    || int8send(unix_microseconds(change.at))
    || length_prefixed(change.actor)
    || length_prefixed(change.request_id)
    || length_prefixed(change.message)
    || length_prefixed(change.table_name)
    || length_prefixed(change.row_key)
    || length_prefixed(change.action)
    || length_prefixed(change.before::text)
    || length_prefixed(change.after::text)
    || int8send(change.changeset_id)
    || int8send(coalesce(change.undoes_id, 0))
);
COMMENT ON FUNCTION change_leaf IS 'Returns the hash of a change as a leaf of the Merkle tree (RFC 6962).';

-- Each step halves the hashes. A last hash without a partner moves up unchanged, as in RFC 6962.
CREATE FUNCTION merkle_root(leaves bytea) RETURNS bytea
LANGUAGE plpgsql IMMUTABLE
AS $$
DECLARE
    nodes bytea := leaves;
BEGIN
    WHILE octet_length(nodes) > 32 LOOP
        nodes := (
            SELECT string_agg(
                CASE octet_length(pair) WHEN 64 THEN sha256('\x01'::bytea || pair) ELSE pair END,
                ''::bytea
                ORDER BY first_byte
            )
            FROM generate_series(1, octet_length(nodes), 64) AS first_byte
            CROSS JOIN LATERAL (SELECT substring(nodes FROM first_byte FOR 64) AS pair) AS child
        );
    END LOOP;
    RETURN nodes;
END
$$;
COMMENT ON FUNCTION merkle_root IS
    'Returns the root of the Merkle tree (RFC 6962) over leaf hashes of 32 bytes, which are concatenated.';


-- Changes get their IDs before they are committed, so a smaller ID can become visible later. A seal must cover a range
-- in which no change can appear any more. So seal_history works in two steps. The first one remembers the last assigned
-- change ID and a transaction ID that is assigned afterwards, its own: a transaction assigns the ID of a change after
-- its own ID, because a trigger records the row that it has written. The second step seals when all transactions before
-- that one have ended. The next ID of a snapshot, pg_snapshot_xmax, would not do: the newest transactions may run beyond.
--
-- A seal has at most 100,000 changes. That bounds the memory and the duration of a call, also for the first seals of an
-- old history, and narrows down where a change was found.
--
-- The table lock keeps two callers from sealing at the same time. Unlike an advisory lock, the server's role cannot
-- take it. It conflicts neither with readers nor with writers of the history. Sequential scans are off because Postgres
-- caches the plans per connection, possibly made while the history was small.
CREATE FUNCTION seal_history(min_seconds integer) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path FROM CURRENT SET enable_seqscan = off
AS $$
DECLARE
    max_changes CONSTANT integer := 100000;
    assigned    bigint;
    previous    history_seal;
    pending     history_seal_pending;
    seal        history_seal;
BEGIN
    IF pg_current_xact_id_if_assigned() IS NOT NULL THEN
        RAISE EXCEPTION 'seal_history() must run before the transaction writes'
            USING ERRCODE = 'active_sql_transaction';
    END IF;
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'seal_history() must run at isolation level READ COMMITTED'
            USING ERRCODE = 'active_sql_transaction';
    END IF;
    LOCK TABLE history_seal IN SHARE ROW EXCLUSIVE MODE;
    SELECT * INTO previous FROM history_seal ORDER BY id DESC LIMIT 1;
    SELECT * INTO pending FROM history_seal_pending;
    seal.first_id := coalesce(previous.last_id, 0) + 1;

    -- A transaction ID that this cluster has not reached comes from another one, as after a restore from a dump.
    IF pending.last_id >= seal.first_id AND pending.xid < pg_snapshot_xmax(pg_current_snapshot())::text::bigint THEN
        IF (SELECT settled_xid()) < pending.xid THEN
            RETURN 0;
        END IF;
        SELECT max(id), count(*) INTO seal.last_id, seal.changes
        FROM (
            SELECT id FROM change WHERE id BETWEEN seal.first_id AND pending.last_id ORDER BY id LIMIT max_changes
        ) AS sealed;
        IF seal.changes > 0 THEN
            seal.id := coalesce(previous.id, 0) + 1;
            seal.sealed_at := clock_timestamp();
            seal.root := (
                SELECT merkle_root(string_agg(change_leaf(change), ''::bytea ORDER BY change.id))
                FROM change
                WHERE change.id BETWEEN seal.first_id AND seal.last_id
            );
            seal.chain := sha256(
                coalesce(previous.chain, decode(repeat('00', 32), 'hex'))
                || int8send(seal.id)
                || int8send(unix_microseconds(seal.sealed_at))
                || int8send(seal.first_id)
                || int8send(seal.last_id)
                || int8send(seal.changes)
                || seal.root
            );
            INSERT INTO history_seal (id, sealed_at, first_id, last_id, changes, root, chain)
            VALUES (seal.id, seal.sealed_at, seal.first_id, seal.last_id, seal.changes, seal.root, seal.chain);
            RETURN seal.id;
        END IF;
    END IF;

    IF previous.sealed_at BETWEEN clock_timestamp() - make_interval(secs => min_seconds) AND clock_timestamp() THEN
        RETURN 0;
    END IF;
    assigned := pg_sequence_last_value(pg_get_serial_sequence('change', 'id')); -- before this transaction has an ID
    IF EXISTS (SELECT FROM change WHERE id BETWEEN seal.first_id AND assigned) THEN
        INSERT INTO history_seal_pending (last_id, xid) VALUES (assigned, pg_current_xact_id()::text::bigint)
        ON CONFLICT (id) DO UPDATE SET last_id = excluded.last_id, xid = excluded.xid;
    END IF;
    RETURN 0;
END
$$;
COMMENT ON FUNCTION seal_history IS
    'Seals changes that were pending, and returns the ID of the seal. Otherwise makes the changes without a seal '
    'pending, unless the newest seal is younger than some seconds, and returns 0.';
REVOKE EXECUTE ON FUNCTION seal_history FROM PUBLIC;


DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labledger_server') THEN
        GRANT SELECT ON history_seal, history_seal_pending TO labledger_server;
        GRANT EXECUTE ON FUNCTION seal_history TO labledger_server;
    END IF;
END
$$;
