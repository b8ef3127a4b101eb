"""Copy the tables of benchmarks/results into the README and the documentation, each with its command.

python benchmarks/readme_tables.py
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from typing import Any

from common import RESULTS, ROOT, table

PAGES = (ROOT / "README.md", ROOT / "docs" / "figures.md")


def stories(results: dict[str, Any]) -> str:
    """Scores of all sets, their mean, the running example and the time of the whole job."""
    rows = [
        {key: row[key] for key in ("set", "level", "articles", "precision", "recall", "f1")}
        for row in results["rows"]
    ]
    alone, buried = results["running_example"]
    whole = results["allsides_12k"]
    found = "found exactly" if alone["right"] and buried["right"] else "not found exactly"
    mean = "B-cubed. Mean of ecbplus, Vietnamese, fnc1 and multiling (languages averaged)"
    example = "The running example, five reports on Japan and India in three events, is"
    return (
        f"{table(rows)}\n\n{mean}: **{results['mean_of_four_f1']:.3f}**. {example} {found}, alone and among "
        f"{buried['others']:,} other articles. From {whole['articles']:,} long articles to threads: "
        f"{whole['seconds to threads']:.0f} s; with a summary of each of the {whole['threads']:,} threads "
        f"{whole['seconds with all summaries']:.0f} s; at most {whole['peak GB']:.1f} GB."
    )


def settings(results: dict[str, Any]) -> str:
    """Ways to cluster stories, each at its best."""
    ways = [row for row in results["rows"] if not row["way"].startswith("storyclust, ")]
    rows = [
        {
            "way": row["way"],
            "one threshold a level": row["one threshold a level"],
            "the best for each set": row["best of each set"],
            "the same, English sets": row["best of each English set"],
        }
        for row in ways
    ]
    return (
        f"{table(rows)}\n\nMean B-cubed F1 of ecbplus, Vietnamese, fnc1 and multiling. storyclust needs no "
        f"tuning for the first column: it is what the defaults give ({ways[0]['defaults']:.3f})."
    )


def scaling(results: dict[str, Any]) -> str:
    """Time and memory by size."""
    keys = (
        "articles",
        "MB",
        "seconds",
        "articles/s",
        "peak GB",
        "of it the articles",
        "event F1",
        "thread F1",
    )
    rows = [{key: row[key] for key in keys} for row in results["rows"]]
    ours, theirs = [row for row in results["peers"] if row["step"] == "vectorizer"][-2:]
    seconds = {row["articles"]: row["seconds"] for row in results["rows"]}
    growth = math.log10(seconds[1_000_000] / seconds[100_000])
    limited = ", ".join(
        f"{row['limit']} takes {row['peak GB'] - row['of it the articles']:.1f} GB"
        for row in results["limited"]
    )
    real = [{key: row[key] for key in ("set", "articles", "seconds", "with summaries", "peak GB")}
            for row in results["real"]]  # fmt: skip
    dense = {row["tool"]: row for row in results["peers"] if row["articles"] == 10_000}
    return (
        f"{table(rows)}\n\nSynthetic news of 2.5 KB an article, strings to threads, two threads. From "
        f"10^5 to 10^6 articles time grows with the power {growth:.2f}. At 300,000, beside the articles, a "
        f"`memory_limit` of {limited}. On one thread the vectorizer reads {ours['MB/s']:.0f} MB/s, "
        f"scikit-learn's {theirs['MB/s']:.0f}; from vectors of 10,000 articles to clusters, scikit-learn's "
        f"agglomeration takes {dense['AgglomerativeClustering']['ratio']:.1f} times as long as ours, HDBSCAN "
        f"{dense['HDBSCAN']['ratio']:.1f} times, and both grow with the square.\n\nReal articles, to "
        f"a summary of every thread:\n\n{table(real)}\n\nThe graph of similarities against the exact one:\n\n"
        f"{table(results['graphs'])}"
    )


def summaries(results: dict[str, Any]) -> str:
    """ROUGE of all ways at the references' length."""
    ways = ("storyclust", "LexRank", "TextRank", "lead of the longest", "lead of all", "chance")
    longer = [row for row in results["rows"] if row["words"] != 60]
    rows = [
        {"set": name}
        | {
            way: f"{row['ROUGE-1']:.1f} / {row['ROUGE-2']:.1f}"
            for way in ways
            for row in longer
            if row["set"] == name and row["way"] == way
        }
        for name in dict.fromkeys(row["set"] for row in longer)
    ]
    english = "; ".join(
        f"{row['way']} {row['ROUGE-1 stemmed']:.1f} / {row['ROUGE-2 stemmed']:.1f}"
        for row in longer
        if "ROUGE-1 stemmed" in row and row["way"] in ways[:2]
    )
    openings = results["openings"]
    leaning, made = openings["open with a word that points back"], openings["summaries"]
    return (
        f"{table(rows)}\n\nROUGE-1 / ROUGE-2, F1 against human summaries, at their length; words as they are "
        f"written, without stemming. English with rouge-score's own tokenizer and stems: {english}. Of "
        f"{made:,} summaries of {openings['set']} {leaning} "
        f"{'opens' if leaning == 1 else 'open'} with a word that points back; all take "
        f"{openings['CPU s of all summaries']:.0f} s of one core."
    )


