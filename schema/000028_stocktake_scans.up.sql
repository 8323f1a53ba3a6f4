-- Scans of stock-takes, and closing them, which writes the differences to the register.

CREATE FUNCTION list_ancestors(of_container uuid) RETURNS SETOF uuid
LANGUAGE sql STABLE ROWS 5
AS $$
    WITH RECURSIVE path AS (
        SELECT parent_uuid FROM container WHERE uuid = of_container
        UNION ALL
        SELECT container.parent_uuid FROM path JOIN container ON container.uuid = path.parent_uuid
    )
    SELECT parent_uuid FROM path WHERE parent_uuid IS NOT NULL
$$;
COMMENT ON FUNCTION list_ancestors IS 'Returns the containers in which a container lies, the innermost first.';

CREATE FUNCTION find_container(code text) RETURNS container
LANGUAGE sql STABLE
AS $$
    SELECT container
    FROM container
    WHERE barcode = btrim(code, E' \t\r\n')
       OR uuid = (substring(lower(code) FROM '^\s*([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\s*$'))::uuid
    ORDER BY barcode = btrim(code, E' \t\r\n') DESC NULLS LAST
    LIMIT 1
$$;
COMMENT ON FUNCTION find_container IS
    'Returns the container with a barcode, or else with a UUID; nulls if there is none.';

CREATE FUNCTION is_in_scope(current stocktake, scanned container) RETURNS boolean
LANGUAGE sql STABLE
RETURN scanned.status <> 'discarded' AND CASE
    WHEN current.container_uuid IS NULL THEN scanned.freezer_id = current.freezer_id
    ELSE scanned.uuid = current.container_uuid OR current.container_uuid IN (SELECT list_ancestors(scanned.uuid))
END;
COMMENT ON FUNCTION is_in_scope IS 'Reports whether a container is in the freezer or container of a stock-take now.';


CREATE FUNCTION record_scan(
    current stocktake, scanned container, scanned_code text, scanned_in uuid, at_position text
) RETURNS bigint
LANGUAGE sql
AS $$
    INSERT INTO stocktake_item AS item (
        stocktake_id, container_uuid, code, name, expected, home_freezer_id, home_parent_uuid, home_position,
        scanned_parent_uuid, scanned_position, scanned_at, scanned_by
    )
    VALUES (
        (current).id, (scanned).uuid, scanned_code, container_name(scanned), is_in_scope(current, scanned),
        CASE WHEN (scanned).status <> 'discarded' THEN (scanned).freezer_id END, (scanned).parent_uuid,
        (scanned).position, scanned_in, at_position, now(), current_actor()
    )
    ON CONFLICT (stocktake_id, container_uuid) DO UPDATE SET
        code = excluded.code,
        expected = excluded.expected,
        home_freezer_id = excluded.home_freezer_id,
        home_parent_uuid = excluded.home_parent_uuid,
        home_position = excluded.home_position,
        scanned_parent_uuid = excluded.scanned_parent_uuid,
        scanned_position = excluded.scanned_position,
        scanned_at = excluded.scanned_at,
        scanned_by = excluded.scanned_by
    RETURNING id
$$;
COMMENT ON FUNCTION record_scan IS 'Stores the scan of a container in a stock-take, and returns the ID of the item.';

-- What holds a scanned container has been seen as well. It needs no barcode of its own.
CREATE FUNCTION record_sight(current stocktake, seen container) RETURNS void
LANGUAGE plpgsql
AS $$
DECLARE
    unseen bigint[];
BEGIN
    IF seen.uuid <> coalesce(current.container_uuid, '00000000-0000-0000-0000-000000000000')
        AND NOT EXISTS (
            SELECT
            FROM stocktake_item
            WHERE stocktake_id = current.id AND container_uuid = seen.uuid AND (expected OR scanned_at IS NOT NULL)
        ) THEN
        PERFORM record_scan(current, seen, NULL, NULL, NULL);
    END IF;
    unseen := ARRAY(
        SELECT id
        FROM stocktake_item
        WHERE stocktake_id = current.id
          AND scanned_at IS NULL
          AND container_uuid IN (SELECT seen.uuid UNION ALL SELECT list_ancestors(seen.uuid))
        ORDER BY id
        FOR NO KEY UPDATE
    );
    IF unseen <> '{}' THEN
        UPDATE stocktake_item SET scanned_at = now(), scanned_by = current_actor() WHERE id = ANY (unseen);
    END IF;
