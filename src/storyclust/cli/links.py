"""`storyclust links` and `storyclust explain`: relations between articles, with the evidence."""

from __future__ import annotations

import argparse
from typing import Any

import storyclust as sc
from storyclust.cli.common import note_result
from storyclust.cli.reading import read_inputs


def run_links(options: argparse.Namespace) -> None:
    """Run `storyclust links`."""
    from storyclust._core.terminal import format_count

    articles = read_inputs(options)
    links = sc.coverage_links(
        articles,
        options.min_similarity,
        options.event_window,
        clean=options.clean,
        n_jobs=options.jobs,
        min_containment=options.min_containment,
    )
    ids = [article.id for article in articles]
    count = sc.write_records(options.output, (_link_record(link, ids) for link in links))
    copies = sum(link.relation in ("exact", "near") for link in links)
    between = f"between {format_count(len(articles), 'article')}, {copies:,} of them copies"
    note_result(options, f"{format_count(count, 'link')} {between}")


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
    from storyclust._core.terminal import sanitize
    from storyclust.render.evidence_view import print_evidence
    from storyclust.stories.clusterer import BaseStoryClusterer

    wanted = dict.fromkeys((options.id_a, options.id_b))
    articles = read_inputs(options, tell_fields=False)
    row_of = {article.id: row for row, article in enumerate(articles)}
    for name in wanted:
        if name not in row_of:
            raise sc.InputError(f"no article with the id {name!r} in {', '.join(options.inputs)}.")
    rows = row_of[options.id_a], row_of[options.id_b]
    a, b = articles[rows[0]], articles[rows[1]]
    evidence = sc.explain(a, b)
    stories = BaseStoryClusterer(n_jobs=-1).fit(articles).explain(*rows) if options.stories else None
    if options.json:
        told = {"stories": stories.as_dict()} if stories else {}
        sc.write_records("-", [{"a": a.id, "b": b.id, **evidence.as_dict(), **told}])
    else:
        print_evidence(a, b, evidence)
        if stories:
            print("", *map(sanitize, str(stories).splitlines()), sep="\n")
