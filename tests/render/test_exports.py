"""Threads in every format, through real pipes and files, with hostile titles."""

import csv
import gzip
import html
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

import storyclust as sc
from storyclust._core.terminal import sanitize
from storyclust.articles.records import as_articles
from storyclust.cli.app import main
from storyclust.render.exports import FORMATS, cell, chosen_format
from storyclust.render.markdown import MAX_LISTED, escaped, markdown_digest

NEWSDESK = Path(__file__).parents[2] / "examples" / "newsdesk.jsonl"
ENV = {**os.environ, "PYTHONPATH": str(Path(sc.__file__).parents[1])}
FERRY = "The ferry Selka struck the pier in Aldmouth on Monday morning and nobody on board was hurt."
CONVERTED = (
    "storyclust: 6 of 54 articles were HTML and were read as plain text; 3 had entities such as &amp;, now "
    "decoded."
)
HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](javascript:alert(1))",
    "](http://evil.example) [x",
    "![beacon](http://evil.example/p.png)",
    "<http://evil.example>",
    "http://evil.example www.evil.example",
    "&lt;b&gt; &#60;b&#62; &copy;",
    "`code` ``` *bold* __under__ ~~gone~~",
    "# heading\n## another\n---\n===\n> quote\n1. list\n- list\n    code",
    "| a | b |\n|---|---|",
    "[ref]: http://evil.example",
    "\\[escaped\\] \\",
    "$\\frac{$ {{ template }}",
    '=HYPERLINK("http://evil.example","x")',
    "+1+cmd|' /C calc'!A0",
    "\x1b[31mred\x07 \u202ekcab",
    '"quoted", and; split',
]


def week(hostile, happening):
    """Three reports of one happening, everything in them hostile."""
    words = " ".join(f"{happening}harbour{k} {happening}pier{k}" for k in "abcdefghij")
    return [
        {
            "id": f"{hostile}{number}",
            "title": f"{hostile}",
            "text": f"{hostile} struck {words}. {hostile} was said by witness {number}.",
            "source": f"{hostile}{number}",
            "published": f"2024-03-0{number}",
            "url": f"https://paper.example/{hostile}?a=1&copy;=2",
        }
        for number in (1, 2, 3)
    ]


def lines_of(records):
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def through_a_pipe(form, data, *more):
    command = [sys.executable, "-m", "storyclust", "threads", "-", "--quiet", "--format", form, *more]
    done = subprocess.run(command, input=data, env=ENV, capture_output=True, check=False)
    assert done.returncode == 0
    assert not done.stderr or done.stderr.decode().splitlines() == [CONVERTED]
    return done.stdout.decode()


def rendered(markdown):
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)


@pytest.fixture(scope="module")
def hostile_week():
    return [record for k, hostile in enumerate(HOSTILE) for record in week(f"{hostile} {k}", chr(97 + k))]


def test_markdown_through_a_pipe_holds_only_the_markup_that_is_ours(hostile_week):
    page = rendered(through_a_pipe("md", lines_of(hostile_week)))
    tags = set(re.findall(r"<(/?\w+)", page))
    assert tags <= {
        f"{slash}{tag}" for tag in ("h1", "h2", "p", "strong", "ul", "li", "a") for slash in ("", "/")
    }
    for address in re.findall(r'href="([^"]*)"', page):
        assert html.unescape(address).startswith("https://paper.example/")
    assert page.count("<h1>") == 1
    shown = html.unescape(re.sub(r"<[^>]*>", "", page))
    assert "<script>alert(1)</script> 0" in shown
    assert "&lt;b&gt; &#60;b&#62; &copy; 7" in shown
    assert "\\[escaped\\] \\ 12" in shown
    assert not set("\x1b\x07\u202e") & set(shown)


def test_csv_through_a_pipe_is_one_row_a_thread_and_no_formula(hostile_week):
    apart = ("--event-distance", "0", "--thread-distance", "0")
    text = through_a_pipe("csv", lines_of(hostile_week), *apart)
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    assert len(text.rstrip("\r\n").split("\r\n")) == len(rows) + 1
    assert sum(int(row["articles"]) for row in rows) == len(hostile_week)
    assert not any(value.startswith(("=", "+", "-", "@")) for row in rows for value in row.values())
    assert any(row["headline"].startswith("'=HYPERLINK") for row in rows)


def test_html_through_a_pipe_is_the_report(hostile_week):
    data = lines_of(hostile_week)
    page = through_a_pipe("html", data)
    with pytest.warns(sc.ConvertedTextWarning):
        articles = sc.as_articles(hostile_week)
    assert page == sc.StoryClusterer().fit(articles).to_html()
    assert "<script>alert(1)" not in page


def test_records_and_digest_through_a_pipe(hostile_week):
    data = lines_of(hostile_week)
    records = [json.loads(line) for line in through_a_pipe("jsonl", data).splitlines()]
    assert sum(record["size"] for record in records) == len(hostile_week)
    assert "\x1b" not in through_a_pipe("digest", data)


