-- The table in which golang-migrate keeps how far a database is. It makes it by itself; this is for sqlc, which must know of it.
CREATE TABLE schema_migrations (
    version bigint PRIMARY KEY,
    dirty boolean NOT NULL
);
