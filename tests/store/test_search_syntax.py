"""Searches against a slow reading of their meaning, and what is said of those that mean nothing."""

import sqlite3
from contextlib import closing
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyclust as sc
from storyclust.store.search_syntax import parse_search

WORDS = ("ferry", "ferries", "pier", "snow")
TEXTS = [
    " ".join(word for word, in_it in zip(WORDS, bits, strict=True) if in_it)
    for bits in product((0, 1), repeat=4)
]


@pytest.fixture(scope="module")
def connection():
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute("CREATE VIRTUAL TABLE search USING fts5(title, body)")
        made.executemany("INSERT INTO search VALUES ('', ?)", [(text,) for text in TEXTS])
        yield made


def found(connection, terms):
    query = "SELECT rowid - 1 FROM search WHERE search MATCH ? ORDER BY rowid"
    return [row[0] for row in connection.execute(query, [parse_search(terms).expression])]


leaves = st.sampled_from(
    [("word", word) for word in WORDS] + [("prefix", "ferr"), ("phrase", "ferry ferries")]
)
searches = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.tuples(st.just("and"), inner, inner),
        st.tuples(st.just("or"), inner, inner),
        st.tuples(st.just("not"), inner, inner),
    ),
    max_leaves=8,
)


def written(search, *, explicit):
    kind, *parts = search
    if kind in ("word", "prefix", "phrase"):
        return {"word": "{}", "prefix": "{}*", "phrase": '"{}"'}[kind].format(parts[0])
    joint = {"and": " AND " if explicit else " ", "or": " OR ", "not": " NOT "}[kind]
    return joint.join(f"({written(part, explicit=explicit)})" for part in parts)


def holds(search, text):
    kind, *parts = search
    if kind == "word":
        return parts[0] in text.split()
    if kind == "prefix":
        return any(word.startswith(parts[0]) for word in text.split())
    if kind == "phrase":
        return f" {parts[0]} " in f" {text} "
    one, other = (holds(part, text) for part in parts)
    return {"and": one and other, "or": one or other, "not": one and not other}[kind]


@given(searches, st.booleans())
def test_a_search_finds_what_it_means(connection, search, explicit):
    wanted = [k for k, text in enumerate(TEXTS) if holds(search, text)]
    assert found(connection, written(search, explicit=explicit)) == wanted


@pytest.mark.parametrize(
    ("terms", "same"),
    [
        ("ferry pier OR snow", "(ferry AND pier) OR snow"),
        ("ferry OR pier NOT snow", "ferry OR (pier NOT snow)"),
        ("ferry AND NOT snow pier", "(ferry pier) NOT snow"),
        ("ferr* NOT (snow OR pier)", "ferr* NOT snow NOT pier"),
        ("„ferry ferries“", '"ferry ferries"'),
        ("((ferry))", "ferry"),
        ('ferry "?!"', "ferry"),
    ],
)
def test_what_binds_how(connection, terms, same):
    assert found(connection, terms) == found(connection, same) != []


def test_operators_in_small_letters_and_quotes_are_words():
    assert parse_search("war and peace").expression == '"war" AND "and" AND "peace"'
    assert parse_search('"OR" now').expression == '"OR" AND "now"'


@pytest.mark.parametrize(
    ("terms", "message"),
    [
        ('ferry "pier', "quotation mark at character 7 of the search is never closed"),
        ("ferry (pier", r"\( at character 7 of the search is never closed"),
        ("ferry) pier", r"\) at character 6 of the search closes nothing"),
        ("ferry OR", 'OR at character 7 of the search needs words on both sides; "OR" in quotes is a word'),
        ("OR ferry", "OR at character 1 of the search needs words on both sides"),
        ("AND ferry", "AND at character 1 of the search needs words on both sides"),
        ("ferry NOT", "NOT at character 7 of the search needs words behind it"),
        ("ferry NOT NOT pier", "NOT at character 7"),
        ("NOT ferry", "cannot consist of NOT alone"),
        ("(" * 60 + "ferry" + ")" * 60, "at most 50 parentheses"),
    ],
)
def test_what_means_nothing_is_named(terms, message):
    with pytest.raises(sc.InputError, match=message):
        parse_search(terms)


@given(st.text(alphabet='ab*"()„ ANDORT雪東\0', max_size=30))
def test_any_search_is_answered_or_named(connection, terms):
    try:
        expression = parse_search(terms).expression
    except sc.InputError:
        return
    if expression:
        connection.execute("SELECT rowid FROM search WHERE search MATCH ?", [expression]).fetchall()


def test_the_snippet_shows_what_was_searched_for():
    assert parse_search('ferr* NOT (snow "OR ice") pier').words == "ferr pier"
