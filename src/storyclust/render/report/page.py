"""The HTML page of a report, and the table of the largest threads for a notebook.

The page loads nothing from a network. Its content security policy allows only its own style and script, by
their hashes. Texts of articles are passed to the script as JSON and to the document as text, never as markup.
"""

from __future__ import annotations

import base64
import functools
import hashlib
from collections.abc import Sequence
from datetime import datetime
from importlib import resources
from typing import TYPE_CHECKING, Any

import jinja2
import orjson

from storyclust.render.report.content import TITLE, Content, language_of, title_of
from storyclust.render.report.excerpts import plain, shortened

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.stories.fitted_stories import FittedStories

SCRIPTS = ("base.js", "timeline.js", "joined.js", "thread.js", "suggest.js", "list.js")
GLANCE = 10  # threads in a notebook

# Characters that could end a script element or a line of JavaScript.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(content: Content, title: str = "Story threads") -> str:
    """Render the page.

    Parameters
    ----------
    content : Content
        The result of `report_content`.
    title : str, default="Story threads"
        Title of the document and its main heading.

    Returns
    -------
    html : str
        Equal content gives a byte-identical page.
    """
    style = asset("report.css")
    script = "(() => {\n'use strict';\n" + "\n".join(map(asset, SCRIPTS)) + "\n})();\n"
    return template("page.html.j2").render(
        title=shortened(plain(title), TITLE),
        overview=content.overview,
        span=span(content.overview["start"], content.overview["end"]),
        style=style,
        script=script,
        style_hash=source_hash(style),
        script_hash=source_hash(script),
        index=json_block({**content.columns, "overview": _counts(content.overview)}),
        texts=json_block(content.texts),
        joined=json_block(content.joined),
    )


def glance(stories: FittedStories, articles: Sequence[Article]) -> str:
    """Render a table of the largest threads for a notebook, without style, script and external resources."""
    threads = stories.threads_[:GLANCE]
    rows = [
        {
            "headline": shortened(plain(thread.headline), TITLE) or title_of(articles[thread.representative]),
            "language": language_of(articles[thread.representative]),
            "articles": len(thread),
            "events": len(thread.events),
            "span": span(thread.start, thread.end),
            "sources": len(thread.sources),
        }
        for thread in threads
    ]
    counts = {"articles": len(articles), "threads": len(stories.threads_)}
    return template("glance.html.j2").render(rows=rows, **counts)


@functools.cache
def asset(name: str) -> str:
    """Read a file of the package, with line ends as in HTML, which its hash depends on."""
    return resources.files("storyclust.render.report").joinpath(name).read_text("utf-8").replace("\r\n", "\n")


@functools.cache
def template(name: str) -> jinja2.Template:
    """Compile a template of the package."""
    return compile_template(asset(name))


def compile_template(source: str) -> jinja2.Template:
    """Compile a template; values are escaped, and undefined names are errors."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment.from_string(source)


def source_hash(source: str) -> str:
    """Hash of an inline block in the notation of a content security policy.

    Examples
    --------
    >>> source_hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def json_block(value: Any) -> str:
    r"""Encode JSON for use inside a script element.

    Examples
    --------
    >>> json_block({"title": "</script>"})
    '{"title":"\\u003c/script\\u003e"}'
    """
    text = orjson.dumps(value).decode()
    for char, escape in _ESCAPES.items():
        text = text.replace(char, escape)
    return text


def span(start: datetime | None, end: datetime | None) -> str:
    """Format the range of days between two dates.

    Examples
    --------
    >>> span(datetime(2024, 3, 4), datetime(2024, 3, 5))
    '4 Mar 2024 – 5 Mar 2024'
    """
    if start is None or end is None:
        return "no dates"
    first, last = (f"{when.day} {when:%b} {when.year}" for when in (start, end))
    return first if first == last else f"{first} – {last}"


def _counts(overview: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in overview.items() if isinstance(value, int)}
