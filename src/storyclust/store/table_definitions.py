"""The definitions of a store's tables."""

from __future__ import annotations

import re

FURNITURE_TABLES = """
CREATE TABLE furniture(                      -- of articles that are no copies, if furniture does not count
    article INTEGER PRIMARY KEY REFERENCES articles(number) ON DELETE CASCADE,
    place INTEGER NOT NULL,                  -- in the order from which samples are taken
    spans BLOB NOT NULL                      -- of the text that do not count: int32 pairs, little-endian
) STRICT;
CREATE TABLE recurring(                      -- what was learnt of each source, and of all under the name ''
    source TEXT PRIMARY KEY,
    articles INTEGER NOT NULL,               -- how many it was learnt from, those outside the sample included
    hashes BLOB NOT NULL,                    -- uint64, little-endian
    kinds BLOB NOT NULL                      -- a byte for each
) STRICT;
CREATE TABLE unlearnt(                       -- articles that have come or gone since
    source TEXT PRIMARY KEY,
    changes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
"""
SCALES_TABLE = """
CREATE TABLE scales(                         -- of articles that are no copies
    article INTEGER PRIMARY KEY REFERENCES articles(number) ON DELETE CASCADE,
    neighbors INTEGER NOT NULL,              -- how many of the nearest have come
    similarity REAL NOT NULL                 -- sum of theirs
) STRICT;
"""
INDEX_TABLES = """
CREATE TABLE entries(                        -- of the index of terms, once the store is large
    language TEXT NOT NULL,
    first INTEGER NOT NULL,                  -- place of the first of them among those of the language
    packed BLOB NOT NULL,                    -- see `ENTRY` in index_tables.py
    PRIMARY KEY(language, first)
) STRICT;
CREATE TABLE weighed(                        -- when the weights of a language were computed
    language TEXT PRIMARY KEY,
    articles INTEGER NOT NULL,               -- how many there were
    measured INTEGER NOT NULL,               -- and when background similarities were last measured
    places BLOB NOT NULL,                    -- the sample for these: int64, and its rows of weights
    bounds BLOB NOT NULL,                    -- int64
    columns BLOB NOT NULL,                   -- int64
    weights BLOB NOT NULL,                   -- float32
    terms BLOB NOT NULL                      -- of each column, uint32
) STRICT;
CREATE TABLE unindexed(                      -- articles that are not indexed as they are now, or removed
    article INTEGER PRIMARY KEY
) STRICT;
"""
# AUTOINCREMENT: numbers of articles, events and threads are never reused.
# Timestamps are text of one width, so that they sort by time; see `to_stamp`.
# `vectors.strangers` is the background similarity of an article; NULL counts as 0.
TABLES = """
CREATE TABLE threads(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    size INTEGER NOT NULL DEFAULT 0,         -- articles, copies included; 0 once merged or emptied
    independent INTEGER NOT NULL DEFAULT 0,  -- those of them that are no copies
    started TEXT,                            -- when the first dated article was published
    ended TEXT,
    updated TEXT,                            -- when an article last came in
    merged_into INTEGER REFERENCES threads(id)
) STRICT;
CREATE TABLE events(
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    thread INTEGER NOT NULL REFERENCES threads(id),
    size INTEGER NOT NULL DEFAULT 0,
    independent INTEGER NOT NULL DEFAULT 0,
    started TEXT,
    ended TEXT,
    merged_into INTEGER REFERENCES events(id)
) STRICT;
CREATE TABLE articles(
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    published TEXT,
    source TEXT,
    lang TEXT,
    url TEXT,
    extra TEXT,                              -- other fields of the input, as a JSON object
    language TEXT NOT NULL,                  -- as told by its words
    added TEXT NOT NULL,                     -- when it came in
    revision INTEGER NOT NULL DEFAULT 1,
    event INTEGER NOT NULL REFERENCES events(id)
) STRICT;
CREATE TABLE revisions(                      -- what an article said before
    article INTEGER NOT NULL REFERENCES articles(number) ON DELETE CASCADE,
    revision INTEGER NOT NULL,
    title TEXT NOT NULL,
    text TEXT NOT NULL,
    published TEXT,
    replaced TEXT NOT NULL,                  -- when
    PRIMARY KEY(article, revision)
) STRICT;
CREATE TABLE copies(
    article INTEGER PRIMARY KEY REFERENCES articles(number) ON DELETE CASCADE,
    original INTEGER NOT NULL REFERENCES articles(number) CHECK(original <> article),
    relation TEXT NOT NULL CHECK(relation IN ('exact', 'near')),
    similarity REAL NOT NULL
) STRICT;
CREATE TABLE links(
    a INTEGER NOT NULL REFERENCES articles(number) ON DELETE CASCADE,  -- came in later than b
    b INTEGER NOT NULL REFERENCES articles(number) ON DELETE CASCADE,
    relation TEXT NOT NULL CHECK(relation IN ('excerpt', 'overlap')),
    similarity REAL NOT NULL,
    PRIMARY KEY(a, b)
) STRICT, WITHOUT ROWID;
CREATE TABLE history(                        -- what became of events and threads
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL CHECK(kind IN ('event', 'thread')),
    old INTEGER NOT NULL,
    new INTEGER,
    what TEXT NOT NULL CHECK(what IN ('merged', 'split', 'moved', 'emptied')),
    articles INTEGER NOT NULL,
    why TEXT NOT NULL
) STRICT;
CREATE TABLE bands(                          -- of articles that are no copies
    article INTEGER PRIMARY KEY REFERENCES articles(number) ON DELETE CASCADE,
    keys BLOB NOT NULL                       -- hashes of bands, sampled shingles: uint32, little-endian
) STRICT;
CREATE TABLE vectors(                        -- of articles that are no copies
    article INTEGER PRIMARY KEY REFERENCES articles(number) ON DELETE CASCADE,
    head INTEGER NOT NULL,                   -- how many terms are of the title and the first words
    terms BLOB NOT NULL,                     -- hashes, uint32, little-endian, those of the head first
    strangers REAL
) STRICT;
{scales}
{furniture}
{index}
CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE INDEX articles_published ON articles(published);
CREATE INDEX articles_event ON articles(event);
CREATE INDEX articles_source ON articles(source);
CREATE INDEX copies_original ON copies(original);
CREATE INDEX links_b ON links(b);
CREATE INDEX events_thread ON events(thread);
CREATE INDEX threads_ended ON threads(ended);
CREATE INDEX threads_size ON threads(size, ended);
CREATE VIRTUAL TABLE search USING fts5(      -- rowid is the number of the article
    title, body, content='', tokenize="unicode61 remove_diacritics 2 categories 'L* M* N* Co'"
);
"""
for _name, _tables in (("furniture", FURNITURE_TABLES), ("scales", SCALES_TABLE), ("index", INDEX_TABLES)):
    TABLES = TABLES.replace(f"{{{_name}}}\n", _tables)
TABLE_NAMES = frozenset(re.findall(r"CREATE (?:VIRTUAL )?TABLE (\w+)", TABLES))
SINCE_CLEAN = 2  # version of the first files with a setting `clean`, and with the tables that it needs
NOT_CLEAN = "0.0"