END
$$;
COMMENT ON FUNCTION record_sight IS
    'Stores in a stock-take that a container and those in which it lies were seen, unless they were scanned.';

CREATE FUNCTION scan_code(of_stocktake bigint, scanned_code text, scanned_in text, at_position text)
RETURNS SETOF stocktake_report
LANGUAGE plpgsql ROWS 1
AS $$
DECLARE
    current stocktake := assert_stocktake_open(of_stocktake);
    trimmed constant text := btrim(scanned_code, E' \t\r\n');
    scanned container := find_container(scanned_code);
    parent  container;
    label   text;
    item_id bigint;
BEGIN
    IF current.id IS NULL THEN
        RETURN;
    END IF;
    IF scanned_in IS NOT NULL THEN
        parent := find_container(scanned_in);
        IF parent.uuid IS NULL THEN
            RAISE EXCEPTION 'is neither a barcode nor a UUID of a container'
                USING ERRCODE = 'foreign_key_violation', COLUMN = 'parent';
        END IF;
    ELSIF at_position IS NOT NULL AND current.container_uuid <> scanned.uuid THEN
        SELECT * INTO parent FROM container WHERE uuid = current.container_uuid;
    END IF;
    IF parent.uuid = scanned.uuid THEN
        RAISE EXCEPTION 'must not be the scanned container itself'
            USING ERRCODE = 'check_violation', COLUMN = 'parent';
    END IF;
    IF at_position IS NOT NULL THEN
        label := position_in(parent, at_position);
    END IF;

    IF scanned.uuid IS NULL THEN
        INSERT INTO stocktake_item AS item (
            stocktake_id, code, name, expected, scanned_parent_uuid, scanned_position, scanned_at, scanned_by
        )
        VALUES (current.id, trimmed, trimmed, false, parent.uuid, label, now(), current_actor())
        ON CONFLICT (stocktake_id, code) WHERE container_uuid IS NULL DO UPDATE SET
            scanned_parent_uuid = excluded.scanned_parent_uuid,
            scanned_position = excluded.scanned_position,
            scanned_at = excluded.scanned_at,
            scanned_by = excluded.scanned_by
        RETURNING item.id INTO item_id;
    ELSE
        DELETE FROM stocktake_item AS item
        WHERE item.stocktake_id = current.id AND item.container_uuid IS NULL AND item.code = trimmed;
        item_id := record_scan(current, scanned, trimmed, parent.uuid, label);
    END IF;
    IF parent.uuid IS NULL AND scanned.parent_uuid IS NOT NULL AND is_in_scope(current, scanned) THEN
        SELECT * INTO parent FROM container WHERE uuid = scanned.parent_uuid;
    END IF;
    IF parent.uuid IS NOT NULL THEN
        PERFORM record_sight(current, parent);
    END IF;
    RETURN QUERY SELECT * FROM stocktake_report AS report WHERE report.id = item_id;
END
$$;
COMMENT ON FUNCTION scan_code IS
    'Stores a scan of a stock-take, and returns its item; no row if there is no stock-take.';

CREATE FUNCTION position_in(parent container, label text) RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
    cell record := parse_position(parent.layout, label);
BEGIN
    IF coalesce(parent.layout, '') = '' THEN
        RAISE EXCEPTION 'needs a parent with a grid' USING ERRCODE = 'check_violation', COLUMN = 'position';
    END IF;
    IF cell.position_row IS NULL THEN
        RAISE EXCEPTION 'must be from %', position_range(parent.layout)
            USING ERRCODE = 'check_violation', COLUMN = 'position';
    END IF;
    RETURN position_label(parent.layout, cell.position_row, cell.position_column);
