"""The report: its data compared with the fitted stories, and the page in a browser."""

import copy
import itertools
import json
import re
import shutil
import time
from collections import Counter
from datetime import UTC, datetime
from html.parser import HTMLParser
from importlib import resources
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import storyclust as sc
from storyclust.articles.article import Article
from storyclust.cli.app import main
from storyclust.dedup.evidence import explain
from storyclust.render.report import joined, report_content
from storyclust.render.report.content import (
    LIMITS,
    TITLE,
    differences,
    least_size,
    web_address,
)
from storyclust.render.report.excerpts import excerpt_of, plain, shortened
from storyclust.render.report.joined import COMPARED
from storyclust.render.report.page import asset, source_hash

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
BODY = "The ferry Selka struck the pier in Aldmouth on Monday morning and nobody on board was hurt"


@pytest.fixture(scope="module")
def articles():
    return sc.read_articles(NEWSDESK)


@pytest.fixture(scope="module")
def stories(articles):
    return sc.StoryClusterer().fit(articles)


@pytest.fixture(scope="module")
def content(stories, articles):
    return report_content(stories, articles)


class Blocks(HTMLParser):
    """Text of style and script elements, and the policy, as a browser would read them."""

    def __init__(self, html):
        super().__init__()
        self.found, self.policy, self.inside = [], "", None
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag in ("style", "script"):
            self.inside = (tag, attributes.get("type"), attributes.get("id"))
            self.found.append([self.inside, ""])
        if attributes.get("http-equiv") == "Content-Security-Policy":
            self.policy = attributes["content"]

    def handle_endtag(self, tag):
        self.inside = None

    def handle_data(self, data):
        if self.inside:
            self.found[-1][1] += data

    def data(self, name):
        return next(json.loads(text) for (_, _, block), text in self.found if block == name)


# Data


def test_the_data_is_that_of_the_stories(stories, articles, content):
    columns = content.columns
    begin = 0
    for thread, listed in zip(stories.threads_, columns["threads"], strict=True):
        headline, language, keywords, sentences, events, typical, reason = listed
        assert headline == thread.headline
        assert language == (articles[thread.summary.headline_article].lang or "")
        assert keywords == list(thread.keywords)
        said = [(s.string, articles[s.article].title) for s in thread.summary.sentences]
        assert [(text, columns["title"][begin + place]) for text, place in sentences] == said
        assert [event[0] for event in events] == [len(event) for event in thread.events]
        assert columns["title"][begin + typical] == articles[thread.representative].title
        assert reason == thread.representative_reason
        new = {line.event: line.sentence for line in thread.timeline}
        for event, (_, _, *line) in zip(thread.events, events, strict=True):
            wanted = new.get(event.label)
            assert line[:1] == ([wanted.string] if wanted else [])
            if wanted:
                assert columns["title"][begin + line[1]] == articles[wanted.article].title
        at = begin
        for (size, representative, *_), event in zip(events, thread.events, strict=True):
            rows = range(at, at + size)
            assert Counter(columns["title"][row] for row in rows) == Counter(
                articles[row].title for row in event.members
            )
            assert columns["title"][at + representative] == articles[event.representative].title
            kept = [row for row in rows if not columns["copy"][row]]
            assert len(kept) == len(event.independent)
            assert kept[0] == at, "a copy stands behind the article kept for it"
            times = [columns["minute"][row] for row in kept]
            assert times == sorted(times)
            at += size
        sources = Counter(columns["sources"][columns["source"][row]] for row in range(begin, at))
        assert sources == Counter(articles[row].source for row in thread.members)
        begin = at
    assert begin == len(articles) == len(content.texts)
    by_url = {article.url: article for article in articles}
    for title, minute, url, is_copy, text in zip(
        columns["title"], columns["minute"], columns["url"], columns["copy"], content.texts, strict=True
    ):
        article = by_url[url]
        assert title == article.title
        assert minute * 60 == article.published.timestamp()
        if not is_copy:
            assert plain(article.text).startswith(text.removesuffix("…"))
            assert len(text) <= content.overview["excerpt"]


def test_the_overview_counts_the_whole(stories, articles, content):
    overview = content.overview
    assert (overview["articles"], overview["threads"], overview["listed"]) == (99, 27, 27)
    assert overview["copies"] == (~stories.deduplicator_.keep_).sum()
    assert overview["events"] == len(set(stories.event_labels_.tolist()))
    assert overview["start"] == min(article.published for article in articles)


def test_what_differs_puts_both_texts_together_again(stories, articles, content):
    copies = [t for t, is_copy in zip(content.texts, content.columns["copy"], strict=True) if is_copy]
    assert len(copies) == content.overview["copies"]
    assert any(kind == 1 for pieces in copies for kind, _ in pieces)
    assert any(kind == 2 for pieces in copies for kind, _ in pieces)


@pytest.mark.parametrize(
    ("kept", "copy", "wanted"),
    [
        ("one two", "one two", []),
        ("One two.", "one TWO", []),
        ("", "", []),
        ("rain fell", "snow fell", [(1, "rain"), (2, "snow"), (0, "fell")]),
        ("東京で雨", "東京で雪", [(0, "東京で"), (1, "雨"), (2, "雪")]),
    ],
)
def test_differences_examples(kept, copy, wanted):
    assert differences(kept, copy) == wanted


