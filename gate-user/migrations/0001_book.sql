-- The book: every listing and allow entry, in force and ended. Rows are never deleted.
--
-- Times are seconds since 1970. The statements and types are those that SQLite and PostgreSQL
-- share, but for the key: PostgreSQL would say BIGINT.
CREATE TABLE entries (
    id INTEGER PRIMARY KEY,
    -- As operators write it: 192.0.2.0/24.
    network TEXT NOT NULL,
    -- Family, first address and length of prefix in hexadecimal: in its order, a network comes
    -- right before those within it.
    sort_key TEXT NOT NULL,
    -- `allow`, or the code of the reason for which the network is listed.
    standing TEXT NOT NULL,
    origin TEXT NOT NULL,
    comment TEXT,
    evidence TEXT,
    since BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    expires BIGINT,
    -- The last renewal.
    renewed BIGINT,
    renewed_by TEXT,
    -- NULL while it is in force.
    ended BIGINT,
    end_cause TEXT,
    ended_by TEXT,
    CHECK ((renewed IS NULL) = (renewed_by IS NULL)),
    CHECK ((ended IS NULL) = (end_cause IS NULL)),
    CHECK ((ended IS NULL) = (ended_by IS NULL))
);

CREATE UNIQUE INDEX entries_in_force ON entries (sort_key, standing, origin) WHERE ended IS NULL;

CREATE INDEX entries_ended ON entries (sort_key) WHERE ended IS NOT NULL;
