"""What has to hold in a store's file, how each violation is found, and how it is repaired."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime
from typing import NamedTuple

from storyclust.store.encoding import to_stamp
from storyclust.store.full_text import index_words
from storyclust.store.retention import Derive, read_articles
from storyclust.store.tables import COUNT_EVENTS, COUNT_THREADS, store_derived

AT_ONCE = 1_000  # articles derived together
STAMP = "-".join(["[0-9]" * 4, "[0-9]" * 2, "[0-9]" * 2]) + "T" + ":".join(["[0-9]" * 2] * 3) + ".[0-9]*Z"
LIVE_EVENTS = "(SELECT id FROM events WHERE merged_into IS NULL)"
LIVE_THREADS = "(SELECT id FROM threads WHERE merged_into IS NULL)"
COPIES = "(SELECT article FROM copies)"
Repair = Callable[[sqlite3.Connection], object]


class Rule(NamedTuple):
    """Something that must not be: how it is told, what finds it (naming each case), what puts it right.

    What has to be derived again has no repair of its own.
    """

    said: str
    query: str
    repair: Repair | None


# Whatever a merged group leads to, a step at a time; one that bites its tail ends by the limit of its length.
CHAINS = """
    WITH RECURSIVE chain(start, at, length) AS (
        SELECT id, merged_into, 1 FROM {kind}s WHERE merged_into IS NOT NULL
        UNION ALL SELECT start, {kind}s.merged_into, length + 1 FROM chain JOIN {kind}s ON {kind}s.id = at
        WHERE {kind}s.merged_into IS NOT NULL AND length <= (SELECT count(*) FROM {kind}s)
    )
"""


def _lost(kind: str) -> str:
    """Groups merged into nothing, or round in a circle."""
    return (
        f"{CHAINS.format(kind=kind)} SELECT DISTINCT start AS broken FROM chain "
        f"WHERE at = start OR (length = 1 AND at NOT IN (SELECT id FROM {kind}s))"
    )


def _cut_chains(kind: str) -> Repair:
    def repair_chains(connection: sqlite3.Connection) -> None:
        connection.execute(f"UPDATE {kind}s SET merged_into = NULL WHERE id IN ({_lost(kind)})")

    return repair_chains


def _end_of_chain(connection: sqlite3.Connection, kind: str, number: int) -> int | None:
    """What a group was merged into in the end; None if there is no such group."""
    query = f"SELECT merged_into FROM {kind}s WHERE id = ?"
    while row := connection.execute(query, [number]).fetchone():
        if row[0] is None:
            return number
        number = row[0]
    return None


def _house_articles(connection: sqlite3.Connection) -> None:
    """Put articles into the event that theirs was merged into, or into one of their own."""
    query = f"SELECT number, event FROM articles WHERE event NOT IN {LIVE_EVENTS}"
    for number, event in connection.execute(query).fetchall():
        home = _end_of_chain(connection, "event", event)
        if home is None:
            thread = _new_thread(connection)
            home = connection.execute("INSERT INTO events(thread) VALUES (?)", [thread]).lastrowid
        connection.execute("UPDATE articles SET event = ? WHERE number = ?", (home, number))


def _house_events(connection: sqlite3.Connection) -> None:
    for event, thread in connection.execute(HOMELESS_EVENTS).fetchall():
        home = _end_of_chain(connection, "thread", thread) or _new_thread(connection)
        connection.execute("UPDATE events SET thread = ? WHERE id = ?", (home, event))


def _new_thread(connection: sqlite3.Connection) -> int | None:
    now = to_stamp(datetime.now(UTC))
    return connection.execute("INSERT INTO threads(updated) VALUES (?)", [now]).lastrowid


# An event that was merged or emptied may be in any thread that was.
HOMELESS_EVENTS = f"""
    SELECT id AS broken, thread FROM events WHERE thread NOT IN (SELECT id FROM threads)
    OR (id IN (SELECT event FROM articles) AND thread NOT IN {LIVE_THREADS})
"""
MISCOUNTED = """
    SELECT g.id AS broken FROM {kind}s g LEFT JOIN ({counts}) c ON c.id = g.id WHERE
    (g.size, g.independent) IS NOT (coalesce(c.size, 0), coalesce(c.independent, 0))
    OR g.started IS NOT c.started OR g.ended IS NOT c.ended
"""
EVENT_COUNTS = """
    SELECT event AS id, count(*) AS size, count(*) - count(copies.article) AS independent,
    min(published) AS started, max(published) AS ended
    FROM articles LEFT JOIN copies ON copies.article = number GROUP BY event
"""
THREAD_COUNTS = """
    SELECT thread AS id, sum(size) AS size, sum(independent) AS independent,
    min(started) AS started, max(ended) AS ended FROM events GROUP BY thread