def test_long_texts_are_compared_up_to_a_length():
    words = [f"word{k}" for k in range(COMPARED // 4)]
    kept = " ".join(words)
    pieces = differences(kept, "now " + kept)
    assert pieces[0] == (2, "now")
    assert {kind for kind, _ in pieces[1:]} <= {0}
    changed = differences(kept, " ".join(f"x{word}" if k % 20 == 0 else word for k, word in enumerate(words)))
    assert len(changed) < 50
    assert max(len(text) for _, text in changed) < 500


def test_the_smallest_threads_of_a_large_corpus_are_only_counted(stories, articles):
    content = report_content(stories, articles, min_size=5)
    sizes = [len(thread) for thread in stories.threads_]
    assert content.overview["listed"] == len(content.columns["threads"]) == sum(size >= 5 for size in sizes)
    assert content.overview["threads"] == len(sizes)
    listed = sum(size for size in sizes if size >= 5)
    small = len(sizes) - content.overview["listed"]
    said = f"({small} of {len(sizes)} threads, {99 - listed} of 99 articles).\nExcerpts"
    assert f"Threads of fewer than 5 articles are counted above and not listed {said}" in (
        page := stories.to_html(min_size=5)
    )
    assert "are cut at 300.\nTexts" in page


@pytest.mark.parametrize(("most", "least"), [(10, 1), (9, 2), (8, 2), (7, 3), (4, 3), (3, 4), (0, 4)])
def test_the_least_size_that_fits(most, least):
    assert least_size(np.array([4, 2, 2, 1, 1]), most) == least
    assert least_size(np.array([], int), most) == 1


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("https://ap.example/a?b=1#c", True),
        ("HTTP://ap.example/", True),
        ("javascript:alert(1)", False),
        ("JaVaScRiPt:alert(1)//http://x", False),
        ("data:text/html,<script>alert(1)</script>", False),
        (" https://ap.example", False),
        ("https://ap.example/\u202egpj", False),
        ("java\nscript:alert(1)", False),
        ("//ap.example/a", False),
        ("https://", False),
        ("http://[broken", False),
        ("file:///etc/passwd", False),
        ("https://ap.example/" + "a" * 3000, False),
        (None, False),
        ("", False),
    ],
)
def test_only_addresses_of_the_web_become_links(url, wanted):
    assert web_address(url) == (url if wanted else "")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("a\x00b\x1bc\x9bd", "abcd"),
        ("\u202egnp\u202c \u2066x\u2069", "gnp x"),
        ("\ud83d half", "\ufffd half"),
        ("one\u2028two\x85three", "one two three"),
        ("\u200fשלום\u200f", "\u200fשלום\u200f"),
        ("می\u200cخواهم", "می\u200cخواهم"),
    ],
)
def test_plain_examples(text, wanted):
    assert plain(text) == wanted


def test_shortened_texts():
    assert shortened("a" * 10_000, 10) == "a" * 9 + "…"
    assert shortened("one two three", 9) == "one two…"
    assert shortened("", 0) == ""


# Why articles stand together


def kept_places(columns):
    """Of each thread the places of its articles that are no copies."""
    at = 0
    for thread in columns["threads"]:
        end = at + sum(size for size, *_ in thread[4])
        yield [place for place in range(at, end) if not columns["copy"][place]]
        at = end


def test_links_are_those_of_coverage_links_with_relations_of_explain(stories, articles, content):
    links = {
        frozenset((articles[link.a].url, articles[link.b].url)): link
        for link in sc.coverage_links(articles, min_similarity=0.03, event_window=None)
    }
    columns, seen = content.columns, 0
    for kept, (_, shown) in zip(kept_places(columns), content.joined, strict=True):
        assert len(shown) <= joined.LINKS
        for a, b, relation, thousandths, passages, terms, why, marks_a, marks_b in shown:
            assert a < b
            assert "joined at an average distance of" in why
            link = links[frozenset((columns["url"][kept[a]], columns["url"][kept[b]]))]
            evidence = explain(articles[link.a], articles[link.b])
            assert joined.RELATIONS[relation] == evidence.relation.replace("none", "overlap")
            excerpt = joined.RELATIONS[relation] == "excerpt"
            similarity = evidence.containment if excerpt else link.similarity
            assert thousandths / 1000 == pytest.approx(similarity, abs=0.00051)
            assert passages == len(evidence.passages)
            assert tuple(terms) == link.shared_terms
            for place, marks in ((kept[a], marks_a), (kept[b], marks_b)):
                text = content.texts[place]
                begins, ends, kinds = marks[::3], marks[1::3], marks[2::3]
                assert all(x < y for x, y in zip(begins, ends, strict=True))
                assert all(x <= y for x, y in zip(ends, begins[1:], strict=False))
                assert ends[-1:] <= [len(text)]
                assert set(kinds) <= {joined.TERM, joined.PASSAGE}
            seen += 1
    assert seen > 20


def test_a_tree_is_the_linkage_of_its_thread(stories, content):
    for thread, kept, (tree, _) in zip(
        stories.threads_, kept_places(content.columns), content.joined, strict=True
    ):
        n = len(thread.independent)
        assert len(kept) == n
        if n == 1:
            assert tree is None
            continue
        merges = np.array(tree).reshape(-1, 3)
        assert merges[:, 2].tolist() == np.round(1000 * thread.linkage()[:, 2]).tolist()
        below, ends = (
            {k: {k} for k in range(n)},
            np.cumsum([len(event.independent) for event in thread.events]),
        )
        for k, (a, b, height) in enumerate(merges.tolist()):
            assert a < b < n + k
            below[n + k] = below[a] | below[b]
            of_event = {int(np.searchsorted(ends, leaf, side="right")) for leaf in below[n + k]}
            assert (len(of_event) == 1) == (height < 1000 * stories.event_distance)
        assert below[2 * n - 2] == set(range(n))


def test_a_tree_of_too_many_articles_is_one_of_their_events(stories, monkeypatch):
    monkeypatch.setattr(joined, "LEAVES", 3)
    thread = next(t for t in stories.threads_ if len(t.independent) > 3 and len(t.events) == 2)
    assert joined.tree_of(thread, {}) == [0, 1, round(1000 * thread.linkage()[-1, 2])]
    thread = next(t for t in stories.threads_ if len(t.independent) > 3 and len(t.events) == 1)
    assert joined.tree_of(thread, {}) is None


