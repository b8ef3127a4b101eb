"""Titles without outlet names and kinds of articles."""

import pytest

from storyclust.articles.article import Article
from storyclust.text.headline import clean_titles, is_plain


def cleaned(title, source=None, *others):
    return clean_titles(
        [Article("", title=title, source=source), *(Article("", title=other) for other in others)]
    )[0]


@pytest.mark.parametrize(
    ("title", "source", "wanted"),
    [
        ("Ferry strikes pier - BBC News", "BBC News", "Ferry strikes pier"),
        ("Ferry strikes pier | Reuters", "reuters.com", "Ferry strikes pier"),
        (
            "Ferry strikes pier – The Harbour Post",
            "www.harbourpost.example",
            "Ferry strikes pier – The Harbour Post",
        ),
        ("Ferry strikes pier — Harbour Post", "www.harbourpost.example", "Ferry strikes pier"),
        ("Ferry strikes pier | Local | Harbour Post", "Harbour Post", "Ferry strikes pier | Local"),
        ("Ferry strikes pier | Fox News", "Fox Online News", "Ferry strikes pier"),
        ("Two-plus-two talks - what next?", "Harbour Post", "Two-plus-two talks - what next?"),
        ("Ferry strikes pier - again", "Harbour Post", "Ferry strikes pier - again"),
        ("Harbour Post", "Harbour Post", "Harbour Post"),
        (" - Harbour Post", "Harbour Post", "- Harbour Post"),
        ("LIVE: Ferry strikes pier", None, "Ferry strikes pier"),
        ("WATCH: Ferry strikes pier", None, "Ferry strikes pier"),
        ("Breaking News: Exclusive: Ferry strikes pier", None, "Ferry strikes pier"),
        ("Opinion | Ferries are too large", None, "Ferries are too large"),
        ("Live music returns to Aldmouth", None, "Live music returns to Aldmouth"),
        ("Watchmen: a ferry tale", None, "Watchmen: a ferry tale"),
        ("[Video] Ferry strikes pier", None, "Ferry strikes pier"),
        ("【速報】汐見市で路面電車が開業【話題】", None, "汐見市で路面電車が開業"),
        ("LIVE:", None, "LIVE:"),
        ("【速報】", None, "【速報】"),
        ("", "Harbour Post", ""),
        ("  Ferry\n strikes\tpier ", None, "Ferry strikes pier"),
    ],
)
def test_titles_are_cleaned(title, source, wanted):
    assert cleaned(title, source) == wanted


def test_a_tail_shared_by_several_titles_is_removed():
    assert cleaned("Ferry strikes pier | Lantern", None, "Pier shut | Lantern") == "Ferry strikes pier"
    assert cleaned("Ferry strikes pier | Lantern", None, "Pier shut | Post") == "Ferry strikes pier | Lantern"
    assert cleaned("Pier hit — again", None, "Pier closed — again") == "Pier hit — again"
    same = "Ferry strikes pier | Lantern"
    assert cleaned(same, None, same) == same


@pytest.mark.parametrize(
    "title", ["- " * 5_000, "|" * 5_000, "LIVE: " * 2_000, "【" * 5_000, "x" * 10_000, "\u202eabc\u202c | x"]
)
def test_long_titles_of_separators_and_labels_do_not_become_empty(title):
    assert cleaned(title, "x") or not title.strip()


@pytest.mark.parametrize(
    "title",
    [
        "Live: ferry strikes pier at Aldmouth",
        "Ferry strikes pier at Aldmouth – live updates",
        "Who was the captain of the ferry?",
        "Why ferries are too fast for fog",
        "Opinion: ferries are too fast for fog",
        "The Selka disaster: a timeline of events",
        "Ferry disaster",
        "フェリーはなぜ衝突したのか？",
    ],
)
def test_titles_that_are_no_headlines_of_reports(title):
    assert not is_plain(title)


@pytest.mark.parametrize(
    "title",
    ["Ferry strikes pier at Aldmouth", "Breaking: ferry strikes pier at Aldmouth", "フェリーが桟橋に衝突"],
)
def test_headlines_of_reports(title):
    assert is_plain(title)
