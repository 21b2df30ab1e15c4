-- From which network a removal request came: the place of an IPv4 /24 or IPv6 /48 in the order of the
-- book, as in entries. NULL where it did not come from the public page.
ALTER TABLE removal_requests ADD COLUMN asked_from TEXT;

CREATE INDEX removal_requests_asker ON removal_requests (asked_from, at);

-- Those that wait for the postmaster have no time of decision; old decided ones are deleted.
CREATE INDEX removal_requests_decided ON removal_requests (decided);
