"""Marks of later versions, and the keep policy that prefers them."""

from datetime import UTC, datetime, timedelta

import pytest

from storyclust import Deduplicator
from storyclust.articles.article import Article
from storyclust.dedup.editions import edition_marker, edition_rank, without_marker

DAY = datetime(2024, 3, 4, 12, tzinfo=UTC)
TEXT = " ".join(f"w{k}" for k in range(80))


@pytest.mark.parametrize(
    ("title", "text", "marker", "bare"),
    [
        ("CORRECTION: Ferry hits pier", "", "CORRECTION:", "Ferry hits pier"),
        ("CORRECTED-Ferry hits pier", "", "CORRECTED-", "Ferry hits pier"),
        ("UPDATE 2-Ferry hits pier", "", "UPDATE 2-", "Ferry hits pier"),
        ("Update 3 – Ferry hits pier", "", "Update 3 –", "Ferry hits pier"),
        ("REFILE-UPDATE 1-Ferry hits pier", "", "REFILE-", "Ferry hits pier"),
        ("Ferry hits pier (Corrected)", "", "(Corrected)", "Ferry hits pier"),
        ("[UPDATED] Ferry hits pier", "", "[UPDATED]", "Ferry hits pier"),
        (
            "Ferry hits pier",
            "(Updates with a name) The ferry",
            "(Updates with a name)",
            None,
        ),
        ("Ferry hits pier", "(Refiles to fix the headline) The ferry", "(Refiles to fix the headline)", None),
        ("Ferry hits pier", "CORRECTION: the ferry was", "CORRECTION:", None),
        ("Correction of the budget begins", "Updates with care.", "", None),
        ("Update 2 of the game is out", "(The ferry updates its timetable)", "", None),
        ("CORRECTED-", "", "CORRECTED-", "CORRECTED-"),
    ],
)
def test_marks(title, text, marker, bare):
    article = Article(text, title=title)
    assert edition_marker(article) == marker
    assert without_marker(title) == (title if bare is None else bare)
    assert edition_rank(article)[0] == (0 if marker else 1)


def version(name, title, hours, **fields):
    return Article(TEXT, title=title, id=name, published=DAY + timedelta(hours=hours), **fields)


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize(
    ("articles", "kept"),
    [
        (
            [version("a", "Ferry", 0), version("b", "UPDATE 1-Ferry", 1), version("c", "UPDATE 2-Ferry", 2)],
            "c",
        ),
        ([version("a", "Ferry", 0), version("b", "CORRECTED-Ferry", 1), version("c", "Ferry", 2)], "b"),
        ([version("a", "Ferry", 0), version("c", "Ferry", 2)], "a"),
        ([version("a", "UPDATE 10-Ferry", 1), version("b", "UPDATE 9-Ferry", 1)], "a"),
        ([Article(TEXT, title="CORRECTED-Ferry", id="a"), version("b", "Ferry", 0)], "a"),
    ],
)
def test_the_latest_version_is_kept(articles, kept, reverse):
    articles = articles[::-1] if reverse else articles
    found = Deduplicator(keep="latest-version").fit(articles)
    assert [article.id for article, keep in zip(articles, found.keep_, strict=True) if keep] == [kept]


def test_a_short_correction_is_a_copy_of_what_it_corrects():
    short = "The ferry hit the pier on Monday."
    titles = ["Ferry hits pier", "CORRECTED-Ferry hits pier"]
    articles = [Article(short, title=title, published=DAY) for title in titles]
    assert Deduplicator(keep="latest-version").fit(articles).keep_.tolist() == [False, True]
