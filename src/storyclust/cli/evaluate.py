"""`storyclust tune` and `storyclust evaluate`: recommend settings, score groups."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

import storyclust as sc
from storyclust.cli.asking import QUIT, ask
from storyclust.cli.common import clean_option, input_options, note_result, say
from storyclust.cli.reading import field_values, read_inputs

ANSWERS = {"yes": True, "no": False, "skip": None}
CHOICES = {"y": "yes", "n": "no", "s": "skip", "q": QUIT}


def add_tune(commands: Any) -> None:
    """Add `tune` to the parser."""
    tune = commands.add_parser(
        "tune",
        help="recommend event and thread settings for your articles",
        description="Recommend the event or thread distance for these articles, and with labels the event "
        "window; give the reasons.",
    )
    input_options(tune)
    clean_option(tune)
    tune.add_argument("--gold", metavar="FIELD", help="field with the gold event or thread, if known")
    tune.add_argument(
        "--level", choices=("event", "thread"), default="event", help="what to tune (default: event)"
    )
    asking = tune.add_mutually_exclusive_group()
    asking.add_argument(
        "--ask",
        action="store_true",
        help="ask whether borderline pairs belong together, and learn from it",
    )
    asking.add_argument(
        "--answers", metavar="FILE", help="learn from the answers of storyclust review instead"
    )
    tune.add_argument("--plot", metavar="FILE", help="plot the scores by distance: .png, .svg, .pdf")
    tune.add_argument("--format", choices=("text", "json"), default="text", help="default: text")
    tune.set_defaults(run=run_tune)


def add_evaluate(commands: Any) -> None:
    """Add `evaluate` to the parser."""
    evaluate = commands.add_parser(
        "evaluate",
        help="score predicted groups against gold labels",
        description="Score predicted groups against gold labels; articles without a gold label are ignored. "
        "Or score them against judged pairs of articles.",
    )
    input_options(evaluate)
    gold = evaluate.add_mutually_exclusive_group(required=True)
    gold.add_argument("--gold", metavar="FIELD", help="field with the gold label")
    gold.add_argument("--answers", metavar="FILE", help="answers of storyclust review")
    evaluate.add_argument("--pred", required=True, metavar="FIELD", help="field with the predicted label")
    evaluate.add_argument(
        "--level",
        choices=("event", "thread"),
        default="event",
        help="with --answers, what the predicted labels are of: articles of one story belong together in a "
        "thread, but not in an event (default: event)",
    )
    evaluate.add_argument("--json", action="store_true", help="print one JSON object")
    evaluate.set_defaults(run=run_evaluate)


def run_tune(options: argparse.Namespace) -> None:
    """Run `storyclust tune`."""
    from storyclust.evaluation.tuning_report import print_tuning, tuning_record

    if options.ask and "-" in options.inputs:
        raise sc.InputError("--ask reads your answers from stdin, so the articles must come from files.")
    articles = read_inputs(options)
    gold = field_values(articles, options.gold) if options.gold else None
    tuning = sc.tune(articles, gold, options.level, clean=options.clean, n_jobs=options.jobs)
    if options.ask:
        tuning = tuning.learn(ask_all(tuning))
    elif options.answers:
        tuning = tuning.learn(_answers(options.answers, tuning, articles))
    if options.plot:
        tuning.plot(options.plot)
    if options.format == "json":
        sc.write_records("-", [tuning_record(tuning, articles, options.inputs)])
    else:
        print_tuning(tuning, options.inputs)
    note_result(options, f"recommended for {len(articles):,} articles: {_shown(tuning.settings)}")


def ask_all(tuning: sc.Tuning) -> list[bool | None]:
    """Ask about all borderline pairs, until there are no more answers."""
    from storyclust.evaluation.answers import questions

    answers: list[bool | None] = [None] * len(tuning.borderline)
    for k, question in questions(tuning):
        print(question, file=sys.stderr)
        choice = ask(CHOICES)
        if choice == QUIT:
            break
        answers[k] = ANSWERS[choice]
    return answers


def _answers(path: str, tuning: sc.Tuning, articles: Sequence[sc.Article]) -> list[bool | None]:
    """Answers in a file about the borderline pairs; a note says how many there are."""
    from storyclust.evaluation.judgements import answers_to, read_judgements

    judgements = read_judgements(path)
    answers = answers_to(tuning, [article.id for article in articles], judgements)
    told = sum(answer is not None for answer in answers)
    say(f"{told:,} of {len(judgements):,} answers are about the {len(answers):,} borderline pairs.")
    return answers


def _shown(settings: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items() if value is not None)


def run_evaluate(options: argparse.Namespace) -> None:
    """Run `storyclust evaluate`."""
    articles = read_inputs(options, tell_fields=False)
    if options.answers:
        _evaluate_pairs(options, articles)
        return
    columns = [field_values(articles, field) for field in (options.gold, options.pred)]
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


def _evaluate_pairs(options: argparse.Namespace, articles: Sequence[sc.Article]) -> None:
    """Score predicted groups against the answers about pairs."""
    from storyclust.evaluation.judgements import read_judgements, score_judged

    labels = field_values(articles, options.pred)
    pred = {article.id: label for article, label in zip(articles, labels, strict=True)}
    scores = score_judged(read_judgements(options.answers), pred, options.level)
    if options.json:
        sc.write_records("-", [scores.as_dict()])
        return
    print(
        f"{scores.n_pairs:,} judged pairs, {scores.n_together:,} of one {options.level}, "
        f"{scores.n_predicted:,} predicted"
    )
    rates = f"precision {scores.precision:.3f}   recall {scores.recall:.3f}   F1 {scores.f1:.3f}"
    print(f"{'pairs':10} {rates}   accuracy {scores.accuracy:.3f}")