END
$$;
COMMENT ON FUNCTION position_in IS
    'Returns a position of a container as its grid labels it. Raises a check violation if the grid does not have it.';

CREATE FUNCTION undo_scan(of_stocktake bigint, scanned_code text) RETURNS SETOF stocktake_report
LANGUAGE plpgsql ROWS 1
AS $$
DECLARE
    current stocktake := assert_stocktake_open(of_stocktake);
    undone  stocktake_report;
BEGIN
    SELECT * INTO undone
    FROM stocktake_report AS report
    WHERE report.stocktake_id = current.id
      AND report.scanned_at IS NOT NULL
      AND coalesce(
          report.container_uuid = (find_container(scanned_code)).uuid,
          report.container_uuid IS NULL AND report.code = btrim(scanned_code, E' \t\r\n')
      );
    IF NOT FOUND THEN
        RETURN;
    END IF;
    DELETE FROM stocktake_item AS item WHERE item.id = undone.id AND NOT item.expected;
    UPDATE stocktake_item AS item SET
        code = NULL,
        scanned_parent_uuid = NULL,
        scanned_position = NULL,
        scanned_at = NULL,
        scanned_by = NULL
    WHERE item.id = undone.id;
    RETURN NEXT undone;
END
$$;
COMMENT ON FUNCTION undo_scan IS
    'Removes a scan from a stock-take, and returns the item as it was; no row if there is no such scan.';


-- What closing a stock-take moves, once its results are set. A container that was scanned at no certain place goes into
-- the container or freezer of the stock-take.
CREATE FUNCTION list_stocktake_moves(of_stocktake bigint, of_results text[])
RETURNS TABLE (container_uuid uuid, name text, freezer_id bigint, parent_uuid uuid, "position" text)
LANGUAGE sql STABLE
AS $$
    SELECT
        container.uuid,
        item.name,
        stocktake.freezer_id,
        target.parent_uuid,
        CASE
            WHEN item.scanned_position IS NOT NULL THEN item.scanned_position
            WHEN target.parent_uuid = container.parent_uuid THEN container.position
        END
    FROM stocktake_item AS item
    JOIN stocktake ON stocktake.id = item.stocktake_id
    JOIN container ON container.uuid = item.container_uuid
    CROSS JOIN LATERAL (
        SELECT coalesce(item.scanned_parent_uuid, stocktake.container_uuid) AS parent_uuid
    ) AS target
    WHERE item.stocktake_id = of_stocktake
      AND item.result = ANY (of_results)
$$;
COMMENT ON FUNCTION list_stocktake_moves IS
    'Returns what closing a stock-take moves, and to where: the containers with one of the results.';

