-- What is left of dead deliveries that nobody keeps any more: how many they were.

CREATE TABLE purged (
    sink  TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    seal  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
