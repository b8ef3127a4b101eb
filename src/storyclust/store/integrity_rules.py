"""The integrity rules of a store's file: what a violation is, the query that finds it, and its repair.

`RULES` is the table. Above it stand the pieces of SQL that several of its lines share.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from storyclust.store.index_tables import ENTRY
from storyclust.store.integrity_repairs import (
    ARTICLES_WITHOUT_EVENT,
    COPIES,
    EVENTS_WITHOUT_THREAD,
    UNDERIVED,
    assign_events,
    assign_threads,
    derive_missing,
    flatten_copies,
    rebuild_full_text,
)
from storyclust.store.retention import Derive
from storyclust.store.tables import COUNT_EVENTS, COUNT_THREADS


class Rule(NamedTuple):
    """One kind of violation.

    Attributes
    ----------
    violation : str
        Names the violating rows in the plural, as `NewsStore.check` reports them.
    query : str
        Selects the violating rows; its column `broken` names each.
    repair : tuple of str, or callable
        SQL statements, or a function of the connection and the `Derive` callable.
    """

    violation: str
    query: str
    repair: tuple[str, ...] | Callable[[sqlite3.Connection, Derive], None]


NO_ARTICLE = "NOT IN (SELECT number FROM articles)"

# Text that is not valid UTF-8

TEXT_COLUMNS = ("id", "title", "text", "source", "lang", "url", "extra", "language")
VALID = {column: f"valid_utf8(CAST({column} AS BLOB))" for column in TEXT_COLUMNS}  # NULL where it is valid
INVALID_TEXT = " OR ".join(f"{valid} IS NOT NULL" for valid in VALID.values())
REPLACE_INVALID_TEXT = tuple(
    f"UPDATE articles SET {column} = {valid} WHERE {valid} IS NOT NULL" for column, valid in VALID.items()
)

# Values that cannot be read

STAMP = "-".join(["[0-9]" * 4, "[0-9]" * 2, "[0-9]" * 2]) + "T" + ":".join(["[0-9]" * 2] * 3) + ".[0-9]*Z"
NOW = "strftime('%Y-%m-%dT%H:%M:%S.000000Z', 'now')"
BAD_EXTRA = "extra IS NOT NULL AND CASE WHEN json_valid(extra) THEN json_type(extra) <> 'object' ELSE 1 END"


def _bad_stamp(column: str) -> str:
    return (
        f"({column} NOT GLOB '{STAMP}' OR length({column}) <> 27 OR {column} IS NOT NULL AND "
        f"strftime('%Y-%m-%dT%H:%M:%S', substr({column}, 1, 19), '+0 days') IS NOT substr({column}, 1, 19))"
    )


# Sequences of AUTOINCREMENT behind the numbers in use

NUMBERED = (("articles", "number"), ("events", "id"), ("threads", "id"))
SEQUENCE_BEHIND = " UNION ALL ".join(
    f"SELECT '{table}' AS broken WHERE (SELECT max({column}) FROM {table}) > "
    f"coalesce((SELECT max(seq) FROM sqlite_sequence WHERE name = '{table}'), 0)"
    for table, column in NUMBERED
)
ADVANCE_SEQUENCES = tuple(
    statement
    for table, column in NUMBERED
    for statement in (
        f"DELETE FROM sqlite_sequence WHERE name = '{table}' AND seq < (SELECT max({column}) FROM {table})",
        f"INSERT INTO sqlite_sequence(name, seq) SELECT '{table}', (SELECT max({column}) FROM {table}) "
        f"WHERE EXISTS (SELECT 1 FROM {table}) "
        f"AND NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = '{table}')",
    )
)

# Chains of merges that end nowhere, or in a cycle, which the limit of their length ends

LOST_MERGES = """
    WITH RECURSIVE chain(start, at, length) AS (
        SELECT id, merged_into, 1 FROM {kind}s WHERE merged_into IS NOT NULL
        UNION ALL SELECT start, {kind}s.merged_into, length + 1 FROM chain JOIN {kind}s ON {kind}s.id = at
        WHERE {kind}s.merged_into IS NOT NULL AND length <= (SELECT count(*) FROM {kind}s)
    )
    SELECT DISTINCT start AS broken FROM chain
    WHERE at = start OR (length = 1 AND at NOT IN (SELECT id FROM {kind}s))
"""
LOST_EVENTS, LOST_THREADS = LOST_MERGES.format(kind="event"), LOST_MERGES.format(kind="thread")

# Sizes and dates of events and threads

MISCOUNTED = """
    SELECT g.id AS broken FROM {table} g LEFT JOIN ({counts}) c ON c.id = g.id WHERE
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

# What recurs in a source

BAD_RECURRING = "length(hashes) % 8 <> 0 OR length(hashes) <> 8 * length(kinds)"
# All sources count as changed, and are learnt at the next consolidation of all threads.
LEARN_AGAIN = (
    "INSERT OR REPLACE INTO unlearnt SELECT source, count(*) "
    "FROM articles JOIN furniture ON article = number WHERE source <> '' GROUP BY source",
    "INSERT OR REPLACE INTO unlearnt SELECT '', count(*) FROM furniture",
)

