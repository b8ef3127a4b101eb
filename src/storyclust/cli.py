"""The command line: nothing but a face of the library.

Data goes to stdout or files, everything else to stderr. Exit codes: 0 done, 1 bad data or I/O, 2 wrong
usage, 130 interrupted. A reader that closes the pipe early is no error.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import storyclust as sc
from storyclust import store_cli
from storyclust.shell import fields_of, input_options, note, say, tell_rejects

if TYPE_CHECKING:
    from storyclust.article import Article
    from storyclust.stories import StoryClusterer


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    options = parser().parse_args(argv)
    for stream in (sys.stdout, sys.stderr):  # a terminal that lacks a letter is shown its number
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        with _notes(), _progress(options):
            options.run(options)
            sys.stdout.flush()
    except BrokenPipeError:
        # Whoever read our output has seen enough; nothing more can be flushed there.
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except (KeyboardInterrupt, SystemError) as error:
        # What is pressed while a compiled function returns comes out of it as the cause of a SystemError.
        if not isinstance(error.__cause__ or error, KeyboardInterrupt):
            raise
        say("interrupted; no file is left half written.")
        return 130
    except sc.StoryclustError as error:
        say(str(error))
        return 1
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        say(f"{place}{error.strerror or error}.")
        return 1
    return 0


def parser() -> argparse.ArgumentParser:
    """Describe commands and options."""
    top = argparse.ArgumentParser(
        prog="storyclust", description="Find copies, events and story threads in piles of news articles."
    )
    top.add_argument("--version", action="version", version=f"storyclust {sc.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    dedup = commands.add_parser(
        "dedup",
        help="keep one article of each group of copies",
        description="Keep one article of each group of copies and write the rest of the pile unchanged.",
    )
    input_options(dedup)
    _memory_option(dedup)
    dedup.add_argument(
        "-o", "--output", default="-", metavar="FILE", help="articles kept; - is stdout (default: -)"
    )
    dedup.add_argument(
        "--threshold",
        type=float,
        default=0.8,
        metavar="J",
        help="Jaccard similarity of copies (default: 0.8)",
    )
    dedup.add_argument(
        "--keep",
        type=_policy,
        default="earliest",
        metavar="POLICY",
        help="earliest, latest, longest, first, or source:A,B: which of a group is kept (default: earliest)",
    )
    dedup.add_argument(
        "--excerpts",
        choices=("report", "drop", "ignore"),
        default="report",
        help="what becomes of articles that stand inside longer ones (default: report, in --groups)",
    )
    dedup.add_argument("--exact", action="store_true", help="miss no pair; slower")
    dedup.add_argument("--clean", action="store_true", help="leave page furniture out of the comparison")
    dedup.add_argument(
        "--reference", action="append", metavar="FILE", help="articles that are there already, never touched"
    )
    dedup.add_argument("--groups", metavar="FILE", help="write one record for each copy and excerpt, and why")
    dedup.add_argument("--labelled", metavar="FILE", help="write all articles with a field duplicate_of")
    _engine_option(dedup, "duplicate_of")
    dedup.set_defaults(run=run_dedup)

    threads = commands.add_parser(
        "threads",
        help="group articles into events and story threads",
        description="Group articles into events and story threads. Prints a digest to a terminal, one record "
        "for each thread otherwise; -o FILE and --format make it Markdown, a page of HTML or a table.",
    )
    input_options(threads)
    _memory_option(threads)
    threads.add_argument(
        "-o",
        "--output",
        default="-",
        metavar="FILE",
        help="the threads: .md, .html, .txt, .jsonl, .json, .csv, .tsv or .parquet, also compressed as in "
        ".jsonl.gz; - is stdout (default: -)",
    )
    threads.add_argument(
        "--labelled", metavar="FILE", help="write all articles with fields duplicate_of, event, thread"
    )
    threads.add_argument(
        "--report", metavar="FILE", help="write a page of HTML to search and read in a browser"
    )
    threads.add_argument(
        "--format",
        choices=("digest", "md", "html", "jsonl", "csv"),
        help="what to write, whatever the name of FILE (default: as FILE ends; to stdout digest on a "
        "terminal, else jsonl); digest and md leave out articles on their own",
    )
    threads.add_argument(
        "--min-size",
        type=int,
        default=1,
        metavar="N",
        help="leave out threads of fewer articles (default: 1)",
    )
    threads.add_argument("--event-distance", type=float, metavar="D", help="default: 0.89")
    threads.add_argument("--event-window", type=float, metavar="DAYS", help="default: 7")
    threads.add_argument("--thread-distance", type=float, metavar="D", help="default: 0.96")
    _engine_option(threads, "duplicate_of, event and thread")
    threads.set_defaults(run=run_threads)

    links = commands.add_parser(
        "links",
        help="link articles that report the same happening, and say why",
        description="Link articles that report the same happening: copies, excerpts and overlapping "
        "coverage, with the terms and passages they share.",
    )
    input_options(links)
    links.add_argument("-o", "--output", default="-", metavar="FILE", help="one record a link (default: -)")
    links.add_argument(
        "--min-similarity",
        type=float,
        default=0.16,
        metavar="S",
        help="similarity above that of strangers (default: 0.16)",
    )
    links.add_argument("--event-window", type=float, default=7.0, metavar="DAYS", help="default: 7")
    links.set_defaults(run=run_links)

    explain = commands.add_parser(
        "explain",
        help="show what two articles share and what differs",
        description="Show how two articles are related, what they share, and what differs.",
    )
    input_options(explain)
    explain.add_argument("id_a", metavar="ID_A")
    explain.add_argument("id_b", metavar="ID_B")
    explain.add_argument("--json", action="store_true", help="print one JSON object")
    explain.set_defaults(run=run_explain)

    tune = commands.add_parser(
        "tune",
        help="choose settings of threads for articles of one's own",
        description="Choose the distance of events or threads, and with labels the window of events, that "
        "suit these articles; and say why.",
    )
    input_options(tune)
    tune.add_argument(
        "--gold", metavar="FIELD", help="field with the right event or thread, where it is known"
    )
    tune.add_argument(
        "--level", choices=("event", "thread"), default="event", help="what to tune (default: event)"
    )
    tune.add_argument("--plot", metavar="FILE", help="draw the figures over the distance: .png, .svg, .pdf")
    tune.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    tune.set_defaults(run=run_tune)

    evaluate = commands.add_parser(
        "evaluate",
        help="score predicted groups against gold ones",
        description="Score predicted groups against gold ones; articles without a gold label do not count.",
    )
    input_options(evaluate)
    evaluate.add_argument("--gold", required=True, metavar="FIELD", help="field with the right answer")
    evaluate.add_argument("--pred", required=True, metavar="FIELD", help="field with the answer to score")
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.set_defaults(run=run_evaluate)

    store_cli.add_commands(commands)
    return top


def _policy(name: str) -> str:
    if name not in ("earliest", "latest", "longest", "first") and not name.startswith("source:"):
        raise argparse.ArgumentTypeError(
            f"{name!r} is none of earliest, latest, longest, first and source:A,B"
        )
    return name


def _memory_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--memory",
        metavar="SIZE",
        help="memory to take besides the articles, such as 4GB (default: three quarters of what is free)",
    )


def _engine_option(command: argparse.ArgumentParser, added: str) -> None:
    command.add_argument(
        "--engine",
        choices=("local", "ray"),
        default="local",
        help=f"ray: on a cluster, or all cores of this machine; -o is a folder for the inputs, file by file, "
        f"with {added} (default: local)",
    )


def run_on_cluster(options: argparse.Namespace) -> None:
    """Run a command on Ray: from shards to labelled shards."""
    from storyclust.distributed.command import run_command

    report = run_command(options, fields_of(options) or {})
    for message in report.messages:
        say(message)
    if not options.quiet:  # a log keeps it, too
        say(str(report))


def run_dedup(options: argparse.Namespace) -> None:
    """Run `storyclust dedup`."""
    if options.engine == "ray":
        run_on_cluster(options)
        return
    from storyclust.removed import removed_records

    ids: list[str] = []
    again = _reader(options)
    reference = list(sc.iter_articles(*options.reference)) if options.reference else None
    dedup = sc.Deduplicator(
        options.threshold,
        keep=options.keep,
        exact=options.exact,
        excerpts=options.excerpts,
        clean=options.clean,
        n_jobs=options.jobs,
        memory_limit=options.memory,
    ).fit(_noting_ids(again(first=True), ids), reference=reference)
    outside = [article.id for article in reference or ()]
    copy_of = [_original(dedup, row, ids, outside) for row in range(len(ids))]
    if options.groups:
        sc.write_records(options.groups, removed_records(dedup, again(), ids, outside, reference or ()))
    if options.labelled:
        _write_labelled(options.labelled, again(), ({"duplicate_of": original} for original in copy_of))
    kept = (article.to_record() for article, keep in zip(again(), dedup.keep_, strict=True) if keep)
    count = sc.write_records(options.output, kept)
    note(
        options,
        f"{len(ids):,} articles: {count:,} kept, {len(ids) - count:,} not; {len(dedup.groups_):,} groups of "
        f"copies, {len(dedup.excerpts_):,} excerpts.",
    )


def _original(dedup: sc.Deduplicator, row: int, ids: list[str], outside: list[str]) -> str | None:
    """Id of the article that is kept for one that is not."""
    if dedup.keep_[row]:
        return None
    match = int(dedup.reference_matches_[row])
    return outside[match] if match >= 0 else ids[dedup.representatives_[row]]


def _noting_ids(articles: Iterable[Article], ids: list[str]) -> Iterator[Article]:
    for article in articles:
        ids.append(article.id)
        yield article


def _reader(options: argparse.Namespace) -> Callable[..., Iterator[Article]]:
    """How to read the inputs, more than once: from their files, or what came from stdin from memory.

    The first reading says what was set aside.
    """
    from storyclust.io import ReadReport

    settings = {
        "fields": fields_of(options),
        "format": options.input_format,
    }
    held = _read(options) if "-" in options.inputs else None

    def read(*, first: bool = False) -> Iterator[Article]:
        if held is not None:
            yield from held
            return
        report = ReadReport()
        rejects = options.rejects if first else None
        yield from sc.iter_articles(*options.inputs, rejects=rejects, report=report, **settings)
        if first:
            tell_rejects(report, options.rejects)

    return read


def run_threads(options: argparse.Namespace) -> None:
    """Run `storyclust threads`."""
    if options.engine == "ray":
        run_on_cluster(options)
        return
    from storyclust.exports import chosen_format, write_threads

    if options.report == "-":
        raise sc.InputError("--report wants the name of a file: stdout carries the threads.")
    kind = chosen_format(options.format, options.output)
    articles = _read(options)
    given = {name: getattr(options, name) for name in ("event_distance", "event_window", "thread_distance")}
    settings = {name: value for name, value in given.items() if value is not None}
    stories = sc.StoryClusterer(**settings, n_jobs=options.jobs, memory_limit=options.memory).fit(articles)
    if options.labelled:
        _write_labelled(options.labelled, articles, _labels(stories, articles))
    if options.report:
        stories.to_html(options.report, min_size=options.min_size if options.min_size > 1 else None)
    write_threads(options.output, stories, articles, kind, options.min_size)
    copies = int((~stories.deduplicator_.keep_).sum())
    n_events = int(stories.event_labels_.max(initial=-1)) + 1
    note(
        options,
        f"{len(articles):,} articles, {copies:,} of them copies: {n_events:,} events in "
        f"{len(stories.threads_):,} threads.",
    )
    if options.labelled:
        note(options, f"Labelled articles are in {options.labelled}.")
    if options.report:
        note(options, f"The report is in {options.report}.")


def _labels(stories: StoryClusterer, articles: Sequence[Article]) -> Iterator[dict[str, Any]]:
    dedup = stories.deduplicator_
    for row in range(len(articles)):
        original = int(dedup.representatives_[row])
        yield {
            "duplicate_of": None if original == row else articles[original].id,
            "event": int(stories.event_labels_[row]),
            "thread": int(stories.labels_[row]),
        }


def run_links(options: argparse.Namespace) -> None:
    """Run `storyclust links`."""
    articles = _read(options)
    links = sc.coverage_links(articles, options.min_similarity, options.event_window, n_jobs=options.jobs)
    ids = [article.id for article in articles]
    count = sc.write_records(options.output, (_link_record(link, ids) for link in links))
    note(options, f"{count:,} links between {len(articles):,} articles.")


def _link_record(link: sc.Link, ids: list[str]) -> dict[str, Any]:
    gap = link.gap
    return {
        "a": ids[link.a],
        "b": ids[link.b],
        "relation": link.relation,
        "similarity": round(link.similarity, 4),
        "hours_apart": None if gap is None else round(gap.total_seconds() / 3600, 1),
        "shared_terms": list(link.shared_terms),
        "shared_passages": [passage.text_a for passage in link.shared_passages],
    }


def run_explain(options: argparse.Namespace) -> None:
    """Run `storyclust explain`."""
    from storyclust.compare import print_evidence

    wanted = dict.fromkeys((options.id_a, options.id_b))
    found = {article.id: article for article in _read(options) if article.id in wanted}
    for name in wanted:
        if name not in found:
            raise sc.InputError(f"There is no article with the id {name!r} in {', '.join(options.inputs)}.")
    a, b = found[options.id_a], found[options.id_b]
    evidence = sc.explain(a, b)
    if options.json:
        sc.write_records("-", [{"a": a.id, "b": b.id, **evidence.as_dict()}])
    else:
        print_evidence(a, b, evidence)


def run_tune(options: argparse.Namespace) -> None:
    """Run `storyclust tune`."""
    from storyclust.advice import print_tuning, tuning_record

    articles = _read(options)
    gold = _column(articles, options.gold) if options.gold else None
    tuning = sc.tune(articles, gold, options.level, n_jobs=options.jobs)
    if options.plot:
        tuning.plot(options.plot)
    if options.format == "json":
        sc.write_records("-", [tuning_record(tuning, articles, options.inputs)])
    else:
        print_tuning(tuning, options.inputs)


def run_evaluate(options: argparse.Namespace) -> None:
    """Run `storyclust evaluate`."""
    articles = _read(options)
    columns = [_column(articles, field) for field in (options.gold, options.pred)]
    scores = sc.evaluate(*columns)
    if options.json:
        sc.write_records("-", [scores.as_dict()])
        return
    print(f"{scores.n_articles:,} articles, {scores.n_gold:,} gold groups, {scores.n_pred:,} predicted")
    for title, values in (
        ("B-cubed", (scores.precision, scores.recall, scores.f1)),
        ("pairs", (scores.pair_precision, scores.pair_recall, scores.pair_f1)),
    ):
        print(f"{title:10} precision {values[0]:.3f}   recall {values[1]:.3f}   F1 {values[2]:.3f}")
    print(f"{'agreement':10} ARI {scores.ari:.3f}   AMI {scores.ami:.3f}   V-measure {scores.v_measure:.3f}")


def _column(articles: Sequence[Article], field: str) -> list[Any]:
    """A field of every article, None where it is missing; an error where it is missing everywhere."""
    if not any(field in article.record for article in articles):
        names = sorted({name for article in articles[:100] for name in article.record})
        raise sc.InputError(f"No article has a field {field!r}; there are: {', '.join(names)}.")
    return [_hashable(article.record.get(field)) for article in articles]


def _hashable(label: Any) -> Any:
    return str(label) if isinstance(label, (list, dict)) else label


def _read(options: argparse.Namespace) -> list[Article]:
    """Read the inputs; say what was set aside."""
    from storyclust.io import ReadReport

    report = ReadReport()
    articles = sc.read_articles(
        *options.inputs,
        fields=fields_of(options),
        format=options.input_format,
        rejects=options.rejects,
        report=report,
    )
    tell_rejects(report, options.rejects)
    return articles


def _write_labelled(path: str, articles: Iterable[Article], added: Iterator[dict[str, Any]]) -> None:
    """Write articles with fields added; an input field of the same name moves to input_NAME."""
    from storyclust.output import labelled_record

    def records() -> Iterator[dict[str, Any]]:
        for article, labels in zip(articles, added, strict=True):
            yield labelled_record(article.to_record(), labels)

    sc.write_records(path, records())


@contextlib.contextmanager
def _progress(options: argparse.Namespace) -> Iterator[None]:
    """Progress bars and the note on compiling, for a person at a terminal; lines for the log of a cluster."""
    if not options.quiet and getattr(options, "engine", "local") == "ray" and not sys.stderr.isatty():
        from storyclust.chunks import Lines, reporting_to

        with reporting_to(Lines(say)):
            yield
        return
    if options.quiet or not sys.stderr.isatty():
        yield
        return
    from storyclust.chunks import tell_compiling

    with sc.show_progress(), tell_compiling():
        yield


@contextlib.contextmanager
def _notes() -> Iterator[None]:
    """Show the library's warnings as one line each."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        say(str(message))

    with warnings.catch_warnings():
        warnings.simplefilter("always", sc.StoryclustWarning)
        warnings.showwarning = show
        yield


if __name__ == "__main__":
    sys.exit(main())
