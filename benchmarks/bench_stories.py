"""Stories: events and threads at the default settings, on every labelled set.

    python benchmarks/bench_stories.py

Reads the sets in the folder named by STORYCLUST_DATA, or the example corpus where it is not set. Each set
is scored at the level its labels speak of, declared here beforehand: events for ecbplus, Vietnamese,
headlines and round-ups, threads for rumours (fnc1) and week-long topics (multiling, each language apart).
The running example is looked for alone and among 10,000 other articles, and the whole job is timed on
allsides_12k in a process of its own. Writes results/stories.json.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import storyclust as sc
from common import EXAMPLES, data_folder, data_set, table, write_results

WHOLE_JOB = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
from common import data_set, peak_megabytes
import storyclust as sc
articles = data_set("allsides_12k")
begin = time.perf_counter()
stories = sc.StoryClusterer(n_jobs=-1).fit(articles)
clustered = time.perf_counter() - begin
words = sum(len(thread.summary.text.split()) for thread in stories.threads_)
print(json.dumps({
    "articles": len(articles), "threads": len(stories.threads_), "seconds to threads": round(clustered, 1),
    "seconds with all summaries": round(time.perf_counter() - begin, 1),
    "peak GB": round(peak_megabytes() / 1e3, 2),
}))
"""


def labelled_sets() -> Iterator[tuple[str, str, list[sc.Article]]]:
    """Name, level and articles of each set."""
    if data_folder() is None:
        yield "examples", "thread", sc.read_articles(EXAMPLES / "newsdesk.jsonl")
        return
    yield "ecbplus_dev", "event", data_set("ecbplus_dev")
    yield "vietnamese_dev", "event", data_set("vietnamese_dev")
    yield "uci_news_sample", "event", data_set("uci_news_sample")
    yield "fnc1_train", "thread", data_set("fnc1_train")
    multiling = data_set("multiling2011")
    for lang in sorted({article.lang or "" for article in multiling}):
        yield f"multiling2011 {lang}", "thread", [a for a in multiling if a.lang == lang]


def round_ups() -> Iterator[tuple[str, str, list[sc.Article]]]:
    """The sets of editors' round-ups, which have event labels."""
    if data_folder() is not None:
        yield from ((name, "event", data_set(name)) for name in ("roundup_full_dev", "roundup_leads_dev"))


def measure(name: str, level: str, articles: list[sc.Article]) -> dict[str, Any]:
    """Score one set at the default settings."""
    begin = time.perf_counter()
    stories = sc.StoryClusterer(n_jobs=-1).fit(articles)
    seconds = time.perf_counter() - begin
    labels = stories.event_labels_ if level == "event" else stories.labels_
    scores = sc.evaluate([article.record.get("story") for article in articles], labels.tolist())
    figures = {key: round(getattr(scores, key), 3) for key in ("precision", "recall", "f1", "pair_f1", "ami")}
    return {"set": name, "level": level, "articles": len(articles), **figures, "seconds": round(seconds, 2)}


def running_example(others: list[sc.Article]) -> dict[str, Any]:
    """Whether the five reports on Japan and India come out as one thread of three events."""
    articles = sc.read_articles(EXAMPLES / "newsdesk.jsonl")
    five = [a for a in articles if a.record["story"] == "japan-india-two-plus-two"]
    gold = [a.record["event"] for a in five]
    stories = sc.StoryClusterer(n_jobs=-1).fit([*five, *others])
    inside, events = set(stories.labels_[:5].tolist()), stories.event_labels_[:5].tolist()
    strangers = int(np.isin(stories.labels_[5:], list(inside)).sum())
    right = len(inside) == 1 and sc.evaluate(gold, events).f1 == 1.0 and strangers == 0
    return {
        "others": len(others), "threads": len(inside), "events": len(set(events)), "strangers": strangers,
        "right": right,
    }  # fmt: skip


def main() -> None:
    """Measure and write."""
    rows = [measure(*labelled) for labelled in (*labelled_sets(), *round_ups())]
    facts: dict[str, Any] = {"running_example": [running_example([])]}
    if data_folder() is not None:
        f1 = {row["set"]: row["f1"] for row in rows}
        multiling = float(np.mean([value for name, value in f1.items() if name.startswith("multiling")]))
        four = [f1["ecbplus_dev"], f1["vietnamese_dev"], f1["fnc1_train"], multiling]
        facts["multiling_mean_f1"] = round(multiling, 3)
        facts["mean_of_four_f1"] = round(float(np.mean(four)), 3)
        facts["running_example"].append(running_example(data_set("allsides_12k")[:10_000]))
        command = [sys.executable, "-c", WHOLE_JOB, str(EXAMPLES.parent / "benchmarks")]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        facts["allsides_12k"] = json.loads(output)
    print(table(rows))
    print(json.dumps(facts, indent=1))
    print("written to", write_results("stories", "python benchmarks/bench_stories.py", rows, **facts))


if __name__ == "__main__":
    main()