"""


def _flatten_copies(connection: sqlite3.Connection) -> None:
    """Let copies of copies be copies of the original, and copies of none, or in a circle, originals."""
    original_of = dict(connection.execute("SELECT article, original FROM copies"))
    known = {row[0] for row in connection.execute("SELECT number FROM articles")}
    for article in sorted(original_of):
        seen, original = {article}, original_of[article]
        while original in original_of and original not in seen:
            seen.add(original)
            original = original_of[original]
        if original in seen or original not in known or article not in known:
            connection.execute("DELETE FROM copies WHERE article = ?", [article])
            del original_of[article]
        elif original != original_of[article]:
            connection.execute("UPDATE copies SET original = ? WHERE article = ?", (original, article))


def _join_originals(connection: sqlite3.Connection) -> None:
    connection.execute("""
        UPDATE articles SET event = (
            SELECT o.event FROM copies JOIN articles o ON o.number = original WHERE article = articles.number
        ) WHERE number IN (SELECT article FROM copies)
    """)


def _derive_missing(connection: sqlite3.Connection, derive: Derive) -> None:
    """Derive what independent articles lack; with strangers they share what others of their language do."""
    connection.execute(f"DELETE FROM bands WHERE {BAD_BANDS}")
    connection.execute(f"DELETE FROM vectors WHERE {BAD_VECTORS}")
    usual = dict(
        connection.execute(
            "SELECT language, avg(strangers) FROM vectors JOIN articles ON number = article GROUP BY language"
        )
    )
    rows = connection.execute(
        "SELECT number, language, strangers FROM articles LEFT JOIN vectors ON article = number "
        f"WHERE number IN (SELECT number FROM ({UNDERIVED}))"
    ).fetchall()
    for start in range(0, len(rows), AT_ONCE):
        some = rows[start : start + AT_ONCE]
        numbers = [row[0] for row in some]
        shared = [usual.get(language) if known is None else known for _, language, known in some]
        store_derived(connection, numbers, derive(read_articles(connection, numbers)), shared)


def _drop_derived_of_copies(connection: sqlite3.Connection) -> None:
    for table in ("bands", "vectors"):
        connection.execute(f"DELETE FROM {table} WHERE article NOT IN (SELECT number FROM articles)")
        connection.execute(f"DELETE FROM {table} WHERE article IN {COPIES}")


def _index_again(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO search(search) VALUES ('delete-all')")
    cursor = connection.cursor().execute("SELECT number, title, text FROM articles ORDER BY number")
    while rows := cursor.fetchmany(AT_ONCE):
        for number, title, text in rows:
            index_words(connection, number, title, text)


def _turn_links(connection: sqlite3.Connection) -> None:
    connection.execute("DELETE FROM links WHERE a = b OR a NOT IN (SELECT number FROM articles)")
    connection.execute("DELETE FROM links WHERE b NOT IN (SELECT number FROM articles)")
    connection.execute("INSERT OR IGNORE INTO links SELECT b, a, relation, similarity FROM links WHERE a < b")
    connection.execute("DELETE FROM links WHERE a < b")


BAD_BANDS = "length(keys) % 4 <> 0"
BAD_VECTORS = "length(terms) % 4 <> 0 OR head < 0 OR head > length(terms) / 4"
UNDERIVED = f"""
    SELECT number, id AS broken FROM articles WHERE number NOT IN {COPIES} AND (
        number NOT IN (SELECT article FROM bands WHERE NOT ({BAD_BANDS}))
        OR number NOT IN (SELECT article FROM vectors WHERE NOT ({BAD_VECTORS}))
    )
