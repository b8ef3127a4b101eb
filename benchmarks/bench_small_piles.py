"""Stories in few articles: articles that have nothing in common stay apart, and stories stay together.

    python benchmarks/bench_small_piles.py

Draws piles of 2 to 100 articles from the example corpus and, where STORYCLUST_DATA names a folder, from the
sets in it, each pile from ten seeds.

- Strangers: one article a story (a topic, where a set has topics). Every article that is not a thread of its
  own counts as a wrong join. They are drawn as they are, and with a rare word or a credit for a photograph at
  the end of two, of half and of all of them.
- Stories: two to six articles each. Threads are scored by B-cubed F1; so are events, where labels speak of
  them.

Both are measured with the limits for few articles and, as "formerly", with one limit for all and a constant
that was added to the background similarity of few. Writes results/small_piles.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

import storyclust as sc
from bench_stories import labelled_sets
from common import EXAMPLES, data_folder, data_set, table, write_results
from storyclust.cluster.background_similarity import FARTHEST, NEAREST, background_similarity
from storyclust.cluster.graph import similarity_graph
from storyclust.evaluation.parameter_search import USUAL
from storyclust.stories.grouping import LEAST_SIMILARITY, Prepared, find_events, find_threads, prepare

SIZES = (2, 3, 5, 8, 20, 31, 100)
STORY_SIZES = (8, 20, 31, 100)
ADDED = {"rare word": "Zorvexia.", "credit": "Photo: Getty Images"}
ADDED_TO = (8, 20)  # sizes of piles to whose articles words are added
SEEDS = 10
KEY = ("piles", "measure", "added", "articles")
WINDOW = 7.0
FORMER_CONSTANT = 0.01
UNLABELLED = "livedoor"  # each article counts as a story; a few do belong together


class Drawn(NamedTuple):
    """A set to draw piles from."""

    name: str
    level: str
    articles: list[sc.Article]
    stories: list[Any]
    topics: list[Any]  # of which strangers have different ones


def sets() -> Iterator[Drawn]:
    """The examples, the labelled sets, and one without labels."""
    examples = sc.read_articles(EXAMPLES / "newsdesk.jsonl")
    names = [article.record["story"] for article in examples]
    # Five notices of one form are alike on purpose.
    topics = ["notice" if name.startswith("notice") else name for name in names]
    yield Drawn("examples", "thread", examples, names, topics)
    if data_folder() is None:
        return
    more = [(name, "event", data_set(name)) for name in ("roundup_full_dev", "roundup_leads_dev")]
    for name, level, articles in [*labelled_sets(), *more]:
        labels = [article.record["story"] for article in articles]
        of_topics = [a.record.get("topic") or a.record["story"] for a in articles]
        yield Drawn(name, level, articles, labels, of_topics if name == "ecbplus_dev" else labels)
    others = data_set(UNLABELLED)
    numbers: list[Any] = list(range(len(others)))
    yield Drawn(UNLABELLED, "thread", others, numbers, numbers)


def by_label(labels: list[Any]) -> dict[Any, list[int]]:
    """Rows of each label, in the order of labels."""
    rows: dict[Any, list[int]] = {}
    for row, label in enumerate(labels):
        rows.setdefault(label, []).append(row)
    return dict(sorted(rows.items(), key=lambda item: str(item[0])))


def strangers(drawn: Drawn, n: int, seed: int) -> list[sc.Article] | None:
    """One article of each of `n` topics, or None if there are not so many."""
    rng, rows = np.random.default_rng(seed), list(by_label(drawn.topics).values())
    if len(rows) < n:
        return None
    return [drawn.articles[rng.choice(rows[k])] for k in rng.permutation(len(rows))[:n]]


def whole_stories(drawn: Drawn, n: int, seed: int) -> tuple[list[sc.Article], list[Any]] | None:
    """`n` articles, two to six of a story, and their stories; None if there are not so many."""
    rng = np.random.default_rng(seed)
    rows = [own for own in by_label(drawn.stories).values() if len(own) > 1]
    chosen: list[int] = []
    for k in rng.permutation(len(rows)):
        size = min(int(rng.integers(2, 7)), len(rows[k]), n - len(chosen))
        chosen += rng.permutation(rows[k])[:size].tolist()
        if len(chosen) == n:
            return [drawn.articles[row] for row in chosen], [drawn.stories[row] for row in chosen]
    return None


def with_words(articles: list[sc.Article], words: str, share: str, seed: int) -> list[str]:
    """Texts of articles; two, half or all of them end in the same words."""
    n = {"two": 2, "half": len(articles) // 2, "all": len(articles)}[share]
    chosen = set(np.random.default_rng(seed).permutation(len(articles))[:n].tolist())
    texts = [f"{article.title}\n{article.text}".strip() for article in articles]
    return [f"{text} {words}" if row in chosen else text for row, text in enumerate(texts)]


def former_graph(ready: Prepared) -> sparse.csr_array:
    """The graph with one limit for all, and a constant for languages with few articles."""
    groups = ready.vectorizer.groups_
    coverage = np.clip((np.bincount(groups)[groups] - NEAREST) / (FARTHEST - NEAREST), 0.0, 1.0)
    background = background_similarity(ready.vectors, groups) + FORMER_CONSTANT * (1.0 - coverage) ** 3
    return similarity_graph(ready.vectors, LEAST_SIMILARITY, null_similarity=background)


def groups_of(pile: list[Any]) -> dict[str, tuple[Any, Any]]:
    """Threads and events of every article, now and formerly."""
    ready = prepare(sc.as_articles(pile))
    found = {}
    for rule, graph in (("formerly", former_graph(ready)), ("now", ready.graph)):
        events = find_events(graph, ready.times, USUAL["event"], WINDOW)
        threads = find_threads(graph, events, USUAL["thread"])
        found[rule] = threads[ready.place], events[ready.place]
    return found


def joins(pile: list[Any]) -> dict[str, float]:
    """Articles that share a thread with an earlier one."""
    return {
        rule: float(len(pile) - len(set(threads.tolist()))) for rule, (threads, _) in groups_of(pile).items()
    }


def mean_of(found: list[dict[str, float]]) -> dict[str, float]:
    """Means of some figures, rounded."""
    return {key: round(float(np.mean([each[key] for each in found])), 3) for key in found[0]}


def measure_strangers(drawn: Drawn) -> Iterator[dict[str, Any]]:
    """Wrong joins among strangers."""
    for n in SIZES:
        piles = [pile for seed in range(SEEDS) if (pile := strangers(drawn, n, seed))]
        if not piles:
            continue
        row = {"piles": "strangers", "set": drawn.name, "articles": n, "added": "", "measure": "wrong joins"}
        yield {**row, **mean_of([joins(list(pile)) for pile in piles])}
        if n not in ADDED_TO:
            continue
        for (name, words), share in (
            (item, share) for item in ADDED.items() for share in ("two", "half", "all")
        ):
            found = [joins(with_words(pile, words, share, seed)) for seed, pile in enumerate(piles)]
            yield {**row, "added": f"{name} to {share}", **mean_of(found)}


def measure_stories(drawn: Drawn) -> Iterator[dict[str, Any]]:
    """Scores of piles that hold stories."""
    for n in STORY_SIZES:
        piles = [pile for seed in range(SEEDS) if (pile := whole_stories(drawn, n, seed))]
        if not piles:
            continue
        found = [(gold, groups_of(list(pile))) for pile, gold in piles]
        for k, level in enumerate(("thread", "event")):
            if level == "event" and drawn.level != "event":
                continue
            scores = [
                {rule: sc.evaluate(gold, labels[k].tolist()).f1 for rule, labels in groups.items()}
                for gold, groups in found
            ]
            row = {
                "piles": "stories",
                "set": drawn.name,
                "articles": n,
                "added": "",
                "measure": f"{level} F1",
            }
            yield {**row, **mean_of(scores)}


def summary(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Means over sets, by kind of pile and size."""
    keys = sorted({(row["piles"], row["measure"], row["added"], row["articles"]) for row in rows})
    made = []
    for key in keys:
        own = [row for row in rows if (row["piles"], row["measure"], row["added"], row["articles"]) == key]
        means = mean_of([{rule: row[rule] for rule in ("formerly", "now")} for row in own])
        made.append(
            {
                "piles": key[0],
                "measure": key[1],
                "added": key[2],
                "articles": key[3],
                "sets": len(own),
                **means,
            }
        )
    return made


def main() -> None:
    """Measure and write."""
    rows: list[dict[str, Any]] = []
    for drawn in sets():
        rows += measure_strangers(drawn)
        if drawn.name != UNLABELLED:
            rows += measure_stories(drawn)
        print(drawn.name, flush=True)
    means = summary(rows)
    print(table(means))
    print(
        "written to",
        write_results("small_piles", "python benchmarks/bench_small_piles.py", rows, means=means),
    )


if __name__ == "__main__":
    main()
