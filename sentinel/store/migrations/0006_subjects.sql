-- Subjects in a table with row ids, where a row of up to 4,000 bytes stays on its page. Without them a row of more than
-- 1,000, as every peer is, took a page of its own for what is over: 47 MB for 10,000 peers instead of 14.

CREATE TABLE kept_subjects (
    source   TEXT NOT NULL,
    type     TEXT NOT NULL,
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    problems TEXT NOT NULL,          -- JSON: aspect -> id of the event that opened the problem
    body     TEXT NOT NULL,          -- JSON: the record, in its source's own terms
    seal     INTEGER NOT NULL,
    PRIMARY KEY (source, type, id)
) STRICT;
INSERT INTO kept_subjects SELECT * FROM subjects ORDER BY source, type, id;
DROP TABLE subjects;
ALTER TABLE kept_subjects RENAME TO subjects;