def test_files_get_the_format_that_their_name_says(tmp_path, capsysbinary):
    for name, opening in {
        "a.md": b"# Story threads\n\n## ",
        "b.HTML": b"<!DOCTYPE html>",
        "c.csv": b"thread,headline,articles",
        "d.tsv": b"thread\theadline\tarticles",
        "e.jsonl.gz": b'{"thread":0,',
        "f.html.gz": b"<!DOCTYPE html>",
        "g.md.gz": b"# Story threads",
        "h.txt": b"Varsenia",
        "i.json": b"[\n{",
    }.items():
        path = tmp_path / name
        assert main(["threads", str(NEWSDESK), "-o", str(path)]) == 0
        data = path.read_bytes()
        assert (gzip.decompress(data) if name.endswith(".gz") else data).startswith(opening)
    assert not any(line.endswith(b" ") for line in (tmp_path / "h.txt").read_bytes().splitlines())
    assert main(["threads", str(NEWSDESK), "-o", str(tmp_path / "out.data"), "--format", "md"]) == 0
    assert (tmp_path / "out.data").read_bytes() == (tmp_path / "a.md").read_bytes()
    assert capsysbinary.readouterr().out == b""


def test_an_unknown_extension_is_an_error_before_reading(tmp_path, capsys):
    assert main(["threads", str(tmp_path / "missing.jsonl"), "-o", "threads.doc"]) == 2
    message = capsys.readouterr().err
    assert "'threads.doc'" in message
    assert "--format" in message


def test_the_command_line_knows_the_formats(capsys):
    with pytest.raises(SystemExit):
        main(["threads", "--help"])
    assert f"{{{','.join(FORMATS)}}}" in capsys.readouterr().out


def test_a_device_gets_records():
    assert chosen_format(None, os.devnull) == "jsonl"


# Markdown


@given(st.text() | st.sampled_from(HOSTILE))
def test_escaped_text_is_shown_as_it_stands(text):
    shown = html.escape(sanitize(text)).replace("&#x27;", "'")
    assert rendered(escaped(text)) == (f"<p>{shown}</p>\n" if shown else "")
    assert rendered(f"## {escaped(text)}") == f"<h2>{shown}</h2>\n"
    assert rendered(f"a [{escaped(text)}](x), b") == f'<p>a <a href="x">{shown}</a>, b</p>\n'


@given(st.text(alphabet="-+*=#>:%1234567890.)( \tabi`~_|"))
def test_no_line_begins_something_else(text):
    shown = html.escape(sanitize(text))
    assert rendered(escaped(text)) == (f"<p>{shown}</p>\n" if shown else "")


def test_a_digest_in_markdown_lists_each_article_once():
    articles = sc.read_articles(NEWSDESK)
    stories = sc.StoryClusterer().fit(articles)
    text = "".join(markdown_digest(stories, articles))
    listed = re.findall(r"^- \[.*\]\((.*?)\)", text, re.MULTILINE)
    wanted = [
        articles[row].url for thread in stories.threads_ if len(thread) > 1 for row in thread.independent
    ]
    assert sorted(listed) == sorted(wanted)
    shuffled = articles[::-1]
    assert "".join(markdown_digest(sc.StoryClusterer().fit(shuffled), shuffled)) == text
    headings = re.findall(r"^## (.*)$", text, re.MULTILINE)
    assert headings == [escaped(thread.headline) for thread in stories.threads_ if len(thread) > 1]


def test_each_event_in_markdown_says_what_is_new_in_it():
    articles = sc.read_articles(NEWSDESK)
    stories = sc.StoryClusterer().fit(articles)
    text = "".join(markdown_digest(stories, articles))
    lines = re.findall(r"^\*\*[^*]+\*\* (.+)$", text, re.MULTILINE)
    wanted = [escaped(line.sentence.string) for thread in stories.threads_ for line in thread.timeline]
    assert lines == wanted != []


def test_of_many_articles_some_are_listed_and_all_counted():
    records = [
        {"title": f"Report {n}", "text": f"{FERRY} " + " ".join(f"own{n}x{k}" for k in range(20))}
        for n in range(30)
    ]
    articles = as_articles(records)
    stories = sc.StoryClusterer(event_distance=1, thread_distance=1).fit(articles)
    text = "".join(markdown_digest(stories, articles))
    assert text.count("\n- ") == MAX_LISTED
    assert "And 10 more articles." in text
    assert "".join(markdown_digest(sc.StoryClusterer().fit([]), [])) == (
        "# Story threads\n\n0 threads, and 0 articles on their own.\n"
    )


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "/local", "file:///x", None])
def test_an_address_that_is_none_of_the_web_is_no_link(url):
    record = {"title": "Ferry", "text": FERRY, "url": url}
    articles = as_articles([{"id": "a", **record}, {"id": "b", **record}])
    text = "".join(markdown_digest(sc.StoryClusterer().fit(articles), articles))
    assert "<a" not in rendered(text)
    assert "\n- Ferry, 1 copy\n" in text


# Cells


@given(st.text())
def test_no_cell_is_a_formula_and_no_text_is_lost(text):
    made = cell(text)
    assert made[:1] not in tuple("=+-@\t\r\uff1d\uff0b\uff0d\uff20") or made == ""
    assert made in (sanitize(text), f"'{sanitize(text)}")
    assert "\n" not in made