CREATE FUNCTION list_stocktake_conflicts(of_stocktake bigint, of_results text[]) RETURNS SETOF text
LANGUAGE sql STABLE
AS $$
    WITH move AS (
        SELECT * FROM list_stocktake_moves(of_stocktake, of_results)
    ), arrival AS (
        SELECT
            move.*,
            parent AS target,
            container_name(parent) AS parent_name,
            count(*) OVER (PARTITION BY move.parent_uuid, move.position) AS claims,
            EXISTS (SELECT FROM move AS restored WHERE restored.container_uuid = parent.uuid) AS is_parent_moved
        FROM move
        LEFT JOIN container AS parent ON parent.uuid = move.parent_uuid
    )
    SELECT format('%s: %s of %s is taken by %s', arrival.name, arrival.position, parent_name, container_name(occupant))
    FROM arrival
    JOIN container AS occupant ON occupant.parent_uuid = arrival.parent_uuid
        AND occupant.position = arrival.position
        AND occupant.uuid <> arrival.container_uuid
    WHERE NOT EXISTS (
        SELECT
        FROM move
        WHERE move.container_uuid = occupant.uuid
          AND (move.parent_uuid, move.position) IS DISTINCT FROM (occupant.parent_uuid, occupant.position)
    )
    UNION ALL
    SELECT format('%s: another container was scanned at %s of %s as well', arrival.name, arrival.position, parent_name)
    FROM arrival
    WHERE claims > 1
      AND arrival.position IS NOT NULL
    UNION ALL
    SELECT format('%s: %s has no free position %s', arrival.name, parent_name, arrival.position)
    FROM arrival
    WHERE arrival.position IS NOT NULL
      AND (
          (parse_position((arrival.target).layout, arrival.position)).position_row IS NULL
          OR is_blocked((arrival.target).layout, arrival.position)
      )
      AND (arrival.target).uuid IS NOT NULL
    UNION ALL
    SELECT format('%s: the container in which it was scanned does not exist or is discarded', arrival.name)
    FROM arrival
    WHERE arrival.parent_uuid IS NOT NULL
      AND ((arrival.target).uuid IS NULL OR (arrival.target).status = 'discarded' AND NOT is_parent_moved)
    UNION ALL
    SELECT format('%s is full: it holds at most %s containers', min(parent_name), min(total_positions(arrival.target)))
    FROM arrival
    GROUP BY arrival.parent_uuid
    HAVING min(total_positions(arrival.target)) < count(*) + (
        SELECT count(*)
        FROM container
        WHERE container.parent_uuid = arrival.parent_uuid
          AND container.uuid NOT IN (SELECT move.container_uuid FROM move)
    )
    ORDER BY 1
$$;
COMMENT ON FUNCTION list_stocktake_conflicts IS
    'Returns why closing a stock-take cannot move the containers with one of the results; no rows if it can.';


-- Positions and full containers are vacated first, so that containers can change places.
CREATE FUNCTION apply_stocktake_moves(of_stocktake bigint, of_results text[], OUT moved bigint, OUT restored bigint)
LANGUAGE plpgsql
AS $$
DECLARE
    move record;
BEGIN
    moved := 0;
    restored := 0;
    FOR move IN
        WITH target AS MATERIALIZED (
            SELECT * FROM list_stocktake_moves(of_stocktake, of_results)
        ), full_storage AS MATERIALIZED (
            SELECT storage.uuid
            FROM container AS storage
            WHERE storage.uuid IN (SELECT parent_uuid FROM target)
              AND total_positions(storage) <= (SELECT count(*) FROM container WHERE parent_uuid = storage.uuid)
        )
        SELECT content.uuid, full_storage.uuid IS NOT NULL AS leaves
        FROM target AS departure
        JOIN container AS content ON content.uuid = departure.container_uuid
        LEFT JOIN target AS arrival ON arrival.parent_uuid = content.parent_uuid AND arrival.position = content.position
        LEFT JOIN full_storage ON full_storage.uuid = content.parent_uuid
            AND full_storage.uuid IS DISTINCT FROM departure.parent_uuid
        WHERE full_storage.uuid IS NOT NULL
           OR arrival.container_uuid <> content.uuid
        ORDER BY content.uuid
    LOOP
        UPDATE container SET
            parent_uuid = CASE WHEN move.leaves THEN NULL ELSE parent_uuid END,
            position = NULL
        WHERE uuid = move.uuid;
    END LOOP;
    FOR move IN
        SELECT
            target.*,
            container.status IN ('missing', 'discarded') AS restores,
            (container.freezer_id, container.parent_uuid, container.position) IS DISTINCT FROM
                (coalesce(parent.freezer_id, target.freezer_id), target.parent_uuid, target.position) AS moves
        FROM list_stocktake_moves(of_stocktake, of_results) AS target
        JOIN container ON container.uuid = target.container_uuid
        LEFT JOIN container AS parent ON parent.uuid = target.parent_uuid
        ORDER BY parent.depth NULLS FIRST, target.container_uuid
    LOOP
        UPDATE container SET
            freezer_id = CASE WHEN move.parent_uuid IS NULL THEN move.freezer_id ELSE freezer_id END,
            parent_uuid = move.parent_uuid,
            position = move.position,
            position_row = CASE WHEN move.position IS NOT NULL THEN position_row END,
            position_column = CASE WHEN move.position IS NOT NULL THEN position_column END,
            status = CASE WHEN move.restores THEN 'stored' ELSE status END
        WHERE uuid = move.container_uuid;
        moved := moved + move.moves::integer;
        restored := restored + move.restores::integer;
    END LOOP;
