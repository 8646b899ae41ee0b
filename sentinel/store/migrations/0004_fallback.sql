-- For which sink another one was told as a fallback. Until when an event is held, the difference in which it waits knows.

CREATE TABLE fallback_outcomes (     -- what became of an event at a sink
    event   INTEGER NOT NULL,
    sink    TEXT NOT NULL,           -- empty for an event that concerned no sink
    state   TEXT NOT NULL CHECK (state IN ('held', 'told', 'folded', 'reverted', 'unrouted')),
    message INTEGER,                 -- the delivery
    why     TEXT NOT NULL,
    route   TEXT NOT NULL,           -- label of the route that asked for it
    fallback_for TEXT NOT NULL,      -- the sink that did not get it; empty where the sink is told for its own sake
    seal    INTEGER NOT NULL,
    PRIMARY KEY (event, sink)
) STRICT, WITHOUT ROWID;
INSERT INTO fallback_outcomes
    SELECT event, sink, state, message, why, route, '', seal(event, sink, state, message, why, route, '') FROM outcomes;
DROP TABLE outcomes;
ALTER TABLE fallback_outcomes RENAME TO outcomes;
CREATE INDEX outcomes_by_message ON outcomes (message) WHERE message IS NOT NULL;
CREATE INDEX outcomes_held ON outcomes (sink) WHERE state = 'held';
