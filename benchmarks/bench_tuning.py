"""Tuning: what `tune` recommends on every labelled set, without labels and with them, and what it is worth.

    python benchmarks/bench_tuning.py

Besides the sets at their levels as in bench_stories, it asks for titles alone, first words alone and texts
without them, for single stories, and for sets buried in other articles: what the rule was not made on.
Writes results/tuning.json.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import storyclust as sc
from bench_stories import labelled_sets
from common import data_folder, data_set, table, write_results

WORDS = 30  # of a text, beside its title
OTHERS = 3_000


def part(article: sc.Article, title: str, text: str) -> dict[str, Any]:
    """An article of which only a part is known."""
    return {
        "id": article.id, "title": title, "text": text, "published": article.published, "lang": article.lang,
        "story": article.record.get("story"),
    }  # fmt: skip


def variants(name: str, level: str, articles: list[sc.Article]) -> Iterator[tuple[str, list[Any]]]:
    """Other corpora made of a set."""
    if name == "uci_news_sample":
        for size in (200, 800, 2_000):
            rows = np.random.default_rng(size).permutation(len(articles))[:size]
            yield f"{name}, {size}", [articles[row] for row in rows]
        stories = sorted({article.record["story"] for article in articles})
        yield (
            f"{name}, a sixth of the stories",
            [a for a in articles if a.record["story"] in set(stories[::6])],
        )
        return
    if sum(bool(article.title) for article in articles) > len(articles) / 2:
        yield f"{name}, titles", [part(a, a.title, "") for a in articles]
    yield f"{name}, first words", [part(a, a.title, " ".join(a.text.split()[:WORDS])) for a in articles]
    yield f"{name}, without them", [part(a, "", " ".join(a.text.split()[WORDS:])) for a in articles]
    if level == "event":
        seen = {article.record["story"]: article for article in articles}
        yield f"{name}, one article a story", list(seen.values())
    if name in ("ecbplus_dev", "fnc1_train"):
        yield f"{name} among {OTHERS}", [*articles, *data_set("allsides_12k")[:OTHERS]]


def story_of(article: Any) -> Any:
    """Gold label of an article or a record, None where it has none."""
    return article.record.get("story") if isinstance(article, sc.Article) else article["story"]


def measure(name: str, level: str, articles: list[Any], *, labelled: bool) -> dict[str, Any]:
    """Score the defaults and the recommendations on one corpus."""
    gold = [story_of(article) for article in articles]
    row: dict[str, Any] = {"set": name, "level": level, "articles": len(articles)}
    row["defaults"] = f1(articles, gold, level, {})
    within = sc.tune(articles, level=level)
    row["without labels"] = within.settings[within.name]
    row["F1 without labels"] = f1(articles, gold, level, within.settings)
    if labelled:
        tuned = sc.tune(articles, gold, level)
        row |= {
            "with labels": tuned.settings[tuned.name],
            "window": "none" if tuned.settings["event_window"] is None else tuned.settings["event_window"],
            "F1 with labels": f1(articles, gold, level, tuned.settings),
            "gain held out": round(tuned.gain or 0.0, 3),
            "standard error": round(tuned.gain_spread or 0.0, 3),
        }
    return row


def f1(articles: list[Any], gold: list[Any], level: str, settings: dict[str, Any]) -> float:
    """B-cubed F1 of a setting."""
    stories = sc.StoryClusterer(**settings).fit(articles)
    labels = stories.event_labels_ if level == "event" else stories.labels_
    return round(sc.evaluate(gold, labels.tolist()).f1, 3)


def main() -> None:
    """Measure and write."""
    rows, others = [], []
    for name, level, articles in labelled_sets():
        rows.append(measure(name, level, articles, labelled=True))
        print(rows[-1], flush=True)
        for variant, corpus in variants(name, level, articles) if data_folder() else ():
            others.append(measure(variant, level, corpus, labelled=False))
            print(others[-1], flush=True)
    print(table(rows), table(others), sep="\n\n")
    means = {key: mean(rows, key) for key in ("defaults", "F1 without labels", "F1 with labels")}
    means |= {f"{key}, other corpora": mean(others, key) for key in ("defaults", "F1 without labels")}
    print(means)
    command = "python benchmarks/bench_tuning.py"
    print("written to", write_results("tuning", command, rows, other_corpora=others, means=means))


def mean(rows: list[dict[str, Any]], key: str) -> float | None:
    """Mean of a column over rows."""
    return round(float(np.mean([row[key] for row in rows])), 4) if rows else None


if __name__ == "__main__":
    main()