@given(
    st.lists(
        st.sampled_from(["ferry", "Selka", "pier", "😀", "東京都庁", "e\u0301t\u0323\u0307", "ﬁre", "ﬀ"]),
        max_size=12,
    ),
    st.lists(
        st.sampled_from(["ferry", "Selka", "pier", "😀", "京都", "\u00e9t\u0323\u0307", "—", "fire"]),
        max_size=12,
    ),
)
def test_marks_stand_where_evidence_says(words_a, words_b):
    a, b = " ".join(words_a), " ".join(words_b)
    painted = [np.zeros(len(text), int) for text in (a, b)]
    for paint, marks in zip(painted, joined.marks_of(a, b, ["Selka", "京都"], ("en", "en")), strict=True):
        for start, end, kind in np.array(marks, int).reshape(-1, 3):
            assert not paint[start:end].any()
            paint[start:end] = kind
    wanted = [np.zeros(len(text), int) for text in (a, b)]
    for paint, text in zip(wanted, (a, b), strict=True):
        for match in re.finditer("Selka|京都", text):
            paint[match.start() : match.end()] = joined.TERM
    for passage in explain(a, b).passages:
        wanted[0][passage.start_a : passage.end_a] = joined.PASSAGE
        wanted[1][passage.start_b : passage.end_b] = joined.PASSAGE
    assert [paint.tolist() for paint in painted] == [paint.tolist() for paint in wanted]


def test_the_page_says_which_limits_were_met(stories, articles, monkeypatch):
    assert "left out" not in (whole := stories.to_html().split("<footer>")[1].split("</footer>")[0])
    assert "not compared" not in whole
    monkeypatch.setattr(joined, "ALL_LINKS", 2)
    monkeypatch.setattr("storyclust.render.report.content.ALL_COMPARED", 3)
    content = report_content(stories, articles)
    assert sum(len(links) for _, links in content.joined) == 2
    footer = stories.to_html().split("<footer>")[1]
    assert f"({content.overview['links_missed']} more are left out)" in footer
    assert "(7 of 10 copies are not compared)" in footer


# The page, as text


def test_the_same_stories_make_the_same_bytes(stories, articles):
    page = stories.to_html()
    assert page == stories.to_html() == copy.deepcopy(stories).to_html()
    assert page == sc.StoryClusterer().fit(articles[::-1]).to_html()


def test_the_policy_names_the_blocks_and_nothing_else_may_run(stories):
    page = stories.to_html()
    blocks = Blocks(page)
    policy = dict(part.strip().split(" ", 1) for part in blocks.policy.split(";"))
    assert policy["default-src"] == policy["base-uri"] == policy["form-action"] == "'none'"
    style = [text for (tag, _, _), text in blocks.found if tag == "style"]
    script = [text for (tag, kind, _), text in blocks.found if tag == "script" and not kind]
    assert [policy["style-src"]] == list(map(source_hash, style))
    assert [policy["script-src"]] == list(map(source_hash, script))
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    assert "style=" not in page.split("<script")[0]
    for word in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "http://cdn",
        "fetch(",
    ):
        assert word not in script[0]


def test_data_is_embedded_in_the_page_unchanged(stories, articles, content):
    blocks = Blocks(stories.to_html())
    columns = blocks.data("data-index")
    assert columns["title"] == content.columns["title"]
    assert json.loads(json.dumps(content.texts)) == blocks.data("data-texts")
    assert json.loads(json.dumps(content.joined)) == blocks.data("data-joined")


def test_nothing_to_report(tmp_path):
    page = sc.StoryClusterer().fit([]).to_html(tmp_path / "empty.html")
    assert (tmp_path / "empty.html").read_text("utf-8") == page
    assert Blocks(page).data("data-texts") == []


def test_writing_replaces_the_file_and_errors_are_one_sentence(stories, tmp_path):
    from sklearn.exceptions import NotFittedError

    path = tmp_path / "report.html"
    path.write_text("old")
    assert stories.to_html(path, title="Week <1>") == path.read_text("utf-8")
    assert "<title>Week &lt;1&gt;</title>" in path.read_text("utf-8")
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]
    with pytest.raises(sc.InputError, match="min_size must be"):
        stories.to_html(min_size=0)
    with pytest.raises(sc.InputError, match="cannot write"):
        stories.to_html(tmp_path / "no" / "report.html")
    with pytest.raises(NotFittedError):
        sc.StoryClusterer().to_html()


def test_a_notebook_shows_the_biggest_threads_safely():
    assert "event_window" in sc.StoryClusterer(event_window=3)._repr_html_()
    stories = sc.StoryClusterer().fit([Article(BODY, title="<img src=x onerror=alert(1)>\u202e", lang='"><')])
    table = stories._repr_mimebundle_()["text/html"]
    assert "&lt;img" in table
    assert "<img" not in table
    assert "\u202e" not in table
    assert "lang=" not in table
    assert "1 article in 1 story thread." in table


def test_the_command_writes_a_report(tmp_path, capsysbinary):
    path = tmp_path / "report.html"
    assert (
        main(
            [
                "threads",
                str(NEWSDESK),
                "--report",
                str(path),
                "--min-size",
                "5",
                "-o",
                str(tmp_path / "t.jsonl"),
            ]
        )
        == 0
    )
    assert path.read_text("utf-8").startswith("<!DOCTYPE html>")
    assert len(Blocks(path.read_text("utf-8")).data("data-index")["threads"]) == len(
        (tmp_path / "t.jsonl").read_text("utf-8").splitlines()
    )
    assert main(["threads", str(NEWSDESK), "--report", "-"]) == 2
    assert b"--report requires a file path" in capsysbinary.readouterr().err


def test_its_files_come_with_the_package():
    names = {each.name for each in resources.files("storyclust.render.report").iterdir()}
    assert {"page.html.j2", "glance.html.j2", "report.css", "base.js", "list.js"} <= names
    for name in names:
        if name.endswith((".js", ".css", ".j2")):
            assert len(asset(name).splitlines()) <= 550


# In a browser

HOSTILE = [
    "<script>window.hacked = 1</script>",
    "</script><script>window.hacked = 1</script>",
    "<!--<script>",
    "<img src=x onerror='window.hacked = 1'>",
    "]]> &lt;b&gt; &amp; ${window.hacked = 1} {{ 7 * 7 }} {% raw %}",
    "\u202egnihsup\u202c \u2066isolate \u2067unclosed",
    "w" * 10_000,
    "null\x00 bell\x07 escape\x1b[31m c1\x9b31m",
    "lone \ud800 surrogate \udfff",
    "line\u2028separator\u2029paragraph\x85next",
    "' onmouseover='window.hacked = 1' \" autofocus onfocus=\"window.hacked = 1",
    "שלום עולם, 'the' ferry",
    "東京" * 300,
]