# Repairs are made in this order: a later one relies on the earlier.
RULES = (
    Rule(
        "counts of changes that cannot be read",
        """SELECT 'generation' AS broken WHERE NOT EXISTS (
            SELECT 1 FROM meta WHERE name = 'generation' AND value <> '' AND value NOT GLOB '*[^0-9]*'
        )""",
        # Whatever the generation was, no process has read this one into memory.
        ("INSERT OR REPLACE INTO meta VALUES ('generation', strftime('%s', 'now'))",),
    ),
    Rule("tables of which numbers could be given twice", SEQUENCE_BEHIND, ADVANCE_SEQUENCES),
    Rule(
        "entries of the index that cannot be read",
        f"SELECT language AS broken FROM entries WHERE length(packed) % {ENTRY.itemsize} <> 0",
        ("DELETE FROM entries",),  # the next writer makes them again
    ),
    Rule(
        "articles whose text is no UTF-8",
        f"SELECT number AS broken FROM articles WHERE {INVALID_TEXT}",
        REPLACE_INVALID_TEXT,
    ),
    Rule(
        "articles with a date that cannot be read",
        f"SELECT id AS broken FROM articles WHERE {_bad_stamp('published')} OR {_bad_stamp('added')}",
        (
            f"UPDATE articles SET published = NULL WHERE {_bad_stamp('published')}",
            f"UPDATE articles SET added = {NOW} WHERE {_bad_stamp('added')}",
        ),
    ),
    Rule(
        "threads or lines of the history with a date that cannot be read",
        f"SELECT id AS broken FROM threads WHERE {_bad_stamp('updated')} "
        f"UNION ALL SELECT number FROM history WHERE {_bad_stamp('at')}",
        (
            f"UPDATE threads SET updated = NULL WHERE {_bad_stamp('updated')}",
            f"UPDATE history SET at = {NOW} WHERE {_bad_stamp('at')}",
        ),
    ),
    Rule(
        "articles whose other fields cannot be read",
        f"SELECT id AS broken FROM articles WHERE {BAD_EXTRA}",
        (f"UPDATE articles SET extra = NULL WHERE {BAD_EXTRA}",),
    ),
    Rule(
        "threads merged into nothing",
        LOST_THREADS,
        (f"UPDATE threads SET merged_into = NULL WHERE id IN ({LOST_THREADS})",),
    ),
    Rule(
        "events merged into nothing",
        LOST_EVENTS,
        (f"UPDATE events SET merged_into = NULL WHERE id IN ({LOST_EVENTS})",),
    ),
    Rule("articles without a live event", ARTICLES_WITHOUT_EVENT, assign_events),
    Rule("events without a live thread", EVENTS_WITHOUT_THREAD, assign_threads),
    Rule(
        "copies of what is no original",
        f"""SELECT article AS broken FROM copies
        WHERE original IN {COPIES} OR original {NO_ARTICLE} OR article {NO_ARTICLE}""",
        flatten_copies,
    ),
    Rule(
        "copies in another event than their original",
        """SELECT a.id AS broken FROM copies c JOIN articles a ON a.number = c.article
        JOIN articles o ON o.number = c.original WHERE a.event <> o.event""",
        (
            f"""UPDATE articles SET event = (
                SELECT o.event FROM copies JOIN articles o ON o.number = original
                WHERE article = articles.number
            ) WHERE number IN {COPIES}""",
        ),
    ),
    Rule(
        "bands, vectors, scales or furniture of copies, or of no article",
        f"""SELECT article AS broken FROM (
            SELECT article FROM bands UNION SELECT article FROM vectors
            UNION SELECT article FROM scales UNION SELECT article FROM furniture
        ) WHERE article IN {COPIES} OR article {NO_ARTICLE}""",
        (
            *(
                f"DELETE FROM {table} WHERE article IN {COPIES} OR article {NO_ARTICLE}"
                for table in ("bands", "vectors", "scales", "furniture")
            ),
            *LEARN_AGAIN,
        ),
    ),
    Rule(
        "sources of which cannot be read what recurs",
        f"SELECT source AS broken FROM recurring WHERE {BAD_RECURRING}",
        (f"DELETE FROM recurring WHERE {BAD_RECURRING}", *LEARN_AGAIN),
    ),
    Rule("articles without bands, vectors or furniture", UNDERIVED, derive_missing),
    Rule(
        "links that join no articles, or a later one to an earlier",
        f"SELECT a AS broken FROM links WHERE a <= b OR a {NO_ARTICLE} OR b {NO_ARTICLE}",
        (
            f"DELETE FROM links WHERE a = b OR a {NO_ARTICLE} OR b {NO_ARTICLE}",
            "INSERT OR IGNORE INTO links SELECT b, a, relation, similarity FROM links WHERE a < b",
            "DELETE FROM links WHERE a < b",
        ),
    ),
    Rule(
        "former texts of no article",
        f"SELECT article AS broken FROM revisions WHERE article {NO_ARTICLE}",
        (f"DELETE FROM revisions WHERE article {NO_ARTICLE}",),
    ),
    Rule(
        "events with wrong sizes or dates",
        MISCOUNTED.format(table="events", counts=EVENT_COUNTS),
        (COUNT_EVENTS,),
    ),
    Rule(
        "threads with wrong sizes or dates",
        MISCOUNTED.format(table="threads", counts=THREAD_COUNTS),
        (COUNT_THREADS,),
    ),
    Rule(
        "articles missing from the index of words, or words of none",
        """SELECT number AS broken FROM (SELECT number FROM articles EXCEPT SELECT id FROM search_docsize)
        UNION ALL SELECT id FROM (SELECT id FROM search_docsize EXCEPT SELECT number FROM articles)""",
        rebuild_full_text,
    ),
)