EXCEPTION
    WHEN unique_violation OR check_violation OR foreign_key_violation THEN
        RAISE EXCEPTION 'Containers cannot be moved to where they were scanned: %. Nothing was changed.', sqlerrm
            USING ERRCODE = 'LL409', CONSTRAINT = 'state';
END
$$;
COMMENT ON FUNCTION apply_stocktake_moves IS
    'Moves the containers with one of the results to where a stock-take found them.';


CREATE FUNCTION close_stocktake(
    of_stocktake bigint, expected_version bigint, mark_missing boolean, move_misplaced boolean, move_unexpected boolean
)
RETURNS TABLE (
    id bigint, closed_at timestamptz, closed_by text, marked bigint, moved bigint, restored bigint, version bigint
)
LANGUAGE plpgsql ROWS 1
AS $$
#variable_conflict use_column
DECLARE
    current   stocktake;
    conflicts text[];
    title     constant text := 'Stock-take ' || of_stocktake;
    moves     constant text[] := array_remove(ARRAY[
        CASE WHEN move_misplaced THEN 'misplaced' END, CASE WHEN move_unexpected THEN 'unexpected' END
    ], NULL);
    total_marked   bigint := 0;
    total_moved    bigint;
    total_restored bigint;
    found_again    bigint;
BEGIN
    PERFORM FROM stocktake WHERE id = of_stocktake FOR NO KEY UPDATE;
    current := assert_stocktake_open(of_stocktake);
    IF current.id IS NULL THEN
        RETURN;
    END IF;
    PERFORM assert_version(current.version, expected_version);
    UPDATE stocktake SET closed_at = now() WHERE id = of_stocktake;
    conflicts := ARRAY(SELECT list_stocktake_conflicts(of_stocktake, moves));
    IF conflicts <> '{}' THEN
        RAISE EXCEPTION 'Containers cannot be moved to where they were scanned: % conflicts. Nothing was changed.',
            cardinality(conflicts)
            USING ERRCODE = 'LL409', CONSTRAINT = 'state', DETAIL = (
                SELECT jsonb_agg(jsonb_build_object('field', 'scans', 'message', message))
                FROM unnest(conflicts[:1000]) AS message
            );
    END IF;

    PERFORM set_config('labledger.change_message', coalesce(current_change_message(), title), true);
    SELECT applied.moved, applied.restored INTO total_moved, total_restored
    FROM apply_stocktake_moves(of_stocktake, moves) AS applied;
    UPDATE container SET status = 'stored'
    FROM stocktake_item AS item
    WHERE item.stocktake_id = of_stocktake
      AND item.result IN ('found', 'misplaced')
      AND container.uuid = item.container_uuid
      AND container.status = 'missing';
    GET DIAGNOSTICS found_again = ROW_COUNT;
    IF mark_missing THEN
        UPDATE container SET status = 'missing', status_reason = title
        FROM stocktake_item AS item
        WHERE item.stocktake_id = of_stocktake
          AND item.result = 'missing'
          AND container.uuid = item.container_uuid
          AND container.status = 'stored';
        GET DIAGNOSTICS total_marked = ROW_COUNT;
    END IF;
    RETURN QUERY
        SELECT id, closed_at, closed_by, total_marked, total_moved, total_restored + found_again, version
        FROM stocktake
        WHERE id = of_stocktake;
END
$$;
COMMENT ON FUNCTION close_stocktake IS
    'Closes a stock-take and writes its differences; returns no row if there is none. Raises LL409 with the conflicts.';
