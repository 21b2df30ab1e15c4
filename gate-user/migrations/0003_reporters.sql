-- Whether a complaint of a reporter is left: asked when old complaints are folded.
CREATE INDEX complaints_reporter ON complaints (reporter);
