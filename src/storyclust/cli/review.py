"""`storyclust review`: judge pairs of articles, one after the other."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust.cli.asking import QUIT, ask
from storyclust.cli.common import UsageError, say, work_options

if TYPE_CHECKING:
    from rich.text import Text

    from storyclust.articles.article import Article
    from storyclust.evaluation.judgements import JudgementFile, Pair

SKIP, BACK = "skip", "back"
CHOICES = {"e": "event", "s": "story", "d": "different", "k": SKIP, "b": BACK, "q": QUIT}
SHOWN = 600  # characters of each text


def add_review(commands: Any) -> None:
    """Add the command to the parser."""
    review = commands.add_parser(
        "review",
        help="judge pairs of articles: one event, one story, or different",
        description="Show pairs of articles side by side, and ask of each whether both report the same "
        "event, belong to the same story, or are different. Each answer is written at once; the same command "
        "goes on where it stopped. Answers are letters or words on stdin, from the keyboard or a pipe.",
        epilog="The answers are for tune --answers FILE, and for evaluate --answers FILE. The last answer "
        "about a pair counts; pairs that were skipped are asked again once their lines are deleted.",
    )
    review.add_argument(
        "inputs", nargs=1, metavar="PAIRS", help="JSON Lines of links, or the JSON of tune --format json"
    )
    review.add_argument(
        "--articles", action="append", default=[], metavar="FILE",
        help="the articles, to show their texts (default: titles only)",
    )  # fmt: skip
    review.add_argument(
        "-o", "--output", metavar="FILE", help="answers, which are appended (default: PAIRS.answers.jsonl)"
    )
    work_options(review)
    review.set_defaults(run=run_review)


def run_review(options: argparse.Namespace) -> None:
    """Run `storyclust review`."""
    from storyclust._core.terminal import format_count
    from storyclust.evaluation.judgements import JudgementFile, read_pairs

    source = options.inputs[0]
    if "-" in (source, options.output, *options.articles):
        raise UsageError("review reads your answers from stdin, so pairs and articles must be files.")
    output = options.output or f"{source.removesuffix('.jsonl').removesuffix('.json')}.answers.jsonl"
    if not output.endswith(".jsonl"):
        raise UsageError(f"--output must be JSON Lines, with a name that ends in .jsonl, got {output!r}.")
    pairs = read_pairs(source)
    articles = sc.read_articles(*options.articles) if options.articles else []
    answers = JudgementFile(output)
    review(pairs, {article.id: article for article in articles}, answers)
    judged = sum(answers.judgements.get(pair.key) is not None for pair in pairs)
    if not options.quiet:
        say(f"{judged:,} of {format_count(len(pairs), 'pair')} judged; the answers are in {output}.")


def review(pairs: list[Pair], articles: dict[str, Article], answers: JudgementFile) -> None:
    """Ask about the pairs without an answer, and record each answer, until there are no more."""
    at = _next(pairs, answers, 0)
    while at < len(pairs):
        show(pairs[at], articles, f"{at + 1}/{len(pairs)}")
        choice = ask(CHOICES)
        if choice == QUIT:
            return
        if choice == BACK:
            at = max(at - 1, 0)
            continue
        answers.record(pairs[at].key, None if choice == SKIP else choice)
        at = _next(pairs, answers, at + 1)


def _next(pairs: list[Pair], answers: JudgementFile, start: int) -> int:
    """Place of the first pair from `start` on that has no answer."""
    rest = range(start, len(pairs))
    return next((k for k in rest if pairs[k].key not in answers.judgements), len(pairs))


def show(pair: Pair, articles: dict[str, Article], place: str) -> None:
    """Print a pair side by side on stderr."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from storyclust._core.terminal import sanitize

    console = Console(file=sys.stderr, highlight=False)
    table = Table(show_header=False, expand=True, show_lines=False)
    for _ in range(2):
        table.add_column(ratio=1)
    ends = ((pair.a, pair.titles[0]), (pair.b, pair.titles[1]))
    table.add_row(*(_side(name, title, articles.get(name)) for name, title in ends))
    console.print(Text(f"\n{place}  {sanitize('; '.join(pair.facts))}"))
    console.print(table)


def _side(name: str, title: str, article: Article | None) -> Text:
    """One article of a pair."""
    from rich.text import Text

    from storyclust._core.terminal import sanitize

    day = article.published.strftime("%d %b %Y %H:%M") if article and article.published else ""
    origin = ", ".join(part for part in (name, (article and article.source) or "", day) if part)
    side = Text(sanitize((article and article.title) or title), style="bold")
    side.append(f"\n{sanitize(origin)}", style="not bold dim")
    if article and article.text:
        text = sanitize(article.text)
        side.append(f"\n{text if len(text) <= SHOWN else text[:SHOWN] + '...'}", style="not bold")
    return side
