-- Which route asked for an event, and which told a problem; and events that no sink was concerned by.

CREATE TABLE routed_outcomes (       -- what became of an event at a sink
    event   INTEGER NOT NULL,
    sink    TEXT NOT NULL,           -- empty for an event that concerned no sink
    state   TEXT NOT NULL CHECK (state IN ('held', 'told', 'folded', 'reverted', 'unrouted')),
    message INTEGER,                 -- the delivery
    until   TEXT,
    why     TEXT NOT NULL,
    route   TEXT NOT NULL,           -- label of the route that asked for it
    seal    INTEGER NOT NULL,
    PRIMARY KEY (event, sink)
) STRICT, WITHOUT ROWID;
INSERT INTO routed_outcomes
    SELECT event, sink, state, message, until, why, '', seal(event, sink, state, message, until, why, '') FROM outcomes;
DROP TABLE outcomes;
ALTER TABLE routed_outcomes RENAME TO outcomes;
CREATE INDEX outcomes_by_message ON outcomes (message) WHERE message IS NOT NULL;
CREATE INDEX outcomes_held ON outcomes (sink) WHERE state = 'held';

CREATE TABLE routed_differences (    -- where a sink's view is not the truth, or a told problem is open
    sink         TEXT NOT NULL,
    source       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    aspect       TEXT NOT NULL,
    told         TEXT NOT NULL,
    truth        TEXT NOT NULL,
    problem      TEXT,
    waiting      TEXT NOT NULL,      -- JSON: numbers of held events, oldest first
    began        TEXT,
    due_wall     TEXT,               -- one moment on both clocks: the boot clock holds within one boot
    due_boot     REAL,
    due_boot_id  TEXT,
    route        TEXT NOT NULL,      -- label of the route that told the problem
    seal         INTEGER NOT NULL,
    PRIMARY KEY (sink, source, subject_type, subject_id, aspect)
) STRICT, WITHOUT ROWID;
INSERT INTO routed_differences
    SELECT sink, source, subject_type, subject_id, aspect, told, truth, problem, waiting, began, due_wall, due_boot,
           due_boot_id, '', seal(sink, source, subject_type, subject_id, aspect, told, truth, problem, waiting, began,
                                 due_wall, due_boot, due_boot_id, '')
    FROM differences;
DROP TABLE differences;
ALTER TABLE routed_differences RENAME TO differences;
