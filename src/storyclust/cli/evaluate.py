"""`storyclust tune` and `storyclust evaluate`: recommend settings, score groups."""

from __future__ import annotations

import argparse
import sys

import storyclust as sc
from storyclust.cli.common import note_result
from storyclust.cli.reading import field_values, read_inputs

QUIT = ("q", "quit")
ANSWERS = {"y": True, "yes": True, "n": False, "no": False, "s": None, "skip": None, **dict.fromkeys(QUIT)}


def run_tune(options: argparse.Namespace) -> None:
    """Run `storyclust tune`."""
    from storyclust.evaluation.tuning_report import print_tuning, tuning_record

    if options.ask and "-" in options.inputs:
        raise sc.InputError("--ask reads your answers from stdin, so the articles must come from files.")
    articles = read_inputs(options)
    gold = field_values(articles, options.gold) if options.gold else None
    tuning = sc.tune(articles, gold, options.level, clean=options.clean, n_jobs=options.jobs)
    if options.ask:
        tuning = tuning.learn(ask(tuning))
    if options.plot:
        tuning.plot(options.plot)
    if options.format == "json":
        sc.write_records("-", [tuning_record(tuning, articles, options.inputs)])
    else:
        print_tuning(tuning, options.inputs)
    note_result(options, f"recommended for {len(articles):,} articles: {_shown(tuning.settings)}")


def ask(tuning: sc.Tuning) -> list[bool | None]:
    """Ask on stderr about all borderline pairs, and read the answers from stdin, until there are no more."""
    from storyclust.evaluation.answers import questions

    answers: list[bool | None] = [None] * len(tuning.borderline)
    for k, question in questions(tuning):
        print(question, file=sys.stderr)
        while (word := _answer()) not in ANSWERS:
            print("Please answer y, n, s or q.", file=sys.stderr)
        if word in QUIT:
            break
        answers[k] = ANSWERS[word]
    return answers


def _answer() -> str:
    print("[y]es, [n]o, [s]kip or [q]uit: ", end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    return line.strip().casefold() if line else QUIT[0]


def _shown(settings: dict[str, float | None]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items() if value is not None)


def run_evaluate(options: argparse.Namespace) -> None:
    """Run `storyclust evaluate`."""
    articles = read_inputs(options, tell_fields=False)
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
