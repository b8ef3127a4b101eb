"""`storyclust tune` and `storyclust evaluate`: recommend settings, score groups."""

from __future__ import annotations

import argparse

import storyclust as sc
from storyclust.cli.common import note_result
from storyclust.cli.reading import field_values, read_inputs


def run_tune(options: argparse.Namespace) -> None:
    """Run `storyclust tune`."""
    from storyclust.evaluation.tuning_report import print_tuning, tuning_record

    articles = read_inputs(options)
    gold = field_values(articles, options.gold) if options.gold else None
    tuning = sc.tune(articles, gold, options.level, clean=options.clean, n_jobs=options.jobs)
    if options.plot:
        tuning.plot(options.plot)
    if options.format == "json":
        sc.write_records("-", [tuning_record(tuning, articles, options.inputs)])
    else:
        print_tuning(tuning, options.inputs)
    note_result(options, f"recommended for {len(articles):,} articles: {_shown(tuning.settings)}")


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
