"""What notebooks show of results: small, well-formed, and hostile text stays text."""

import re
from html.parser import HTMLParser

import pytest

import storyclust as sc
from storyclust.render.notebook import ROWS

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table></div><h1>",
    '" onmouseover="alert(1)',
    "&lt;b&gt; & 'quotes'",
    "{{ 7 * 7 }} {% raw %}",
    "\u202eevil\u2066 \x00\ud800 line\nbreak",
]
ALLOWED = {"div", "p", "strong", "bdi", "table", "thead", "tbody", "tr", "th", "td"}
ATTRIBUTES = {"class", "scope", "dir", "lang", "style"}


class Page(HTMLParser):
    """Tags, attributes and text of a piece of HTML; it must be well-formed."""

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.attributes, self.text = [], set(), set(), ""
        self.feed(html)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def checked(html):
    page = Page(html)
    assert page.tags <= ALLOWED
    assert page.attributes <= ATTRIBUTES
    assert len(html) < 20_000
    assert not re.search("[\x00-\x08\u202a-\u202e\u2066-\u2069]", html)
    html.encode()
    return page


def hostile_articles():
    body = "The ferry Selka hit the pier in Aldmouth on Monday, and nobody was hurt, the port authority said."
    return [
        sc.Article(f"{body} {text} said {text}. " * 3, title=f"Selka {text} {k}", source=text, lang=text)
        for text in HOSTILE
        for k in range(2)
    ]


@pytest.fixture(scope="module")
def articles():
    return hostile_articles()


def test_hostile_threads(articles):
    stories = sc.StoryClusterer(copy_threshold=1.0, clean=False).fit(articles)
    for thread in stories.threads_:
        page = checked(thread._repr_html_())
        assert thread.headline.split()[0] in page.text
        assert f"Thread {thread.label}: {len(thread)} article" in page.text
        checked(thread.summary._repr_html_())


@pytest.mark.parametrize("parameters", [{}, {"doubtful": "drop", "threshold": 0.4}])
def test_hostile_copies(articles, parameters):
    dedup = sc.Deduplicator(**parameters).fit(articles)
    page = checked(dedup._repr_html_())
    assert f"{dedup.keep_.sum()} articles kept" in page.text
    assert dedup._repr_mimebundle_() == {"text/plain": repr(dedup), "text/html": dedup._repr_html_()}


def test_hostile_titles_are_shown_as_text():
    text = "one two three four five six seven eight nine ten"
    for title in HOSTILE[:5]:
        dedup = sc.Deduplicator(doubtful="drop").fit([sc.Article(text, title=title)] * 2)
        assert title in checked(dedup._repr_html_()).text
    dedup = sc.Deduplicator().fit(iter([text, text]))
    assert "row 0" in checked(dedup._repr_html_()).text
    dedup = sc.Deduplicator().fit([text], reference=[text])
    assert "row 0 of the reference" in checked(dedup._repr_html_()).text


def test_large_groups_are_not_all_listed():
    texts = [f"story {k} " + " ".join(f"w{k}x{i}" for i in range(30)) for k in range(ROWS + 5)] * 2
    page = checked(sc.Deduplicator().fit(texts)._repr_html_())
    assert f"{ROWS + 5} groups of copies, the biggest {ROWS} of them." in page.text
    assert page.text.count("1.000") == ROWS


def test_before_the_fit_the_parameters_are_shown():
    assert "num_perm" in sc.Deduplicator(num_perm=64)._repr_html_()


def test_scores():
    page = checked(sc.evaluate(["a", "a", "b", "b"], [0, 0, 0, 1])._repr_html_())
    assert "0.667" in page.text
    assert "0.706" in page.text
    assert "4 articles, 2 gold and 2 predicted groups" in page.text


def test_no_articles():
    assert (
        "0 articles kept, 0 removed; 0 groups of copies."
        in checked(sc.Deduplicator().fit([])._repr_html_()).text
    )
