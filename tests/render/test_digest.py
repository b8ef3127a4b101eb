"""Threads as records and as a digest for a terminal, with hostile titles."""

import io
import json
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

import storyclust as sc
from storyclust._core.terminal import sanitize
from storyclust.articles.records import as_articles
from storyclust.render.digest import print_digest, thread_record

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"


@pytest.fixture(scope="module")
def articles():
    return as_articles([json.loads(line) for line in NEWSDESK.read_text(encoding="utf-8").splitlines()])


@pytest.fixture(scope="module")
def stories(articles):
    return sc.StoryClusterer().fit(articles)


def printed(stories, articles, width=100, **options):
    file = io.StringIO()
    print_digest(stories, articles, Console(file=file, width=width, highlight=False, **options))
    return file.getvalue()


def cluster(*records):
    articles = as_articles(list(records))
    return sc.StoryClusterer().fit(articles), articles


# Records


def test_a_record_says_all_of_a_thread_by_ids(stories, articles):
    ids = [article.id for article in articles]
    for thread in stories.threads_:
        record = json.loads(json.dumps(thread_record(thread, ids)))
        assert list(record) == [
            *(
                "thread",
                "headline",
                "summary",
                "keywords",
                "sources",
                "size",
                "start",
                "end",
                "representative",
                "representative_reason",
                "cohesion",
            ),
            *("members", "n_independent", "sentences", "timeline", "events"),
        ]
        assert record["thread"] == thread.label
        assert record["headline"] == thread.headline
        assert record["summary"] == thread.summary.text
        assert record["size"] == len(record["members"]) == len(thread)
        assert record["members"] == [ids[row] for row in thread.members]
        assert record["representative"] in record["members"]
        assert record["n_independent"] == len(thread.independent)
        assert datetime.fromisoformat(record["start"]) == thread.start
        assert datetime.fromisoformat(record["end"]) == thread.end
        assert sum(event["size"] for event in record["events"]) == record["size"]
        assert sorted(m for event in record["events"] for m in event["members"]) == sorted(record["members"])
        assert [(line["event"], line["when"]) for line in record["timeline"]] == [
            (event["event"], event["start"]) for event in record["events"] if len(record["events"]) > 1
        ]
        for sentence in [*record["sentences"], *record["timeline"]]:
            text = articles[ids.index(sentence["id"])].text
            assert " ".join(text[sentence["start"] : sentence["end"]].split()) == sentence["text"]


def test_a_record_of_an_undated_thread_has_no_dates():
    stories, articles = cluster("The ferry struck the pier in Aldmouth.")
    record = thread_record(stories.threads_[0], [article.id for article in articles])
    assert record["start"] is record["end"] is None
    assert record["sources"] == []
    assert record["members"] == ["0"]


# The digest


def test_the_digest_shows_threads_of_two_and_counts_the_rest(stories, articles):
    text = printed(stories, articles)
    shown = [thread for thread in stories.threads_ if len(thread) > 1]
    alone = len(stories.threads_) - len(shown)
    assert text.endswith(f"{len(shown)} threads, and {alone} articles on their own.\n")
    lines = [" ".join(line.split()) for line in text.splitlines()]
    headlines = [thread.headline for thread in shown]
    assert [line for line in lines if line in headlines] == headlines
    assert max(map(cell_len, text.splitlines())) <= 100
    assert "5 articles" in text
    assert "3 events" in text
    assert "of them copies" in text


def test_the_running_example_has_a_time_line_of_three(stories, articles):
    text = printed(stories, articles, width=400)
    thread = next(t for t in stories.threads_ if articles[t.representative].id.startswith("jp-in"))
    block = text[text.index(thread.headline) :].split("\n\n")[0]
    assert "3 Sep 2019 to 2" in block
    assert [line.split()[1:3] for line in block.splitlines() if line.strip().endswith(("(1)", "(2)"))] == [
        ["Sep", "2019"],
        ["Mar", "2024"],
        ["Aug", "2024"],
    ]


@pytest.mark.parametrize("width", [20, 40, 79, 200])
def test_the_digest_fits_any_width(stories, articles, width):
    text = printed(stories, articles, width=width)
    assert max(map(cell_len, text.splitlines())) <= width


def test_nothing_to_show():
    assert printed(*cluster()) == "0 threads, and 0 articles on their own.\n"
    assert "0 threads, and 1 article on its own." in printed(*cluster("One text."))