@pytest.fixture(scope="module")
def browser():
    selenium = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")
    from selenium.webdriver.chrome.service import Service

    program = shutil.which("chromium") or shutil.which("google-chrome") or shutil.which("chrome")
    driver = shutil.which("chromedriver")
    if program is None or driver is None:
        pytest.skip("there is no chromium with its chromedriver")
    options = selenium.ChromeOptions()
    options.binary_location = program
    for switch in (
        *("headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-sync"),
        *("disable-background-networking", "disable-component-update", "window-size=1200,900"),
    ):
        options.add_argument(f"--{switch}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    with selenium.Chrome(options=options, service=Service(driver)) as found:
        found.set_script_timeout(10)
        yield found


@pytest.fixture(scope="module")
def page(stories, tmp_path_factory):
    path = tmp_path_factory.mktemp("report") / "report.html"
    stories.to_html(path)
    return path.as_uri()


class Page:
    """What a reader sees and does."""

    def __init__(self, browser):
        self.browser = browser

    def load(self, uri, **state):
        self.browser.get("about:blank")
        self.browser.get_log("browser")
        self.browser.get(uri + ("#" + "&".join(f"{k}={v}" for k, v in state.items()) if state else ""))
        return self

    def js(self, script, *arguments):
        return self.browser.execute_script(script, *arguments)

    def all(self, selector):
        return self.browser.find_elements("css selector", selector)

    def one(self, selector):
        return self.browser.find_element("css selector", selector)

    def headlines(self):
        return self.js("return [...document.querySelectorAll('#threads h3 bdi')].map(e => e.textContent)")

    def until(self, condition):
        deadline = time.monotonic() + 5
        while not (value := condition()):
            assert time.monotonic() < deadline, "this does not happen"
            time.sleep(0.02)
        return value

    def address(self):
        return {
            name: values[0] for name, values in parse_qs(self.js("return location.hash.slice(1)")).items()
        }

    def keys(self, *keys):
        from selenium.webdriver import ActionChains

        ActionChains(self.browser).send_keys(*keys).perform()

    def fill(self, selector, value):
        self.js(
            "arguments[0].value = arguments[1];"
            "arguments[0].dispatchEvent(new Event('input', {bubbles: true}))",
            self.one(selector),
            value,
        )

    def at(self):
        return self.browser.switch_to.active_element

    def assert_quiet(self):
        assert self.browser.get_log("browser") == []
        assert self.js("return performance.getEntriesByType('resource').map(e => e.name)") == []


@pytest.fixture
def view(browser):
    found = Page(browser)
    yield found
    found.assert_quiet()


def test_the_page_lists_all_threads(view, page, stories):
    view.load(page)
    assert view.headlines() == [plain(thread.headline) for thread in stories.threads_]
    assert view.one("#count").text == "27 threads, 99 articles"
    assert view.one(".overview").text.startswith("Articles\n99\nCopies folded\n10")
    assert len(view.all("#timeline .label")) == 12
    drawn = sum(len(thread.events) for thread in stories.threads_[:12])
    assert len(view.all("#timeline .mark")) == drawn
    assert view.js("return document.documentElement.lang") == "en"


def test_a_thread_opens_to_all_there_is_about_it(view, page, stories, articles):
    view.load(page)
    thread = next(t for t in stories.threads_ if len(t.events) > 1 and len(t.independent) < len(t))
    item = f"#thread-{thread.label}"
    button = view.one(f"{item} h3 button")
    assert button.get_attribute("aria-expanded") == "false"
    button.click()
    assert button.get_attribute("aria-expanded") == "true"
    body = view.one("#" + button.get_attribute("aria-controls"))
    assert body.is_displayed()
    for sentence in thread.summary.sentences:
        assert sentence.string in body.text
    for word in thread.keywords:
        assert word in body.text
    assert len(view.all(f"{item} .badge")) == 1
    assert f"most typical {thread.representative_reason}" in body.text
    new = [line.text for line in view.all(f"{item} .events .new span")]
    assert new == [line.sentence.string for line in thread.timeline] != []
    assert len(view.all(f"{item} .events li")) == len(thread.events)
    assert len(view.all(f"{item} .sources li")) == len(thread.sources)
    assert len(view.all(f"{item} .articles > li")) == len(thread.independent)
    links = view.all(f"{item} .articles > li > .line a")
    assert {a.get_attribute("rel") for a in links} == {"noreferrer noopener"}
    assert {a.get_attribute("href") for a in links} == {articles[row].url for row in thread.independent}
    folded = view.all(f"{item} details.copies summary")
    folded[0].click()
    copies = view.until(lambda: view.all(f"{item} details.copies[open] li"))
    assert copies[0].find_elements("css selector", "del, ins, .note")
    view.all(f"{item} details.excerpt summary")[0].click()
    assert view.one(f"{item} details.excerpt p").text[:20] in plain(
        " ".join(articles[row].text for row in thread.members)
    )
    view.one(f"{item} .cite").click()
    assert view.at().tag_name == "li"


def test_search_and_filters_count_and_stay_in_the_address(view, page, stories, articles):
    view.load(page)
    view.one("#f-q").send_keys("FÉRRY reef")
    view.until(lambda: "of 27 threads" in view.one("#count").text)
    found = view.headlines()
    assert 0 < len(found) < 5
    assert view.address()["q"] == "FÉRRY reef"
    view.load(page, q="ferry%20reef")
    assert view.headlines() == found
    painted = view.js("return [...CSS.highlights.get('found')].map(range => range.toString().toLowerCase())")
    assert set(painted) <= {"ferry", "reef"}
    assert painted
    assert view.one("#f-q").get_attribute("value") == "ferry reef"
    view.load(page, source="meridianwire.example", least=6, sort="old")
    wanted = [t for t in stories.threads_ if len(t) >= 6 and "meridianwire.example" in t.sources]
    assert sorted(view.headlines()) == sorted(t.headline for t in wanted)
    assert view.headlines() == [t.headline for t in sorted(wanted, key=lambda t: (t.start, t.label))]
    view.load(page)
    view.fill("#f-from", "2024-08-01")
    view.fill("#f-to", "2024-08-31")
    view.until(lambda: "of 27" in view.one("#count").text)
    wanted = [
        t.headline
        for t in stories.threads_
        if any((d := articles[row].published).year == 2024 and d.month == 8 for row in t.members)
    ]
    assert view.headlines() == wanted
    assert view.address() == {"from": "2024-08-01", "to": "2024-08-31"}
    assert 0 < len(view.all(".mark")) < sum(len(t.events) for t in stories.threads_ if t.headline in wanted)
    view.fill("#f-q", "nothing holds this")
    view.until(lambda: view.one("#count").text.startswith("0 of 27"))
    assert view.headlines() == []
    view.one("#f-clear").click()
    view.until(lambda: view.one("#count").text == "27 threads, 99 articles")
    assert view.address() == {}


def test_the_address_restores_what_was_open(view, page):
    view.load(page, open="2,5", view="28400000,28500000")
    assert [b.get_attribute("id") for b in view.all("#threads .body") if b.is_displayed()] == [
        "body-2",
        "body-5",
    ]
    few = len(view.all("#timeline .mark"))
    assert view.address()["open"] == "2,5"
    view.one("#zoom-all").click()
    view.until(lambda: len(view.all("#timeline .mark")) > few)
    view.js("location.hash = 'open=1'")
    view.until(
        lambda: [b.get_attribute("id") for b in view.all("#threads .body") if b.is_displayed()] == ["body-1"]
    )
    for view_given in ("0,1", "-4e9,4e9", "-1e300,1e300", "NaN,Infinity", "28400000,28400000.5"):
        view.load(page, view=view_given)
        assert view.one("#timeline svg").is_displayed()
    for bad in ("open=99999,-1,x&page=1e99&least=-5&sort=z&from=2024-99-99&view=5,1", "%E0%A4%A", "a=b=c&&"):
        view.load(page + "#" + bad)
        assert len(view.headlines()) == 27


def test_the_keyboard_alone_is_enough(view, page):
    from selenium.webdriver import Keys

    view.load(page)
    for _ in range(40):
        view.keys(Keys.TAB)
        if view.at().get_attribute("aria-expanded"):
            break
    assert view.at().get_attribute("aria-expanded") == "false"
    assert view.js("return getComputedStyle(document.activeElement).outlineStyle") == "solid"
    view.keys(Keys.ENTER)
    assert view.at().get_attribute("aria-expanded") == "true"
    view.keys(Keys.TAB)
    assert view.js("return document.activeElement.closest('.body') !== null")
    view.keys(Keys.ESCAPE)
    assert view.at().get_attribute("aria-expanded") == "false"
    assert "open" not in view.address()


def test_the_timeline_by_keyboard_and_pointer(view, page):
    from selenium.webdriver import ActionChains, Keys

    view.load(page)
    marks = len(view.all(".mark"))
    assert len(view.all(".mark[tabindex='0']")) == 1
    view.js("document.querySelector('.mark[tabindex=\"0\"]').focus()")
    assert not view.one(".tip").get_attribute("hidden")
    view.keys(Keys.ARROW_RIGHT)
    assert (view.at().get_attribute("data-lane"), view.at().get_attribute("data-event")) == ("0", "1")
    view.keys(Keys.ARROW_DOWN)
    assert view.at().get_attribute("data-lane") == "1"
    view.keys("+")
    first = view.until(lambda: view.address().get("view"))
    view.keys("+", "+")
    view.until(lambda: view.address().get("view") != first)
    assert view.js("return document.activeElement.classList.contains('mark')")
    view.keys("0")
    view.until(lambda: "view" not in view.address())
    view.keys(Keys.ENTER)
    assert view.address()["open"] == "1"
    assert view.at().get_attribute("aria-controls") == "body-1"
    view.load(page)
    chart = view.one("#timeline svg")
    ActionChains(view.browser).drag_and_drop_by_offset(chart, 120, 0).perform()
    dragged = view.until(lambda: view.address().get("view"))
    assert "open" not in view.address()
    view.one("#zoom-out").click()
    view.one("#zoom-in").click()
    view.one("#pan-left").click()
    view.until(lambda: view.address().get("view") not in (dragged, None))
    view.one("#zoom-all").click()
    view.until(lambda: len(view.all(".mark")) == marks and "view" not in view.address())
    view.js(
        "arguments[0].dispatchEvent(new WheelEvent('wheel', {deltaY: -300, ctrlKey: true, bubbles: true}))",
        chart,
    )
    view.until(lambda: "view" in view.address())
    view.load(page)
    ActionChains(view.browser).click(view.all(".mark[data-lane='3']")[0]).perform()
    assert view.address()["open"] == "3"


def contrast(a, b):
    def luminance(colour):
        parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
        linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_and_can_be_read(view, page, scheme):
    emulate = "Emulation.setEmulatedMedia"
    view.browser.execute_cdp_cmd(emulate, {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    try:
        view.load(page, open="1")
        colours = "const s = getComputedStyle(arguments[0]); return [s.color, s.backgroundColor]"
        for _ in range(2):
            ink, paper = view.js(colours, view.one("body"))
            assert (contrast(paper, "rgb(0,0,0)") > 10) == (scheme == "light")
            assert contrast(ink, paper) > 7
            for selector in (".facts", ".note", ".size", ".articles a", "h4", ".label .n", ".when", "label"):
                assert contrast(view.js(colours, view.one(selector))[0], paper) >= 4.5, selector
            chosen, soft = view.js(colours, view.one(".cite"))
            assert contrast(chosen, soft) >= 4.5
            view.js("document.querySelectorAll('.body > details').forEach(d => { d.open = true; })")
            view.until(lambda: view.all("mark.passage"))
            marked = view.js(colours, view.one("mark.passage"))
            assert contrast(*marked) >= 4.5
            assert (
                contrast(
                    view.js("return getComputedStyle(arguments[0]).stroke", view.one("path.inside")), paper
                )
                >= 3
            )
            view.one("#theme").click()
            scheme = "dark" if scheme == "light" else "light"
    finally:
        view.browser.execute_cdp_cmd(emulate, {"features": []})


def test_how_a_thread_was_put_together_by_keyboard(view, page, stories):
    from selenium.webdriver import Keys

    thread = next(t for t in stories.threads_ if len(t.events) == 2 and len(t.independent) > 4)
    view.load(page, open=thread.label)
    item = f"#thread-{thread.label}"
    assert view.all(f"{item} svg[role=img]") == []
    view.js("document.querySelector(arguments[0]).focus()", f"{item} h3 button")
    for _ in range(60):
        view.keys(Keys.TAB)
        if view.at().tag_name == "summary":
            break
    assert view.at().text == "How it was put together"
    view.keys(Keys.ENTER)
    tree = view.until(lambda: view.all(f"{item} svg[role=img]"))[0]
    n = len(thread.independent)
    Z = thread.linkage()
    said = tree.get_attribute("aria-label")
    assert said.startswith(f"Tree of {n} articles in 2 events: the nearest join at distance {Z[0, 2]:.2f}")
    assert f"below {stories.event_distance}, one thread below {stories.thread_distance}." in said
    view.until(lambda: tree.find_elements("css selector", "path.inside[d^=M]"))
    drawn = "".join(path.get_attribute("d") for path in tree.find_elements("css selector", "path"))
    assert drawn.count("V") == len(Z)
    assert tree.find_element("css selector", "path.between").get_attribute("d").count("V") == 1
    names = [label.text for label in tree.find_elements("css selector", "text")]
    assert names[:2] == ["one event: below 0.92", "one thread: below 0.93"]
    leaves = view.all(f"{item} .leaves li")
    assert len(leaves) == n
    view.keys(Keys.TAB)
    chosen = view.at().text
    assert chosen == leaves[0].find_element("css selector", "button").text
    view.keys(Keys.ENTER)
    assert view.at().tag_name == "li"
    assert view.at().text.startswith(chosen)


def test_what_a_link_shares_is_marked_in_both_texts(view, page, stories, articles, content):
    label = next(
        t.label for t in stories.threads_ if any(2 in link[7][2::3] for link in content.joined[t.label][1])
    )
    view.load(page, open=label)
    item = f"#thread-{label}"
    summaries = {summary.text: summary for summary in view.all(f"{item} .body > details > summary")}
    summaries["What its articles share"].click()
    shown = view.until(lambda: view.all(f"{item} .link"))
    links = content.joined[label][1]
    assert len(shown) == len(links)
    kept = list(kept_places(content.columns))[label]
    script = """
        return [...arguments[0].querySelectorAll('.marked')].map(
            p => [p.textContent, [...p.querySelectorAll('mark')].map(m => [m.textContent, m.className])])
    """
    for section, (a, b, relation, thousandths, _, terms, why, *marks) in zip(shown, links, strict=True):
        for (text, found), place, places in zip(
            view.js(script, section), (kept[a], kept[b]), marks, strict=True
        ):
            assert text == content.texts[place]
            numbers = np.array(places, int).reshape(-1, 3).tolist()
            assert found == [[text[x:y], ["", "term", "passage"][kind]] for x, y, kind in numbers]
        said = section.find_element("css selector", ".facts").text
        assert ("Independent reports" in said) == (relation == 3)
        assert all(term in section.text for term in (*terms, why))
        if relation == 3:
            assert f"similarity {thousandths / 1000:.2f}" in said
    assert len(view.all(f"{item} .link mark")) > 10


def test_a_thread_too_big_for_a_tree_says_so(view, stories, tmp_path, monkeypatch):
    monkeypatch.setattr(joined, "LEAVES", 2)
    monkeypatch.setattr("storyclust.render.report.content.LIMITS", {**LIMITS, "leaves": 2})
    events, none = (
        next(t for t in stories.threads_ if len(t.independent) > 2 and len(t.events) == n) for n in (2, 3)
    )
    path = tmp_path / "few.html"
    stories.to_html(path)
    view.load(path.as_uri(), open=f"{events.label},{none.label}")
    view.js("document.querySelectorAll('details.tree').forEach(d => { d.open = true; })")
    view.until(lambda: len(view.all(f"#thread-{events.label} .leaves li")) == 2)
    assert "Each line is an event" in view.one(f"#thread-{events.label} .tree").text
    assert "a tree of more than 2 lines is not drawn" in view.one(f"#thread-{none.label} .tree").text


def test_landmarks_names_and_labels(view, page):
    view.load(page, open="1")
    landmarks = view.all("body > header, body > main, body > footer")
    assert [landmark.tag_name for landmark in landmarks] == ["header", "main", "footer"]
    nameless = """
        return [...document.querySelectorAll('button, a, input, select, summary')]
            .filter(e => e.checkVisibility())
            .filter(e => !(e.textContent.trim() || e.ariaLabel || (e.labels && e.labels.length)))
            .map(e => e.outerHTML)
    """
    assert view.js(nameless) == []
    levels = view.js("return [...document.querySelectorAll('h1,h2,h3,h4')].map(e => Number(e.tagName[1]))")
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in itertools.pairwise(levels))
    assert view.one("#count").get_attribute("aria-live") == "polite"
    ids = view.js("return [...document.querySelectorAll('[id]')].map(e => e.id)")
    assert len(ids) == len(set(ids))


def hostile_articles():
    for number, hostile in enumerate(HOSTILE):
        for day, url in enumerate(("javascript:window.hacked=1", "https://ok.example/a", None), 1):
            unlike = " ".join(f"only{number}x{day}x{k}" for k in range(40))
            name = " ".join(f"name{number}x{k}" for k in range(20))
            yield Article(
                f"{BODY} near {name}, {hostile} police said. {unlike}",
                title=f"{hostile} Ferry {number}",
                id=f"{number}-{day}",
                published=None if number % 3 == 0 and day == 2 else datetime(2024, day, 1, 9, 30, tzinfo=UTC),
                source=f"{hostile[:200]}{day % 2}",
                lang=["en", "he-IL", '"><script>window.hacked=1</script>'][day - 1],
                url=url,
            )
        yield Article(
            f"{BODY} near {name}, {hostile} police said, again. {unlike}", title=hostile, id=f"{number}-copy"
        )


def test_hostile_text_is_only_text(view, tmp_path, monkeypatch):
    monkeypatch.setattr(joined, "LINKS", 100)
    listed = list(hostile_articles())
    stories = sc.StoryClusterer().fit(listed)
    path = tmp_path / "hostile.html"
    stories.to_html(path, title=HOSTILE[1] + HOSTILE[5])
    view.load(path.as_uri())
    assert view.js("return window.hacked") is None
    view.js("document.querySelectorAll('#threads h3 button').forEach(b => b.click())")
    view.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    view.until(lambda: view.all("details.copies li"))
    view.until(lambda: view.all(".link mark.passage") and view.all("svg[role=img] path"))
    assert any("${window.hacked = 1} {{ 7 * 7 }}" in p.text for p in view.all(".marked"))
    view.js("document.querySelector('.mark').focus()")
    assert view.js("return window.hacked") is None
    assert len(view.all("script")) == 4
    assert view.all("main img, body b, [onerror], [onmouseover], [style*=url]") == []
    text = view.js("return document.body.textContent")
    assert "<script>window.hacked = 1</script>" in text
    assert "${window.hacked = 1} {{ 7 * 7 }} {% raw %}" in text
    visible = text.split('{"sources"')[0]
    assert not set(visible) & set("\x00\x07\x1b\x9b\u202e\u2066\u2067\ud800")
    hrefs = view.js("return [...document.querySelectorAll('#threads a')].map(a => a.protocol)")
    assert set(hrefs) == {"https:"}
    assert view.js("return document.documentElement.scrollWidth <= innerWidth")
    assert set(view.js("return [...document.querySelectorAll('[lang]')].map(e => e.lang)")) <= {"en", "he-IL"}
    titles = view.js(
        "return [...document.querySelectorAll('#threads h3 bdi')].map(e => [e.textContent, e.dir])"
    )
    assert all(len(title) <= TITLE and way == "auto" for title, way in titles)
    hebrew = next(k for k, (title, _) in enumerate(titles) if title.startswith("שלום"))
    assert (
        view.js(f"return getComputedStyle(document.querySelectorAll('#threads h3 bdi')[{hebrew}]).direction")
        == "rtl"
    )
    for hostile in ("<script>", "</script><script>window.hacked = 1</script>", '"unclosed', "\u202e"):
        view.fill("#f-q", hostile)
        view.fill("#f-source", hostile)
        time.sleep(0.15)
    assert view.js("return window.hacked") is None


def test_hostile_sentences_of_a_timeline_are_only_text(view, tmp_path):
    markup = "<img src=x onerror='window.hacked = 1'>"
    listed = [
        Article(f"{BODY}, {markup} said number {month}. {BODY} in month {month}.", title=f"Ferry {month}",
                id=str(month), published=datetime(2024, month, 1, tzinfo=UTC), lang=lang)
        for month, lang in ((1, "en"), (5, "he-IL"), (9, "\"><script>"))
    ]  # fmt: skip
    stories = sc.StoryClusterer(copy_threshold=1, thread_distance=1).fit(listed)
    (thread,) = stories.threads_
    assert any(markup in line.sentence.string for line in thread.timeline)
    path = tmp_path / "hostile.html"
    stories.to_html(path)
    view.load(path.as_uri(), page=1, open=0)
    shown = view.all(".events .new span")
    assert [line.text for line in shown] == [line.sentence.string for line in thread.timeline]
    assert [line.get_attribute("dir") for line in shown] == ["auto"] * 3
    assert [line.get_attribute("lang") for line in shown] == ["en", "he-IL", ""]
    assert view.js("return window.hacked") is None
    assert view.all("main img") == []


def test_a_headline_has_the_language_of_its_article():
    names = "Selka, Aldmouth, Carrow, Brinmouth, Tolmara"
    listed = [
        Article(f"{names}: the ferry struck the pier, and nobody was hurt.", lang="en"),
        Article(f"{names}: un ferry a heurté la jetée.", title="Un ferry heurte la jetée", lang="fr"),
    ]
    stories = sc.StoryClusterer(event_distance=1, thread_distance=1, copy_threshold=1).fit(listed)
    ((headline, language, *_),) = report_content(stories, listed).columns["threads"]
    assert listed[stories.threads_[0].representative].lang == "en"
    assert (headline, language) == ("Un ferry heurte la jetée", "fr")


def test_markup_that_did_get_in_would_not_run(view, page):
    """The policy holds even where the script would fail to."""
    view.load(page)
    markup = "<img src=x onerror='window.hacked = 1'>"
    view.js("try { document.body.innerHTML += arguments[0] } catch (e) { window.stopped = e.name }", markup)
    assert view.js("return [window.hacked, window.stopped]") == [None, "TypeError"]
    log = view.browser.get_log("browser")
    assert any("TrustedHTML" in entry["message"] for entry in log)


def test_pages_of_many_threads_and_undated_ones(view, tmp_path):
    words = [f"{a}{b}{c}" for a in "bdfgk" for b in ("ara", "eno", "iti", "opu") for c in "lmnrst"]
    texts = [" ".join(f"{word}{k}" for k in range(30)) for word in words]
    path = tmp_path / "many.html"
    stories = sc.StoryClusterer().fit(texts)
    stories.to_html(path)
    n = len(stories.threads_)
    assert n > 80
    view.load(path.as_uri())
    assert len(view.headlines()) == 40
    assert "None of these threads has a date" in view.one("#timeline-note").text
    assert view.all(".mark") == []
    assert not view.one("#page-prev").is_enabled()
    view.one("#page-next").click()
    assert view.address() == {"page": "2"}
    view.load(path.as_uri(), open=n - 1)
    assert view.one(f"#body-{n - 1}").is_displayed()
    view.load(path.as_uri(), page=9999)
    assert not view.one("#page-next").is_enabled()


@pytest.mark.parametrize("width", [320, 700, 1200])
def test_it_fits_any_width_and_prints(view, page, width):
    metrics = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    view.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    try:
        view.load(page, open="0,1,2")
        assert view.js("return document.documentElement.scrollWidth") <= width
        view.js("document.querySelectorAll('.fold').forEach(d => { d.open = true; })")
        assert view.js(
            "return [...document.querySelectorAll('#f-q, #f-to, #zoom-all')].every(e => e.checkVisibility())"
        )
        view.js("document.querySelectorAll('details').forEach(d => { d.open = true; })")
        view.until(lambda: len(view.all("svg[role=img] path")) == 6)
        assert view.js("return document.documentElement.scrollWidth") <= width
        pdf = view.browser.execute_cdp_cmd("Page.printToPDF", {})["data"]
        assert len(pdf) > 20_000
    finally:
        view.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_an_empty_corpus_is_a_page(view, tmp_path):
    path = tmp_path / "empty.html"
    sc.StoryClusterer().fit([]).to_html(path)
    view.load(path.as_uri())
    assert view.one("#count").text == "0 threads, 0 articles"


@pytest.mark.parametrize(
    ("text", "furniture", "most", "shown", "ignored"),
    [
        (
            "Snow fell.  Read more. It melted.",
            [(12, 22)],
            60,
            "Snow fell. Read more. It melted.",
            ["Read more."],
        ),
        ("Read more\n\nSnow fell.", [(0, 11)], 60, "Read more Snow fell.", ["Read more"]),
        ("Snow fell in the night. Read more", [(24, 33)], 26, "Snow fell in the night.…", []),
        ("Snow \u202efell.\x00 A b", [(13, 16)], 60, "Snow fell. A b", ["A b"]),
        ("Snow", [], 60, "Snow", []),
        ("", [], 60, "", []),
    ],
)
def test_ignored_furniture_keeps_its_place_in_an_excerpt(text, furniture, most, shown, ignored):
    excerpt, bounds = excerpt_of(text, furniture, most)
    assert excerpt == shown
    assert [excerpt[a:b] for a, b in zip(bounds[::2], bounds[1::2], strict=True)] == ignored


def test_the_data_of_a_report_says_what_was_ignored():
    box = "Get the Carrow Courier every morning and read the news of the coast before anyone else does."
    bodies = [" ".join(f"w{n}x{k}" for k in range(30)) for n in range(4)]
    stories = sc.StoryClusterer().fit([f"{body}. {box}" for body in bodies])
    content = report_content(stories, stories._articles)
    for excerpt, (start, end) in zip(content.texts, content.columns["ignored"], strict=True):
        assert excerpt[start:end] == box


@pytest.fixture
def narrow(view):
    metrics = {"width": 420, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    view.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    yield view
    view.browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


@pytest.mark.browser
def test_on_a_narrow_page_the_list_comes_first_and_the_rest_is_folded(narrow, page):
    narrow.load(page)
    tops = [narrow.one(selector).rect["y"] for selector in ("#f-q", "#threads", "#timeline-section")]
    assert tops == sorted(tops)
    assert not narrow.one("#timeline").is_displayed()
    assert not narrow.one("#f-source").is_displayed()
    for fold in ("#timeline-fold", "#filters-fold"):
        narrow.js("arguments[0].click()", narrow.one(f"{fold} > summary"))
    narrow.until(lambda: narrow.one("#timeline .mark").is_displayed())
    assert narrow.one("#f-source").is_displayed()
    assert narrow.js("return document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.browser
def test_a_row_shows_the_opening_of_its_summary_and_its_key_names(view, page, stories):
    view.load(page)
    thread = stories.threads_[0]
    teaser = f"#thread-{thread.label} .teaser"
    assert thread.summary.sentences[0].string.startswith(
        view.one(f"{teaser} .opening").text.removesuffix("…")
    )
    assert view.one(f"{teaser} .facts").text == " · ".join(thread.keywords[:4])
    view.one(f"#thread-{thread.label} h3 button").click()
    assert not view.one(teaser).is_displayed()


@pytest.mark.browser
def test_a_misspelt_word_is_put_right(view, page, stories):
    view.load(page)
    name = max((word for t in stories.threads_[:9] for word in t.keywords if word.isalpha()), key=len)
    view.fill("#f-q", name[:2] + name[3:])
    view.until(lambda: view.one("#suggestion").is_displayed())
    assert view.one("#suggestion").text == f"Did you mean {name.lower()}?"
    view.one("#suggestion button").click()
    view.until(view.headlines)
    assert not view.one("#suggestion").is_displayed()
    view.fill("#f-q", "qqqqqqqqqq")
    view.until(lambda: not view.headlines())
    assert not view.one("#suggestion").is_displayed()


@pytest.mark.browser
def test_an_address_scrolls_to_its_thread_in_a_new_tab(view, page, stories):
    label = stories.threads_[20].label
    top = f"return document.getElementById('thread-{label}').getBoundingClientRect().top"
    view.load(page, open=label)
    view.until(lambda: abs(view.js(top)) < 40)
    view.js("window.scrollTo(0, 0)")
    view.browser.refresh()  # the browser remembers the place
    view.until(lambda: abs(view.js(top)) < 40)


@pytest.mark.browser
def test_events_tell_their_independent_reports(view, page, stories):
    view.load(page)
    thread = next(t for t in stories.threads_ if len(t.events) > 1 and len(t.independent) < len(t))
    view.one(f"#thread-{thread.label} h3 button").click()
    lines = view.all(f"#thread-{thread.label} .events li")
    independent = set(thread.independent.tolist())
    for event, line in zip(thread.events, lines, strict=True):
        n = len(independent & set(event.members.tolist()))
        copies = len(event.members) - n
        said = f"{n} report{'s' * (n > 1)}"
        said += f" + {copies} cop{'y' if copies == 1 else 'ies'}" if copies else ""
        assert line.find_element("css selector", ".n").text == said
        assert bool(line.find_elements("css selector", ".bar")) == (n > 1)
