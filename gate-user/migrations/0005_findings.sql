-- What DNS said of a source when it was last asked. As in the other tables, a source is a number,
-- times are seconds since 1970, and PostgreSQL would say BIGINT for the key.
--
-- What is listed for a name goes into `entries`, and out of it 90 days after its end: an attacker can
-- make as many of those as he has addresses.
CREATE TABLE findings (
    source BIGINT PRIMARY KEY,
    -- When DNS was last asked.
    at BIGINT NOT NULL,
    -- When it is to be asked again; NULL: when the source comes again.
    again BIGINT,
    -- The PTR name, lower case; NULL where there is none.
    name TEXT,
    -- All of it, as JSON.
    said TEXT NOT NULL
);

CREATE INDEX findings_again ON findings (again) WHERE again IS NOT NULL;

CREATE INDEX findings_age ON findings (at);

-- The PTR names of a sample of a network.
CREATE TABLE samples (
    -- As operators write it: 192.0.2.0/24.
    network TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    -- What each name tells, as JSON.
    classes TEXT NOT NULL
);

CREATE INDEX samples_age ON samples (at);