@pytest.mark.parametrize(
    ("dates", "wanted"),
    [
        (["2024-03-01"], "1 Mar 2024"),
        (["2024-03-01", "2024-03-01T23:00:00Z"], "| 1 Mar 2024"),
        (["2024-03-01", "2024-03-05"], "1 to 5 Mar 2024"),
        (["2024-02-27", "2024-03-05"], "27 Feb to 5 Mar 2024"),
        (["2023-12-30", "2024-01-02"], "30 Dec 2023 to 2 Jan 2024"),
    ],
)
def test_spans_of_days_are_formatted_shortly(dates, wanted):
    text = "The ferry Selka struck the pier in Aldmouth and nobody was hurt at all."
    records = [{"title": "Ferry strikes pier", "text": text, "published": date} for date in dates]
    assert wanted in printed(*cluster(*records, *([text] if len(dates) == 1 else [])))


# Hostile text

HOSTILE = [
    "\x1b[31mred\x1b[0m",
    "\x1b]0;title\x07",
    "\x1b]8;;http://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x9b31mC1 control",
    "over\rwritten",
    "bell\x07 back\x08space null\x00 delete\x7f",
    "\u202egnihsup\u202c \u2066isolate\u2069 \u200fmark",
    "\ufeffmark\u200bzero\u2060width",
    "[red]markup[/red] [/] [link=http://evil.example]x[/link]",
    ":smile: \\[x]",
    "\ud800 lone",
    "tag\U000e0041",
    "line\u2028separator\u2029paragraph\x85next",
]
SAFE_FORMAT = "\u200c\u200d"  # joiners, which Hindi and Persian cannot do without


def assert_harmless(text):
    for char in text.replace("\n", ""):
        assert char in SAFE_FORMAT or unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Zl", "Zp"), ascii(
            char
        )


@pytest.mark.parametrize("hostile", HOSTILE, ids=ascii)
def test_hostile_text_does_not_reach_the_terminal(hostile):
    body = "The ferry Selka struck the pier in Aldmouth on Monday and nobody on board was hurt"
    records = [
        {
            "id": f"a{day}",
            "title": f"Ferry {hostile} strikes pier",
            "text": f"{body}, {hostile} police said. {hostile} was the name of edition {day} of the paper.",
            "published": f"2024-0{day}-01",
            "source": f"{hostile}{day}.example",
            "lang": "en",
        }
        for day in (1, 2, 3)
    ]
    for record in records:
        record["text"] += " ".join(f"only{record['id']}x{k}" for k in range(60))
    stories, articles = cluster(*records)
    text = printed(stories, articles, force_terminal=False)
    assert "Ferry" in text
    assert len(stories.threads_) == 1
    assert len(stories.threads_[0].events) == 3
    assert_harmless(text)
    coloured = printed(stories, articles, force_terminal=True, color_system="standard")
    assert "evil.example\x1b" not in coloured
    assert "\x1b]" not in coloured
    if "[" in hostile and "\x1b" not in hostile:
        assert "[red]markup" in " ".join(text.split()) or ":smile: \\[x]" in " ".join(text.split())


@given(st.text())
def test_sanitized_text_has_no_control_characters(text):
    cleaned = sanitize(text)
    assert_harmless(cleaned)
    assert "\n" not in cleaned
    assert cleaned == " ".join(cleaned.split())
    kept = [char for char in text if unicodedata.category(char)[0] in "LMNPS"]
    assert [char for char in cleaned if unicodedata.category(char)[0] in "LMNPS"] == kept


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ""),
        ("plain title", "plain title"),
        (" two\u3000 spaces\u00a0", "two spaces"),
        ("first line\nsecond", "first line second"),
        ("tab\tbed", "tab bed"),
        ("carriage\r\nreturn", "carriage return"),
        ("\x1b[31mred", "[31mred"),
        ("क्\u200dष", "क्\u200dष"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\U0001f468\u200d\U0001f469", "\U0001f468\u200d\U0001f469"),
    ],
)
def test_sanitized_examples(text, wanted):
    assert sanitize(text) == wanted


def test_years_before_a_thousand():
    texts = ["The ferry Selka struck the pier in Aldmouth and nobody was hurt at all."] * 2
    stories, articles = cluster(
        *({"text": text, "published": datetime(1600, 1, 2, tzinfo=UTC)} for text in texts)
    )
    assert "2 Jan 1600" in printed(stories, articles)
