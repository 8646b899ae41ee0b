"""What the writer asks of SQLite."""

from sentinel.store import rows

SOURCES = f"SELECT {rows.SOURCE_COLUMNS} FROM sources ORDER BY name"
SUBJECTS = f"SELECT {rows.SUBJECT_COLUMNS} FROM subjects ORDER BY source, type, id"
# Replaced, a row would move to the end of its table.
PUT_SUBJECT = """
    INSERT INTO subjects VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
        revision = excluded.revision, problems = excluded.problems, body = excluded.body, seal = excluded.seal
"""
DELETE_SUBJECT = "DELETE FROM subjects WHERE (source, type, id) = (?, ?, ?)"
PUT_DIFFERENCE = f"INSERT OR REPLACE INTO differences VALUES ({','.join('?' * 15)})"
DELETE_DIFFERENCE = """
    DELETE FROM differences WHERE (sink, source, subject_type, subject_id, aspect) = (?, ?, ?, ?, ?)
"""
PENDING = "SELECT sink, count(*) FROM deliveries WHERE state = 'pending' GROUP BY sink"
# Outcomes name deliveries that were purged since.
NEXT_DELIVERY = """
    SELECT 1 + max(
        coalesce((SELECT max(id) FROM deliveries), 0),
        coalesce((SELECT max(message) FROM outcomes WHERE message IS NOT NULL), 0))
"""
OPEN_EVENTS = f"""
    SELECT {rows.EVENT_COLUMNS} FROM events WHERE number IN (SELECT event FROM outcomes WHERE state = 'held')
"""
# What changes in place is sealed by SQLite, which has the columns that stay as they are.
SEAL_SCHEMA = """
    UPDATE ledger SET schema = ?1, seal = seal(one, id, created_at, high_revision, last_words, ?1)
"""
UPDATE_LEDGER = """
    UPDATE ledger SET
        id = coalesce(?1, id), high_revision = coalesce(?2, high_revision), last_words = coalesce(?3, last_words),
        seal = seal(one, coalesce(?1, id), created_at, coalesce(?2, high_revision), coalesce(?3, last_words), schema)
"""
INSERT_REJECT = """
    INSERT INTO rejects SELECT next, ?1, ?2, ?3, ?4, seal(next, ?1, ?2, ?3, ?4)
    FROM (SELECT coalesce(max(number), 0) + 1 AS next FROM rejects)
"""
# A late success settles a delivery that was given up meanwhile; nothing unsettles a delivered one.
UPDATE_DELIVERY = """
    UPDATE deliveries SET state = ?1, attempt = ?2, next_try = ?3, settled_at = ?4, error = ?5, seal = seal(
        id, sink, source, subject_type, subject_id, key, speaks, events, also, created_at, ?1, absorbed_by,
        ?2, ?3, ?4, ?5)
    WHERE id = ?6 AND state <> 'delivered'
"""
ABSORB = """
    UPDATE deliveries SET state = 'absorbed', settled_at = ?1, absorbed_by = ?2, seal = seal(
        id, sink, source, subject_type, subject_id, key, speaks, events, also, created_at, 'absorbed', ?2, attempt,
        next_try, ?1, error)
    WHERE id = ?3 AND state = 'pending' AND attempt = 0
"""
SPEAK_ALSO = """
    UPDATE deliveries SET also = ?1, seal = seal(
        id, sink, source, subject_type, subject_id, key, speaks, events, ?1, created_at, state, absorbed_by, attempt,
        next_try, settled_at, error)
    WHERE id = ?2 AND state = 'pending'
"""
# The aspect of a delivery stands behind the 64 digits and the dot of its key if it is not the event's own.
TOLD_SINCE = """
    WITH mine AS (
        SELECT deliveries.id, events.number, events.source, events.subject_type, events.subject_id,
            coalesce(nullif(substr(deliveries.key, 66), ''), events.aspect) AS aspect,
            coalesce(nullif(?2, ''), deliveries.sink) AS sink
        FROM deliveries JOIN events ON events.number = deliveries.speaks
        WHERE deliveries.id = ?1 AND deliveries.state = 'dead'
    )
    SELECT max(told_by) FROM (
        SELECT telling.id AS told_by FROM mine
        JOIN events AS newer ON newer.number > mine.number AND newer.source = mine.source
            AND newer.aspect = mine.aspect AND newer.subject_type = mine.subject_type
            AND newer.subject_id = mine.subject_id
        JOIN outcomes ON outcomes.event = newer.number AND outcomes.sink = mine.sink
        JOIN deliveries AS telling ON telling.id = outcomes.message AND telling.state <> 'dead'
        UNION ALL
        SELECT telling.id FROM mine
        JOIN deliveries AS telling ON telling.sink = mine.sink AND telling.state <> 'dead'
            AND telling.source = mine.source AND telling.subject_type = mine.subject_type
            AND telling.subject_id = mine.subject_id AND telling.speaks > mine.number
            AND substr(telling.key, 66) = mine.aspect
    )
"""
SETTLE_OLD = """
    UPDATE deliveries SET state = 'absorbed', settled_at = ?1, absorbed_by = ?2, seal = seal(
        id, sink, source, subject_type, subject_id, key, speaks, events, also, created_at, 'absorbed', ?2, attempt,
        next_try, ?1, error)
    WHERE id = ?3
"""
MOVE_OUTCOMES = """
    UPDATE outcomes SET message = ?1, seal = seal(event, sink, state, ?1, why, route, fallback_for)
    WHERE message = ?2 AND EXISTS (SELECT 1 FROM deliveries WHERE id = ?2 AND deliveries.state = 'dead')
"""
MOVE_ABSORBED = """
    UPDATE deliveries SET absorbed_by = ?1, seal = seal(
        id, sink, source, subject_type, subject_id, key, speaks, events, also, created_at, state, ?1, attempt, next_try,
        settled_at, error)
    WHERE absorbed_by = ?2 AND EXISTS (SELECT 1 FROM deliveries AS absorbing WHERE id = ?2 AND state = 'dead')
"""
# Under a new number it is behind everything that its sink has taken in already.
REVIVE = """
    UPDATE deliveries SET id = ?1, sink = coalesce(nullif(?2, ''), sink), created_at = ?3, state = 'pending',
        attempt = 0, next_try = NULL, settled_at = NULL, error = '', seal = seal(
        ?1, coalesce(nullif(?2, ''), sink), source, subject_type, subject_id, key, speaks, events, also, ?3, 'pending',
        absorbed_by, 0, NULL, NULL, '')
    WHERE id = ?4 AND state = 'dead'
"""
GIVE_UP = """
    UPDATE deliveries SET state = 'dead', next_try = NULL, settled_at = ?1, error = ?2, seal = seal(
        id, sink, source, subject_type, subject_id, key, speaks, events, also, created_at, 'dead', absorbed_by,
        attempt, NULL, ?1, ?2)
    WHERE sink = ?3 AND state = 'pending'
"""
_COUNT_PURGED = """
    INSERT INTO purged
    SELECT sink, count(*), seal(sink, count(*)) FROM deliveries WHERE {which} AND state = 'dead' GROUP BY sink
    ON CONFLICT (sink) DO UPDATE SET
        count = purged.count + excluded.count, seal = seal(sink, purged.count + excluded.count)
"""
COUNT_PURGED = _COUNT_PURGED.format(which="id IN (SELECT value FROM json_each(?1))")
COUNT_PURGED_OF_EVENTS = _COUNT_PURGED.format(which="speaks IN (SELECT value FROM json_each(?1))")
# The open span is nearly always the newest: from there on it is found at once, however many there were before.
END_SPAN = """
    UPDATE spans SET ended_at = max(began_at, ?1), seal = seal(
        source, subject_type, subject_id, began_at, max(began_at, ?1), state)
    WHERE (source, subject_type, subject_id, began_at) = (
        SELECT source, subject_type, subject_id, began_at FROM spans
        WHERE source = ?2 AND subject_type = ?3 AND subject_id = ?4 AND ended_at IS NULL
        ORDER BY began_at DESC LIMIT 1)
"""
PURGEABLE = """
    SELECT number FROM events
    WHERE recorded_at < ?
      AND NOT EXISTS (SELECT 1 FROM outcomes
                      LEFT JOIN deliveries ON deliveries.id = outcomes.message
                      WHERE outcomes.event = events.number
                        AND (outcomes.state = 'held' OR deliveries.state = 'pending'))
      AND NOT EXISTS (SELECT 1 FROM differences
                      WHERE differences.source = events.source AND differences.subject_type = events.subject_type
                        AND differences.subject_id = events.subject_id
                        AND differences.problem = substr(events.key, 1, 32))
    ORDER BY number LIMIT ?
"""
