-- Evidence: what was seen of a source, and what was asked for it.
--
-- A source is a number: an IPv4 address, or the first 64 bits of an IPv6 address. Times are
-- seconds since 1970. As in the book, PostgreSQL would say BIGINT for the keys.

-- Who complains, each once.
CREATE TABLE reporters (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
);

-- Reports and trap hits one by one, as long as each has a weight of its own.
CREATE TABLE complaints (
    id INTEGER PRIMARY KEY,
    source BIGINT NOT NULL,
    -- The last 64 bits of an IPv6 address.
    host BIGINT,
    at BIGINT NOT NULL,
    reporter BIGINT NOT NULL REFERENCES reporters (id),
    incidents BIGINT NOT NULL,
    -- 1 for a trap hit.
    trap BIGINT NOT NULL,
    -- What a repetition of the report has in common with it.
    digest BIGINT
);

CREATE UNIQUE INDEX complaints_once ON complaints (source, digest);

CREATE INDEX complaints_age ON complaints (at);

-- Mail in hourly sums, and in daily ones once it is older; complaints once they are older.
CREATE TABLE sums (
    source BIGINT NOT NULL,
    start BIGINT NOT NULL,
    -- Seconds: 3600 or 86400.
    length BIGINT NOT NULL,
    spam BIGINT NOT NULL,
    ham BIGINT NOT NULL,
    bounced BIGINT NOT NULL,
    complaints BIGINT NOT NULL,
    PRIMARY KEY (source, start, length)
);

CREATE INDEX sums_age ON sums (length, start);

-- Digests of what went into sums, for as long as its repetition would be taken.
CREATE TABLE seen (
    source BIGINT NOT NULL,
    digest BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (source, digest)
);

CREATE INDEX seen_age ON seen (at);

-- Requests to end a listing, with what decided them. Rows are never deleted.
CREATE TABLE removal_requests (
    id INTEGER PRIMARY KEY,
    at BIGINT NOT NULL,
    address TEXT NOT NULL,
    -- The source's place in the order of the book, as in entries.
    sort_key TEXT NOT NULL,
    contact TEXT,
    note TEXT,
    asked_by TEXT NOT NULL,
    -- granted, refused or queued.
    decision TEXT NOT NULL,
    -- For each listing what was decided and why, one a line.
    explanation TEXT NOT NULL,
    -- The score that decided, and in one line what it was made of.
    score BIGINT NOT NULL,
    evidence TEXT NOT NULL,
    decided BIGINT,
    decided_by TEXT
);

CREATE INDEX removal_requests_network ON removal_requests (sort_key, at);

CREATE INDEX removal_requests_contact ON removal_requests (contact, at);
