DROP FUNCTION reserve_ids();
DROP FUNCTION reserve_id(regclass, bigint);
DROP FUNCTION not_in_use(jsonb);
DROP FUNCTION same_key(text, bigint, bigint);
DROP FUNCTION same_version(bigint, bigint);
DROP TABLE change;
DROP FUNCTION refuse();
DROP FUNCTION stamp_version();
DROP FUNCTION record_change();
