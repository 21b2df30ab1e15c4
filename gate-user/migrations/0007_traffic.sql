-- What the mail server told of a source: hourly sums, kept for a week.
--
-- A source is a number as in the evidence. Times are seconds since 1970.
CREATE TABLE traffic (
    source BIGINT NOT NULL,
    start BIGINT NOT NULL,
    -- Connections that were let through, messages in them, and their recipients.
    connections BIGINT NOT NULL,
    messages BIGINT NOT NULL,
    recipients BIGINT NOT NULL,
    -- Requests that were refused.
    refused BIGINT NOT NULL,
    PRIMARY KEY (source, start)
);

CREATE INDEX traffic_age ON traffic (start);
