"""Results as small pieces of HTML for a notebook: without style sheet, script and external resources.

Texts of articles are escaped, on one line and shortened, and set apart by direction.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from storyclust._core.terminal import format_count
from storyclust.render.report.content import TITLE, language_of, title_of
from storyclust.render.report.excerpts import plain, shortened
from storyclust.render.report.page import compile_template, span

if TYPE_CHECKING:
    from storyclust.articles.article import Article
    from storyclust.dedup.fitted_copies import FittedCopies
    from storyclust.evaluation.metrics import Scores
    from storyclust.stories.threads import StoryThread
    from storyclust.summary.summarizer import Summary

ROWS = 10  # of a table
TEXT = 1_000  # characters of a summary

TEMPLATE = """<div class="storyclust">
{% for line in lines %}
<p>{% if line.strong %}<strong>{% endif %}{{ cell(line) }}{% if line.strong %}</strong>{% endif %}</p>
{% endfor %}
{% if rows %}
<table>
<thead><tr>{% for head in heads %}<th scope="col">{{ head }}</th>{% endfor %}</tr></thead>
<tbody>
{% for row in rows %}
<tr>{% for value in row %}<td{% if value.foreign %} style="text-align: start; overflow-wrap: anywhere"{% endif %}>{{ cell(value) }}</td>{% endfor %}</tr>
{% endfor %}
</tbody>
</table>
{% endif %}
</div>
"""  # noqa: E501
CELL = (
    '{% macro cell(text) %}{% if text.foreign %}<bdi dir="auto"'
    '{% if text.language %} lang="{{ text.language }}"{% endif %}'
    ">{{ text.string }}</bdi>{% else %}{{ text.string }}{% endif %}{% endmacro %}"
)


class Text(NamedTuple):
    """A text to show; if it is `foreign`, it was taken from an article, and may be in any language."""

    string: str
    foreign: bool = False
    language: str | None = None
    strong: bool = False


def foreign(text: str, language: str | None = None, *, most: int = TITLE, strong: bool = False) -> Text:
    """Text taken from an article."""
    return Text(shortened(plain(text), most), True, language, strong)


def copies_html(dedup: FittedCopies, articles: Sequence[Article] | None) -> str:
    """Counts of a fitted `Deduplicator`, and a table of its largest groups.

    Articles are shown by their titles, or by their rows if they are not held.
    """
    kept, groups = int(dedup.keep_.sum()), dedup.groups_
    counts = (
        f"{format_count(kept, 'article')} kept, {len(dedup.keep_) - kept:,} removed; "
        f"{format_count(len(groups), 'group')} of copies{_biggest(len(groups))}."
    )
    rows = []
    for group in groups[:ROWS]:
        row = group.representative
        if row < 0:
            shown = Text(f"row {group.reference} of the reference")
        elif articles is None:
            shown = Text(f"row {row}")
        else:
            shown = foreign(title_of(articles[row]), language_of(articles[row]))
        second_look = "needs a second look" if group.doubtful else ""
        figures = f"{len(group):,}", f"{group.min_similarity:.3f}", second_look
        rows.append([shown, *map(Text, figures)])
    return _html([Text(counts)], ("kept article", "articles", "least similarity", ""), rows)


def thread_html(thread: StoryThread, articles: Sequence[Article]) -> str:
    """Summary of a thread, and a table of its events."""
    language = language_of(articles[thread.representative])
    counts = (
        f"Thread {thread.label}: {format_count(len(thread), 'article')} in "
        f"{format_count(len(thread.events), 'event')} from {format_count(len(thread.sources), 'source')}"
        f"{_biggest(len(thread.events), 'first')}. {span(thread.start, thread.end)}"
    )
    rows = [
        [
            foreign(event.headline or title_of(articles[event.medoid]), language_of(articles[event.medoid])),
            Text(f"{len(event):,}"),
            Text(span(event.start, event.end)),
        ]
        for event in thread.events[:ROWS]
    ]
    lines = [*_summary_lines(thread.summary, language), Text(counts.strip())]
    return _html(lines, ("event", "articles", "dates"), rows)


def summary_html(summary: Summary) -> str:
    """Headline, sentences and key terms of a summary."""
    return _html(_summary_lines(summary, None))


def scores_html(scores: Scores) -> str:
    """Table of scores."""
    counts = (
        f"{format_count(scores.n_articles, 'article')}, {scores.n_gold:,} gold and {scores.n_pred:,} "
        f"predicted groups. ARI {scores.ari:.3f}, AMI {scores.ami:.3f}, V-measure {scores.v_measure:.3f}."
    )
    rows = [
        ("B-cubed", scores.precision, scores.recall, scores.f1),
        ("pairs", scores.pair_precision, scores.pair_recall, scores.pair_f1),
    ]
    cells = [[Text(name), *(Text(f"{value:.3f}") for value in values)] for name, *values in rows]
    return _html([Text(counts)], ("", "precision", "recall", "F1"), cells)


def _summary_lines(summary: Summary, language: str | None) -> list[Text]:
    lines = [foreign(summary.headline, language, strong=True), foreign(summary.text, language, most=TEXT)]
    if summary.keywords:
        lines.append(foreign(", ".join(summary.keywords), language, most=TEXT))
    return [line for line in lines if line.string]


def _biggest(n: int, which: str = "biggest") -> str:
    return f", the {which} {ROWS} of them" if n > ROWS else ""


def _html(lines: Iterable[Text], heads: Iterable[str] = (), rows: Iterable[list[Text]] = ()) -> str:
    html: str = _template().render(lines=list(lines), heads=list(heads), rows=list(rows))
    return html


@functools.cache
def _template() -> Any:
    return compile_template(CELL + TEMPLATE)
