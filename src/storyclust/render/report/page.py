"""Pages: the plain data of a report as one file of HTML, and the biggest threads as a table.

The page asks nothing of any network, and its policy lets only its own style and script run, which it names
by their hashes. Texts of articles reach the script as JSON and the document as text, never as markup.
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

from storyclust.render.report.content import TITLE, Content, language_of, plain, shortened, title_of

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.stories.clusterer import StoryClusterer

SCRIPTS = ("base.js", "timeline.js", "joined.js", "thread.js", "list.js")
GLANCE = 10  # threads in a notebook

# What could end a script element or, read as a script, a line.
_ESCAPES = {"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"}


def render(content: Content, title: str = "Story threads") -> str:
    """Make the page.

    Parameters
    ----------
    content : Content
        What `report_content` returned.
    title : str, default="Story threads"
        Stands in the window's title and above all.

    Returns
    -------
    html : str
        The same content makes the same page, to the last byte.
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


def glance(stories: StoryClusterer, articles: Sequence[Article]) -> str:
    """Make a table of the biggest threads, for a notebook: no style, no script, nothing from outside."""
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
    """Text of a file that comes with the package; its lines end as HTML's do, so that its hash holds."""
    return resources.files("storyclust.render.report").joinpath(name).read_text("utf-8").replace("\r\n", "\n")


@functools.cache
def template(name: str) -> jinja2.Template:
    """Compile a template; whatever is put into it is escaped, and a name it does not know is an error."""
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["number"] = lambda value: f"{value:,}"
    return environment.from_string(asset(name))


def source_hash(source: str) -> str:
    """Hash of an inline block, as a content security policy names it.

    Examples
    --------
    >>> source_hash("")
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='"
    """
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def json_block(value: Any) -> str:
    r"""Write JSON that can stand inside a script element.

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
    """Day or days between two dates.

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
