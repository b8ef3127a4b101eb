"""Counts of furniture by source, against the spans that they were counted in."""

from storyclust.articles import Article
from storyclust.text.furniture import find_furniture
from storyclust.text.furniture_counts import LINKS, count_furniture

NEWS = ["Snow fell on the pass above Carrow in the night.", "The ferry Selka is late again, its master says."]


def test_lines_are_counted_by_source_with_the_first_article():
    articles = [
        Article(f"{NEWS[0]}\nRead more:  Ferry late\nAdvertisement", id="a", source="Gazette"),
        Article(f"{NEWS[1]}\n\nAdvertisement\nhttps://a.example/1", id="b", source="Gazette"),
        Article(f"{NEWS[1]} @desk", id="c"),
        Article(NEWS[0], id="d", source="Herald"),
    ]
    gazette, unnamed = count_furniture(articles, find_furniture(articles))
    assert (gazette.source, gazette.articles, gazette.affected) == ("Gazette", 2, 2)
    assert gazette.lines == [("Advertisement", 2, "a"), (LINKS, 1, "b"), ("Read more: Ferry late", 1, "a")]
    assert gazette.characters == len(articles[0].text) + len(articles[1].text)
    assert 0 < gazette.ignored < gazette.characters - sum(map(len, NEWS)) + 1
    assert (unnamed.source, unnamed.lines) == ("", [(LINKS, 1, "c")])


def test_only_the_most_frequent_lines_are_listed():
    articles = [Article(f"{NEWS[0]}\nRead more: Ferry {k // 2}", id=str(k)) for k in range(9)]
    [found] = count_furniture(articles, find_furniture(articles), most=2)
    assert [line[:2] for line in found.lines] == [("Read more: Ferry 0", 2), ("Read more: Ferry 1", 2)]
    assert count_furniture([], []) == []
