-- What operators say beside the book: of names, and of the answers of DNSBLs. As in the book, rows
-- are never deleted, times are seconds since 1970, and PostgreSQL would say BIGINT for the keys.

-- The name-based block list, and what is allowed by name.
CREATE TABLE name_entries (
    id INTEGER PRIMARY KEY,
    -- A glob over the whole PTR name, in lower case: *.dyn.example.net.
    pattern TEXT NOT NULL,
    -- `allow`, or the code of the reason for which sources of such a name are listed.
    standing TEXT NOT NULL,
    origin TEXT NOT NULL,
    comment TEXT,
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

CREATE UNIQUE INDEX name_entries_in_force ON name_entries (pattern, standing, origin)
    WHERE ended IS NULL;

CREATE INDEX name_entries_ended ON name_entries (pattern) WHERE ended IS NOT NULL;

-- Networks of which the answers of DNSBLs do not count.
CREATE TABLE dnsbl_overrides (
    id INTEGER PRIMARY KEY,
    -- As operators write it: 192.0.2.0/24.
    network TEXT NOT NULL,
    -- The list's public name, or `*` for every list.
    list TEXT NOT NULL,
    origin TEXT NOT NULL,
    comment TEXT,
    since BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    expires BIGINT,
    renewed BIGINT,
    renewed_by TEXT,
    ended BIGINT,
    end_cause TEXT,
    ended_by TEXT,
    CHECK ((renewed IS NULL) = (renewed_by IS NULL)),
    CHECK ((ended IS NULL) = (end_cause IS NULL)),
    CHECK ((ended IS NULL) = (ended_by IS NULL))
);

CREATE UNIQUE INDEX dnsbl_overrides_in_force ON dnsbl_overrides (network, list, origin)
    WHERE ended IS NULL;

CREATE INDEX dnsbl_overrides_ended ON dnsbl_overrides (network) WHERE ended IS NOT NULL;
