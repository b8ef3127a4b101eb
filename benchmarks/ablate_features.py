"""What each part of the distance behind StoryClusterer is worth: vectors changed in one thing at a time.

    python benchmarks/ablate_features.py [--quick]

Every variant weighs the terms of the labelled sets anew (weigh_terms); strangers, graph and linkage are
the library's. Each set is scored alone and buried in 3,000 articles of allsides, at the level its labels
speak of: events of at most seven days on ecbplus and Vietnamese, threads on fnc1 and multiling (languages
averaged; they are vectorised together, and no pair is similar across languages). Threads grow from single
articles, so that the two distances do not mix.

A variant is reported at the pair of distances that is best over all sets, and with one set left out at a
time: the distance is chosen on the other sets of its level, alone and buried, in the middle of those that
come within 0.01 of the best, and scored on the one left out. With two sets a level that is a rough choice:
a difference that not most sets share says little.

The background knows words, not stems: the share of articles that hold a stem is taken as that of articles
which hold one of its words, as if these came independently. It knows no stop words.

Needs the folder named by STORYCLUST_DATA. Writes results/ablation.json; `--quick` runs three variants on
the small sets and writes nothing.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import sparse

import storyclust as sc
from bench_stories import labelled_sets
from common import data_set, peak_megabytes, table, write_results
from compare_stories import LEAST_COSINE
from storyclust.articles.ordering import canonical_order, times_of
from storyclust.cluster.background_similarity import background_similarity
from storyclust.cluster.graph import similarity_graph
from storyclust.cluster.linkage import agglomerate, cut
from storyclust.evaluation.metrics import b_cubed, harmonic, number_labels
from storyclust.stories.grouping import LEAST_SIMILARITY, event_merges, prepare
from weigh_terms import Features, Tokens, Variant, count_terms, read_tokens, vectors_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

OTHERS = 3_000
SETS = {"ecbplus_dev": "ecbplus", "vietnamese_dev": "vietnamese", "fnc1_train": "fnc1"}
SMALL = ("vietnamese", "multiling")
GRID = [k / 100 for k in range(70, 100)]
PLATEAU = 0.01  # a distance is chosen in the middle of those that lose no more than this
OUTSIDE = 0.5  # what a similarity keeps outside the window, where it is not a hard one

BASELINE = Variant("baseline")
VARIANTS = [
    BASELINE,
    Variant("sublinear tf", tf="sublinear"),
    Variant("BM25 tf", tf="bm25"),
    Variant("title twice in head", title_weight=2),
    Variant("no head", head_weight=0),
    *(Variant(f"head weight {weight}", head_weight=weight) for weight in (0.25, 0.7, 1.2)),
    Variant("idf cap 100", cap=100),
    Variant("idf cap 1,000", cap=1_000),
    Variant("idf uncapped", cap=np.inf),
    *(Variant(f"names x{weight}", name_weight=weight) for weight in (1.3, 1.6)),
    *(Variant(f"numbers x{weight}", number_weight=weight) for weight in (0.0, 0.5, 1.3)),
    Variant("words only", pair_weight=0),
    *(Variant(f"pairs x{weight}", pair_weight=weight) for weight in (0.5, 0.75)),
    Variant("no background", worth=0),
    *(Variant(f"background worth {worth}", worth=worth) for worth in (20, 150)),
    Variant("no calibration", calibrated=False),
    Variant("no window", window=np.inf),
    Variant("window of 30 days", window=30),
    Variant("similarity halved outside 7 days", hard=False),
    *(Variant(f"head of {words} words", head_words=words) for words in (50, 200)),
    Variant("with triples", longest=3),
    Variant("snowball stems", stem="snowball"),
    *(Variant(f"words cut to {letters} letters", stem=str(letters)) for letters in (5, 6, 7)),
    Variant("no stop list", stop_words=False),
]


class Corpus(NamedTuple):
    """Labelled articles, alone or buried, less copies."""

    name: str
    level: str
    buried: bool
    rows: NDArray[np.int64]  # of the independent articles among all articles
    times: NDArray[np.float64]
    parts: list[tuple[NDArray[np.int64], NDArray[np.int64]]]  # of each language: place in `rows`, and story


def read_sets(*, quick: bool) -> Iterator[tuple[str, str, list[tuple[str, list[sc.Article]]]]]:
    """Name, level, and articles of each language of the sets."""
    multiling = []
    for name, level, articles in labelled_sets():
        if name in SETS and (not quick or SETS[name] in SMALL):
            yield SETS[name], level, [(name, articles)]
        elif name.startswith("multiling"):
            multiling.append((name, articles))
    yield "multiling", "thread", multiling


def corpus_of(
    name: str, level: str, parts: Sequence[list[sc.Article]], first: int, others: Sequence[sc.Article]
) -> Corpus:
    """Make a corpus of a set whose articles are numbered from `first` on, and the others from 0."""
    labelled = [article for part in parts for article in part]
    articles = [*labelled, *others]
    numbers = np.append(first + np.arange(len(labelled)), np.arange(len(others)))
    dedup = sc.Deduplicator(excerpts="ignore").fit(articles)
    kept = canonical_order(articles, np.flatnonzero(dedup.keep_))
    place = np.empty(len(articles), np.int64)
    place[kept] = np.arange(len(kept))
    place = place[dedup.representatives_]
    bounds = np.append(0, np.cumsum([len(part) for part in parts]))
    scored = [
        (place[low:high], number_labels([article.record["story"] for article in part]))
        for part, low, high in zip(parts, bounds, bounds[1:], strict=False)
    ]
    times = times_of([articles[row] for row in kept])
    return Corpus(name, level, len(others) > 0, numbers[kept], times, scored)


def curve(graph: sparse.csr_array, corpus: Corpus, variant: Variant) -> NDArray[np.float64]:
    """B-cubed F1 at every distance of the grid, languages averaged."""
    n = graph.shape[0]
    if corpus.level == "thread":
        merges = agglomerate(graph)
    elif variant.hard:
        merges = event_merges(graph, corpus.times, 1.0, variant.window)
    else:
        rows = np.repeat(np.arange(n), np.diff(graph.indptr))
        far = np.abs(corpus.times[rows] - corpus.times[graph.indices]) > variant.window
        data = np.where(far, OUTSIDE * graph.data, graph.data)
        merges = agglomerate(sparse.csr_array((data, graph.indices, graph.indptr), shape=graph.shape))
    labels = [cut(merges, n, distance) for distance in GRID]
    return np.array([np.mean([f1(gold, label[at]) for at, gold in corpus.parts]) for label in labels])


def f1(gold: NDArray[np.int64], labels: NDArray[np.int64]) -> float:
    """B-cubed F1, as `evaluate` has it, which computes more."""
    return harmonic(*(float(share.mean()) for share in b_cubed(gold, labels)))


Curves = dict[tuple[str, bool], Any]  # of a set, alone or buried


def curves_of(features: Features, tokens: Tokens, corpora: Sequence[Corpus], variant: Variant) -> Curves:
    """Score one variant on every corpus."""
    found = {}
    for corpus in corpora:
        groups, apart = tokens.group[corpus.rows], len(corpus.parts) > 1
        X = vectors_of(features, tokens, corpus.rows, variant, apart=apart)
        null_similarity = background_similarity(X, groups) if variant.calibrated else None
        least = LEAST_SIMILARITY if variant.calibrated else LEAST_COSINE
        graph = similarity_graph(X, least, null_similarity=null_similarity)
        if apart:
            rows = np.repeat(np.arange(len(groups)), np.diff(graph.indptr))
            same = groups[rows] == groups[graph.indices]
            pairs = (graph.data[same], (rows[same], graph.indices[same]))
            graph = sparse.csr_array(pairs, shape=graph.shape)
        found[corpus.name, corpus.buried] = curve(graph, corpus, variant)
    return found


def library_curves(corpora: Sequence[Corpus], sets: Sequence[Any], others: Sequence[sc.Article]) -> Curves:
    """Score what the library itself makes of every corpus, each language apart."""
    found = {}
    for corpus in corpora:
        parts = next(parts for name, _, parts in sets if name == corpus.name)
        curves = []
        for _, articles in parts:
            ready = prepare([*articles, *(others if corpus.buried else [])])
            gold = number_labels([article.record["story"] for article in articles])
            one = corpus._replace(times=ready.times, parts=[(ready.place[: len(articles)], gold)])
            curves.append(curve(ready.graph, one, BASELINE))
        found[corpus.name, corpus.buried] = np.mean(curves, axis=0)
    return found


def summarize(curves: Curves, levels: dict[str, str]) -> dict[str, Any]:
    """Mean F1 at the distances best for all sets, and at those chosen without the set scored."""
    both = {name: (curves[name, False] + curves[name, True]) / 2 for name in levels}
    best = {level: int(np.sum([both[name] for name in levels if levels[name] == level], axis=0).argmax())
            for level in levels.values()}  # fmt: skip
    row: dict[str, Any] = {
        where: float(np.mean([curves[name, buried][best[level]] for name, level in levels.items()]))
        for where, buried in (("alone", False), ("buried", True))
    }
    left_out = {}
    for name, level in levels.items():
        chosen_on = [both[other] for other in levels if other != name and levels[other] == level]
        if chosen_on:
            mean = np.mean(chosen_on, axis=0)
            near = np.flatnonzero(mean >= mean.max() - PLATEAU)
            left_out[name] = float(both[name][near[len(near) // 2]])
    row["left out"] = float(np.mean(list(left_out.values()))) if left_out else float("nan")
    row["distances"] = {level: GRID[at] for level, at in best.items()}
    row["sets left out"] = left_out
    return row


def rounded(value: Any) -> Any:
    """Figures to four digits, wherever they stand."""
    if isinstance(value, dict):
        return {key: rounded(inner) for key, inner in value.items()}
    return round(value, 4) if isinstance(value, float) else value


def main() -> None:
    """Measure and write."""
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="three variants, small sets, nothing written")
    quick = arguments.parse_args().quick
    others = data_set("allsides_12k")[: OTHERS // 10 if quick else OTHERS]
    sets = list(read_sets(quick=quick))
    levels = {name: level for name, level, _ in sets}
    articles, corpora = list(others), []
    for name, level, parts in sets:
        listed = [part for _, part in parts]
        corpora += [corpus_of(name, level, listed, len(articles), beside) for beside in ([], others)]
        articles += [article for part in listed for article in part]
    tokens = read_tokens(articles)
    library = library_curves(corpora, sets, others)
    rows, skipped, features, counting = [], [], None, None
    for variant in VARIANTS[:3] if quick else VARIANTS:
        if variant.stem == "snowball" and find_spec("snowballstemmer") is None:
            skipped.append(f"{variant.name}: snowballstemmer is not installed")
            continue
        if features is None or variant.counting != counting:
            features, counting = None, variant.counting  # the old counts go before the new ones come
            features = count_terms(tokens, *variant.counting)
        curves = curves_of(features, tokens, corpora, variant)
        summary = summarize(curves, levels)
        if variant is BASELINE:
            base, near = summary, {key: float(np.abs(curves[key] - library[key]).max()) for key in curves}
        summary["difference"] = summary["left out"] - base["left out"]
        summary["sets that gain"] = sum(
            score > base["sets left out"][name] for name, score in summary["sets left out"].items()
        )
        rows.append(rounded({"variant": variant.name, **summary}))
        print(rows[-1], f"{peak_megabytes():.0f} MB", flush=True)
    ours, theirs = (
        {key: summary[key] for key in ("alone", "buried")} for summary in (base, summarize(library, levels))
    )
    check = rounded({
        "baseline": ours, "library": theirs,
        "largest difference at any distance":
            {f"{name}{' buried' * buried}": gap for (name, buried), gap in near.items()},
    })  # fmt: skip
    print(table([{key: value for key, value in row.items() if not isinstance(value, dict)} for row in rows]))
    print(check, *skipped, sep="\n")
    if not quick:
        command = "python benchmarks/ablate_features.py"
        print(
            "written to",
            write_results("ablation", command, rows, others=OTHERS, check=check, skipped=skipped),
        )


if __name__ == "__main__":
    main()