def copies(results: dict[str, Any]) -> str:
    """Times and quality of all tools, and storyclust on all sets."""
    rows = [
        {
            "set": row["set"],
            "texts": row["texts"],
            "seconds, 1 thread": row["seconds, 1 thread"],
            "2 threads": row["seconds, 2 threads"],
            "MB/s": row["MB/s, 1 thread"],
            "texts/s": row["texts/s, 1 thread"],
            "recall": row.get("recall", ""),
            "precision": row.get("precision", ""),
            "bytes an article": row["bytes per article"],
        }
        for row in results["sets"]
    ]
    return (
        f"{table(results['rows'])}\n\n{results['texts']:,} long articles and edited copies, "
        f"{results['megabytes']:.0f} MB, {results['gold_pairs']:,} pairs at Jaccard 0.8 or more, counted "
        "exactly. The peers' shingles are made in Python, as their users make them.\n\n"
        f"{table(rows)}\n\nRecall and precision against all pairs, counted exactly; memory beyond the texts."
    )


def million(results: dict[str, Any]) -> str:
    """Copies among a million articles."""
    row = results["rows"][0]
    return (
        f"{row['articles']:,} articles ({row['MB'] / 1e3:.1f} GB of text, made on the fly) to groups of "
        f"copies: {row['seconds']:.0f} s on two threads, {row['peak MB'] / 1e3:.1f} GB at most."
    )


def files(results: dict[str, Any]) -> str:
    """Whole commands, from a file to a file."""
    keys = (
        "tool",
        "seconds",
        "processor seconds",
        "removed",
        "recall, pairs",
        "precision",
        "groups with none kept",
    )
    rows = [{key: row.get(key, "") for key in keys} for row in results["rows"]]
    return (
        f"{table(rows)}\n\n{results['texts']:,} articles, {results['megabytes']['in.jsonl']:.0f} MB of JSON "
        "lines; whole commands, their start included. Recall counts the pairs at Jaccard 0.8 or more, of "
        "which not both are kept; precision, the removed articles that are in such a pair. The peers remove "
        "what shares a band and compare nothing: 14 bands of 8 are datatrove's, 9 of 13 what datasketch "
        "chooses for 0.8. "
        "The machine was shared while this was measured: compare processor seconds."
    )


def store(results: dict[str, Any]) -> str:
    """How a store grows, and how near it comes to the batch."""
    ways = ("batch", "streamed", "last 30 days consolidated", "all consolidated")
    several = [row for row in results["quality"] if not row["set"].startswith("multiling")]
    languages = [row for row in results["quality"] if row["set"].startswith("multiling")]
    mean = {way: sum(row[way] for row in languages) / len(languages) for way in ways} if languages else {}
    rows = [{key: row[key] for key in ("set", "level", "articles", *ways)} for row in several]
    if languages:
        count = sum(row["articles"] for row in languages)
        rows.append(
            {"set": f"multiling2011, mean of {len(languages)}", "level": "thread", "articles": count, **mean}
        )
    kills = json.loads((RESULTS / "store_kills.json").read_text(encoding="utf-8"))["rows"][0]
    return (
        f"{table(results['rows'])}\n\nBatches of 1,000; then articles one by one. B-cubed F1 of labelled "
        f"sets that came in batches of 50, in order of date:\n\n{table(rows)}\n\n"
        f"After {kills['kills']} `kill -9` at random instants ({kills['batches stored']} batches stored) "
        f"{kills['lost or torn']} batches were lost or torn (`python benchmarks/kill_store.py 100`)."
    )


