-- Times are RFC 3339 text in UTC with microseconds: they sort like the time and read like a date.
-- Every row ends with its seal, a checksum of all columns before it: SQLite does not notice a bit that flips in a value.

CREATE TABLE ledger (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    id            TEXT NOT NULL,     -- new for a new or restored ledger: part of every event's identity
    created_at    TEXT NOT NULL,
    high_revision INTEGER NOT NULL,  -- the highest revision that any subject ever had
    last_words    TEXT NOT NULL,     -- why the last run ended, empty after a clean end
    schema        INTEGER NOT NULL,  -- checksum of the definitions of all tables and indexes
    seal          INTEGER NOT NULL
) STRICT;

CREATE TABLE sources (
    name      TEXT PRIMARY KEY,
    kind      TEXT NOT NULL,
    boot_id   TEXT NOT NULL,         -- position of the newest committed frame
    epoch     INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    seen_at   TEXT,                  -- when the edge saw that frame
    based     INTEGER NOT NULL,      -- a first base has been committed: changes are news from now on
    self_id   TEXT NOT NULL,
    network   TEXT NOT NULL,
    people    TEXT NOT NULL,         -- JSON: owner id -> login
    seeing         INTEGER NOT NULL, -- what the edge last said of its sight
    reason         TEXT NOT NULL,
    detail         TEXT NOT NULL,
    needs_operator INTEGER NOT NULL,
    seal      INTEGER NOT NULL
) STRICT;

CREATE TABLE subjects (
    source   TEXT NOT NULL,
    type     TEXT NOT NULL,
    id       TEXT NOT NULL,
    revision INTEGER NOT NULL,
    problems TEXT NOT NULL,          -- JSON: aspect -> id of the event that opened the problem
    body     TEXT NOT NULL,          -- JSON: the record, in its source's own terms
    seal     INTEGER NOT NULL,
    PRIMARY KEY (source, type, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    number       INTEGER PRIMARY KEY,
    key          TEXT NOT NULL UNIQUE,
    type         TEXT NOT NULL,
    aspect       TEXT NOT NULL,
    source       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    subject_name TEXT NOT NULL,
    severity     TEXT NOT NULL,
    revision     INTEGER NOT NULL,
    timestamp    TEXT NOT NULL,
    recorded_at  TEXT NOT NULL,
    before       TEXT NOT NULL,      -- values of the aspect
    after        TEXT NOT NULL,
    resolves     TEXT,
    body         TEXT NOT NULL,      -- JSON: the envelope, as every sink gets it
    seal         INTEGER NOT NULL
) STRICT;
CREATE INDEX events_by_time ON events (recorded_at);

CREATE TABLE outcomes (              -- what became of an event at a sink
    event   INTEGER NOT NULL,
    sink    TEXT NOT NULL,
    state   TEXT NOT NULL CHECK (state IN ('held', 'told', 'folded', 'reverted')),
    message INTEGER,                 -- the delivery
    until   TEXT,
    why     TEXT NOT NULL,
    seal    INTEGER NOT NULL,
    PRIMARY KEY (event, sink)
) STRICT, WITHOUT ROWID;
CREATE INDEX outcomes_by_message ON outcomes (message) WHERE message IS NOT NULL;
CREATE INDEX outcomes_held ON outcomes (sink) WHERE state = 'held';

CREATE TABLE differences (           -- where a sink's view is not the truth, or a told problem is open
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
    seal         INTEGER NOT NULL,
    PRIMARY KEY (sink, source, subject_type, subject_id, aspect)
) STRICT, WITHOUT ROWID;

CREATE TABLE deliveries (            -- a message for one sink
    id           INTEGER PRIMARY KEY,
    sink         TEXT NOT NULL,
    source       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    key          TEXT NOT NULL,
    speaks       INTEGER NOT NULL,   -- the event that it tells; those it folds point here from outcomes
    events       TEXT NOT NULL,      -- JSON: numbers, oldest first
    created_at   TEXT NOT NULL,
    state        TEXT NOT NULL CHECK (state IN ('pending', 'delivered', 'dead')),
    attempt      INTEGER NOT NULL,   -- finished attempts
    next_try     TEXT,
    settled_at   TEXT,
    error        TEXT NOT NULL,      -- what the last failed attempt said
    seal         INTEGER NOT NULL
) STRICT;
CREATE INDEX deliveries_by_state ON deliveries (sink, state);
CREATE INDEX deliveries_by_event ON deliveries (speaks);

CREATE TABLE spans (                 -- availability: up, down or unknown, from a moment to the next
    source       TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id   TEXT NOT NULL,
    began_at     TEXT NOT NULL,
    ended_at     TEXT,
    state        TEXT NOT NULL CHECK (state IN ('up', 'down', 'unknown')),
    seal         INTEGER NOT NULL,
    PRIMARY KEY (source, subject_type, subject_id, began_at)
) STRICT, WITHOUT ROWID;
CREATE INDEX spans_ended ON spans (ended_at) WHERE ended_at IS NOT NULL;

CREATE TABLE rejects (               -- what could not be understood, and why
    number      INTEGER PRIMARY KEY,
    source      TEXT NOT NULL,
    subject_id  TEXT NOT NULL,
    recorded_at TEXT NOT NULL,
    why         TEXT NOT NULL,
    seal        INTEGER NOT NULL
) STRICT;
