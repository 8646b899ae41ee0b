-- Deliveries that another one of their sink speaks for.

CREATE TABLE absorbing_deliveries (  -- a message for one sink
    id           INTEGER PRIMARY KEY,
    sink         TEXT NOT NULL,
    source       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    key          TEXT NOT NULL,
    speaks       INTEGER NOT NULL,   -- the event that it tells; those it folds point here from outcomes
    events       TEXT NOT NULL,      -- JSON: numbers, oldest first
    also         TEXT NOT NULL,      -- JSON: numbers of events that it tells for the deliveries that it absorbed
    created_at   TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead', 'absorbed')),
    absorbed_by  INTEGER,            -- the delivery that speaks for it
    attempt      INTEGER NOT NULL,   -- finished attempts
    next_try     TEXT,
    settled_at   TEXT,
    error        TEXT NOT NULL,      -- what the last failed attempt said
    seal         INTEGER NOT NULL
) STRICT;
INSERT INTO absorbing_deliveries
    SELECT id, sink, source, subject_type, subject_id, key, speaks, events, '[]', created_at, state, NULL, attempt,
           next_try, settled_at, error, seal(id, sink, source, subject_type, subject_id, key, speaks, events, '[]',
                                             created_at, state, NULL, attempt, next_try, settled_at, error)
    FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE absorbing_deliveries RENAME TO deliveries;
CREATE INDEX deliveries_by_state ON deliveries (sink, state);
CREATE INDEX deliveries_by_event ON deliveries (speaks);
CREATE INDEX deliveries_absorbed ON deliveries (absorbed_by) WHERE absorbed_by IS NOT NULL;