"""


def _bad_stamp(column: str) -> str:
    return (
        f"({column} NOT GLOB '{STAMP}' OR length({column}) <> 27 OR {column} IS NOT NULL AND "
        f"strftime('%Y-%m-%dT%H:%M:%S', substr({column}, 1, 19), '+0 days') IS NOT substr({column}, 1, 19))"
    )


def _run(*statements: str) -> Repair:
    def repair_values(connection: sqlite3.Connection) -> None:
        for statement in statements:
            connection.execute(statement)

    return repair_values


TEXTS = ("id", "title", "text", "source", "lang", "url", "extra", "language")
GARBLED = " OR ".join(f"mended(CAST({column} AS BLOB)) IS NOT NULL" for column in TEXTS)
# Whatever it was, nobody has this one in memory.
NEW_GENERATION = "INSERT OR REPLACE INTO meta VALUES ('generation', strftime('%s', 'now'))"
NOW = "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now')"
BAD_EXTRA = "extra IS NOT NULL AND CASE WHEN json_valid(extra) THEN json_type(extra) <> 'object' ELSE 1 END"
NUMBERED = (("articles", "number"), ("events", "id"), ("threads", "id"))
# What SQLite has noted as the last number, where a later one was given.
OUTRUN = " UNION ALL ".join(
    f"SELECT '{table}' AS broken WHERE (SELECT max({column}) FROM {table}) > "
    f"coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'), 0)"
    for table, column in NUMBERED
)
CATCH_UP = [
    statement
    for table, column in NUMBERED
    for statement in (
        f"DELETE FROM sqlite_sequence WHERE name = '{table}' AND seq < (SELECT max({column}) FROM {table})",
        f"INSERT INTO sqlite_sequence(name, seq) SELECT '{table}', (SELECT max({column}) FROM {table}) "
        f"WHERE EXISTS (SELECT 1 FROM {table}) "
        f"AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}')",
    )
]
# In the order in which they are put right: a later one relies on the earlier.
RULES = (
    Rule(
        "counts of changes that cannot be read",
        """SELECT 'generation' AS broken WHERE NOT EXISTS (
            SELECT 1 FROM meta WHERE name = 'generation' AND value <> '' AND value NOT GLOB '*[^0-9]*'
        )""",
        _run(NEW_GENERATION),
    ),
    Rule("tables of which numbers could be given twice", OUTRUN, _run(*CATCH_UP)),
    Rule(
        "articles whose text is no UTF-8",
        f"SELECT number AS broken FROM articles WHERE {GARBLED}",
        _run(
            *(
                f"UPDATE articles SET {column} = mended(CAST({column} AS BLOB)) "
                f"WHERE mended(CAST({column} AS BLOB)) IS NOT NULL"
                for column in TEXTS
            )
        ),
    ),
    Rule(
        "articles with a date that cannot be read",
        f"SELECT id AS broken FROM articles WHERE {_bad_stamp('published')} OR {_bad_stamp('added')}",
        _run(
            f"UPDATE articles SET published = NULL WHERE {_bad_stamp('published')}",
            f"UPDATE articles SET added = {NOW} WHERE {_bad_stamp('added')}",
        ),
    ),
    Rule(
        "threads or lines of the history with a date that cannot be read",
        f"SELECT id AS broken FROM threads WHERE {_bad_stamp('updated')} "
        f"UNION ALL SELECT number FROM history WHERE {_bad_stamp('at')}",
        _run(
            f"UPDATE threads SET updated = NULL WHERE {_bad_stamp('updated')}",
            f"UPDATE history SET at = {NOW} WHERE {_bad_stamp('at')}",
        ),
    ),
    Rule(
        "articles whose other fields cannot be read",
        f"SELECT id AS broken FROM articles WHERE {BAD_EXTRA}",
        _run(f"UPDATE articles SET extra = NULL WHERE {BAD_EXTRA}"),
    ),
    Rule("threads merged into nothing", _lost("thread"), _cut_chains("thread")),
    Rule("events merged into nothing", _lost("event"), _cut_chains("event")),
    Rule(
        "articles without a live event",
        f"SELECT id AS broken FROM articles WHERE event NOT IN {LIVE_EVENTS}",
        _house_articles,
    ),
    Rule("events without a live thread", HOMELESS_EVENTS, _house_events),
    Rule(
        "copies of what is no original",
        f"""SELECT article AS broken FROM copies WHERE original IN {COPIES}
        OR original NOT IN (SELECT number FROM articles) OR article NOT IN (SELECT number FROM articles)""",
        _flatten_copies,
    ),
    Rule(
        "copies in another event than their original",
        """SELECT a.id AS broken FROM copies c JOIN articles a ON a.number = c.article
        JOIN articles o ON o.number = c.original WHERE a.event <> o.event""",
        _join_originals,
    ),
    Rule(
        "bands or vectors of copies, or of no article",
        f"""SELECT article AS broken FROM (SELECT article FROM bands UNION SELECT article FROM vectors)
        WHERE article IN {COPIES} OR article NOT IN (SELECT number FROM articles)""",
        _drop_derived_of_copies,
    ),
    Rule("articles without bands or vectors", UNDERIVED, None),
    Rule(
        "links that join no articles, or a later one to an earlier",
        """SELECT a AS broken FROM links WHERE a <= b OR a NOT IN (SELECT number FROM articles)
        OR b NOT IN (SELECT number FROM articles)""",
        _turn_links,
    ),
    Rule(
        "former texts of no article",
        "SELECT article AS broken FROM revisions WHERE article NOT IN (SELECT number FROM articles)",
        _run("DELETE FROM revisions WHERE article NOT IN (SELECT number FROM articles)"),
    ),
    Rule(
        "events with wrong sizes or dates",
        MISCOUNTED.format(kind="event", counts=EVENT_COUNTS),
        _run(COUNT_EVENTS),
    ),
    Rule(
        "threads with wrong sizes or dates",
        MISCOUNTED.format(kind="thread", counts=THREAD_COUNTS),
        _run(COUNT_THREADS),
    ),
    Rule(
        "articles missing from the index of words, or words of none",
        """SELECT number AS broken FROM (SELECT number FROM articles EXCEPT SELECT id FROM search_docsize)
        UNION ALL SELECT id FROM (SELECT id FROM search_docsize EXCEPT SELECT number FROM articles)""",
        _index_again,
    ),
)