def distributed(results: dict[str, Any]) -> str:
    """What a cluster costs and brings, and what larger corpora would take on paper."""
    keys = (
        "what", "articles", "engine", "seconds", "times local", "bytes shuffled an article",
        "bytes an article of the driver", "GB of the largest worker",
    )  # fmt: skip
    rows = [{key: row[key] for key in keys if key in row} for row in results["rows"]]
    cluster = ", ".join(f"{value} {name}" for name, value in results["cluster"].items())
    return (
        f"{table(rows)}\n\nEngines are written as nodes x processors. Every way gave the same labels. "
        f"On paper, for nodes with {cluster}, from the growth between the last two sizes (half of the "
        f"network in use; hours add up; nobody waits for the slowest):\n\n"
        f"{table(results['projection'])}"
    )


def install(results: dict[str, Any]) -> str:
    """Installed size and the time that importing takes."""
    note = (
        "Sizes on disk, without compiled bytecode and compiled kernels. Times are medians over fresh "
        "processes, beyond what Python itself takes to start. Numerical libraries are imported at the first "
        "use of a name. The first run compiles the numerical functions; later runs use the cache."
    )
    return f"{table(results['rows'])}\n\n{note}"


def short_copies(results: dict[str, Any]) -> str:
    """Copies: the verified result of one thread, and those of two other libraries."""
    names = {
        "storyclust, verified, 1 thread": "storyclust",
        "rensa, verified in Python": "rensa, verified in Python",
        "datasketch, unverified": "datasketch",
    }
    keys = ("MB/s", "recall", "precision")
    rows = {row["tool"]: {key: row[key] for key in keys} for row in results["rows"] if row["tool"] in names}
    return table([{"copies": name} | rows[tool] for tool, name in names.items()])


def short_stories(results: dict[str, Any]) -> str:
    """Stories: storyclust, a density-based method on its vectors, and sentence embeddings."""
    names = {
        "storyclust": "storyclust",
        "NewsVectorizer, HDBSCAN": "HDBSCAN on the same vectors",
        "MiniLM embeddings, average linkage": "MiniLM embeddings, average linkage",
    }
    rows = {row["way"]: row for row in results["rows"]}
    return table(
        [
            {
                "stories": name,
                "F1, one threshold for all sets": rows[way]["one threshold a level"],
                "F1, best threshold for each set": rows[way]["best of each set"],
            }
            for way, name in names.items()
        ]
    )


def short_summaries(results: dict[str, Any]) -> str:
    """Summaries: the mean over all languages, at the length of the references."""
    longer = [row for row in results["rows"] if row["words"] != 60]
    rows = []
    for way in ("storyclust", "LexRank", "TextRank"):
        mine = [row for row in longer if row["way"] == way]
        means = {key: f"{sum(row[key] for row in mine) / len(mine):.1f}" for key in ("ROUGE-1", "ROUGE-2")}
        rows.append({"summaries": way} | means)
    return table(rows)


# Name in the page: name of the results file, and what is made of it. A page has the sections it marks.
SECTIONS: dict[str, tuple[str, Callable[[dict[str, Any]], str]]] = {
    "stories": ("stories", stories),
    "settings-stories": ("settings-stories", settings),
    "scaling": ("scaling", scaling),
    "summary": ("summary", summaries),
    "copies": ("copies", copies),
    "copies-million": ("copies-million", million),
    "files": ("files", files),
    "store": ("store", store),
    "distributed": ("distributed", distributed),
    "install": ("install", install),
    "copies, short": ("copies", short_copies),
    "stories, short": ("settings-stories", short_stories),
    "summary, short": ("summary", short_summaries),
}


def section(name: str) -> str:
    """One section with its markers; a short one has no command."""
    file, render = SECTIONS[name]
    results = json.loads((RESULTS / f"{file}.json").read_text(encoding="utf-8"))
    machine = results["machine"]
    body = render(results)
    if not name.endswith(", short"):
        origin = f"`{results['command']}`, on {machine['cores']} cores, Python {machine['python']}."
        body += f"\n\n{origin}"
    return f"<!-- results: {name} -->\n{body}\n<!-- end -->"


def filled(text: str) -> str:
    """Return a page with every marked section made anew; a section that has no name here is an error."""
    marked = re.compile(r"<!-- results: (.*?) -->.*?<!-- end -->", re.S)
    return marked.sub(lambda found: section(found[1]), text)


def main() -> None:
    """Rewrite the sections between the markers."""
    for page in PAGES:
        page.write_text(filled(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
