"""The pictures in the README and the documentation, of the example corpus.

    python benchmarks/make_pictures.py [--figures]

Wants matplotlib, selenium, chromium and chromedriver; with --figures, matplotlib only. Writes report.png into
examples and docs/images, and the figures into docs/images.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import storyclust as sc
from common import EXAMPLES, ROOT
from storyclust.figures import plot_dendrogram, plot_s_curve, plot_similarities, plot_timeline
from storyclust.text.sentences import split_sentences

WIDTH, HEIGHT = 1120, 2080
COLOURS = 64  # a third of the bytes, and the eye sees no difference
IMAGES = ROOT / "docs" / "images"
SINCE = datetime(2024, 1, 1, tzinfo=UTC)  # one article is five years older, and would squeeze the timeline
LATIN = ("en", "fr")  # a machine without other fonts would draw boxes


def main() -> None:
    """Write the pictures."""
    everything = sc.read_articles(EXAMPLES / "newsdesk.jsonl")
    articles = [article for article in everything if article.lang in LATIN]
    stories = sc.StoryClusterer().fit(articles)
    draw(stories, articles, everything)
    if "--figures" not in sys.argv:
        photograph(stories, articles)
    for path in sorted(IMAGES.iterdir()):
        print(f"{path.name}: {path.stat().st_size / 1000:.0f} KB")


def row_of(articles: list[sc.Article], name: str) -> int:
    """Row of an article by its id."""
    return next(row for row, article in enumerate(articles) if article.id == name)


def draw(stories: sc.StoryClusterer, articles: list[sc.Article], everything: list[sc.Article]) -> None:
    """Write the figures. The same articles give the same files."""
    mpl.use("Agg")
    mpl.rcParams["svg.hashsalt"] = "storyclust"
    recent = sc.StoryClusterer().fit([article for article in articles if article.published > SINCE])
    ferry = int(stories.labels_[row_of(articles, "selka-ferry-a")])
    figures = {
        "dendrogram.png": plot_dendrogram(stories, ferry).figure,
        "similarities.png": plot_similarities(stories).figure,
        "timeline.svg": plot_timeline(recent, n_threads=10).figure,
        "pipeline.svg": draw_counts(everything),
        "copies.svg": draw_copies(articles),
        "coverage.svg": draw_neighbours(stories, articles, "selka-ferry-b"),
        "events.svg": draw_days(stories, articles),
        "summaries.svg": draw_sentences(stories, articles, ferry),
    }
    for name, figure in figures.items():
        metadata = {"Date": None} if name.endswith("svg") else {"Software": None}
        figure.savefig(IMAGES / name, dpi=96, metadata=metadata)
    plt.close("all")


def draw_counts(articles: list[sc.Article]) -> Figure:
    """Bars: articles, independent articles, events and threads of the whole corpus."""
    stories = sc.StoryClusterer().fit(articles)
    independent = int(stories.deduplicator_.keep_.sum())
    events = sum(len(thread.events) for thread in stories.threads_)
    steps = {
        "articles": (len(articles), "as read"),
        "independent\narticles": (independent, f"{len(articles) - independent} copies count once"),
        "events": (events, "one happening, within a week"),
        "threads": (len(stories.threads_), "events that continue one another"),
    }
    figure, ax = plt.subplots(figsize=(8.5, 2.6), layout="constrained")
    values = [value for value, _ in steps.values()]
    bars = ax.barh(list(steps), values, color=["0.75", "C0", "C1", "C2"])
    ax.bar_label(bars, [f"{value}   {note}" for value, note in steps.values()], padding=6)
    ax.invert_yaxis()
    ax.set_xlim(0, len(articles) * 1.5)
    ax.xaxis.set_visible(False)
    ax.spines[["top", "right", "bottom"]].set_visible(False)
    return figure


def draw_copies(articles: list[sc.Article]) -> Figure:
    """The probability that MinHash proposes a pair, and the exact similarities of pairs."""
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    plot_s_curve(0.8, ax=axes[0])
    plot_similarities(sc.Deduplicator(threshold=0.3, exact=True).fit(articles), ax=axes[1])
    return figure


def draw_neighbours(stories: sc.StoryClusterer, articles: list[sc.Article], name: str) -> Figure:
    """Bars: the similarity of one article with its nearest, by what they are to it."""
    row = row_of(articles, name)
    kept = [other for other in np.flatnonzero(stories.deduplicator_.keep_).tolist() if other != row]
    found = {other: stories.explain(row, other).similarity for other in kept}
    nearest = sorted(kept, key=lambda other: -found[other])[:5]
    colours = {"same event": "C0", "same thread": "C1", "another thread": "0.7"}

    def kind(other: int) -> str:
        if stories.event_labels_[other] == stories.event_labels_[row]:
            return "same event"
        return "same thread" if stories.labels_[other] == stories.labels_[row] else "another thread"

    figure, ax = plt.subplots(figsize=(10, 3), layout="constrained")
    for label, colour in colours.items():
        places = [place for place, other in enumerate(nearest) if kind(other) == label]
        ax.barh(places, [found[nearest[place]] for place in places], color=colour, label=label)
    ax.set_yticks(range(len(nearest)), [articles[other].title for other in nearest])
    ax.invert_yaxis()
    ax.set_xlabel(f"similarity with \u201c{articles[row].title}\u201d")
    ax.spines[["top", "right"]].set_visible(False)
    ax.legend(loc="lower right", frameon=False)
    return figure


def draw_days(stories: sc.StoryClusterer, articles: list[sc.Article]) -> Figure:
    """Pairs of one thread by the days between them: the similarity, and what it counts for an event."""
    kept = stories.deduplicator_.keep_
    pairs = [
        (a, b)
        for thread in stories.threads_
        for a in thread.members
        for b in thread.members
        if a < b and kept[a] and kept[b] and articles[a].published and articles[b].published
    ]
    evidence = [stories.explain(a, b) for a, b in pairs]
    same = [stories.event_labels_[a] == stories.event_labels_[b] for a, b in pairs]
    figure, axes = plt.subplots(1, 2, figsize=(10, 4), layout="constrained", sharey=True)
    for ax, divided in zip(axes, (False, True), strict=True):
        for inside, colour, label in ((True, "C0", "one event"), (False, "C1", "two events of one thread")):
            chosen = [each for each, is_inside in zip(evidence, same, strict=True) if is_inside == inside]
            days = [max(each.days_apart, 0.1) for each in chosen]
            heights = [each.event_similarity if divided else each.similarity for each in chosen]
            ax.scatter(days, heights, s=14, color=colour, label=label)
        ax.set_xscale("log")
        ax.set_xlabel("days between two articles")
        ax.spines[["top", "right"]].set_visible(False)
    axes[1].axhline(1 - stories.event_distance, color="0.5", linewidth=1)
    axes[1].annotate("event threshold", (1, 1 - stories.event_distance), (1, 4), "axes fraction",
                     textcoords="offset points", ha="right", color="0.4")  # fmt: skip
    axes[0].set_title("similarity")
    axes[1].set_title("divided by the days, from one day on")
    axes[1].legend(loc="upper right", frameon=False)
    return figure


def draw_sentences(stories: sc.StoryClusterer, articles: list[sc.Article], label: int) -> Figure:
    """Sentences of each article of a thread as squares; those of the summary and the timeline stand out."""
    thread = stories.threads_[label]
    rows = sorted((row for row in thread.independent), key=lambda row: articles[row].published)
    figure, ax = plt.subplots(figsize=(10, 0.5 * len(rows) + 1.3), layout="constrained")
    summary = [(each.article, each.start) for each in thread.summary.sentences]
    timeline = [(each.sentence.article, each.sentence.start) for each in thread.timeline]
    colours = {"in the summary": "C0", "in the timeline": "C1", "in both": "C3", "not used": "0.85"}
    names = dict(zip([(True, False), (False, True), (True, True), (False, False)], colours, strict=True))
    for height, row in enumerate(rows):
        for place, sentence in enumerate(split_sentences(articles[row].text)):
            places = range(sentence.start, sentence.end)  # datelines are left out of what is quoted
            used = [any(a == row and start in places for a, start in each) for each in (summary, timeline)]
            names = {
                (True, True): "in both",
                (True, False): "in the summary",
                (False, True): "in the timeline",
            }
            kind = names.get(tuple(used), "not used")
            ax.barh(height, 0.9, left=place, height=0.7, color=colours[kind])
    ax.set_yticks(range(len(rows)), [f"{articles[r].published:%d %b}  {articles[r].title}" for r in rows])
    ax.invert_yaxis()
    ax.set_xlabel("sentences of each article, in order")
    ax.set_xticks([])
    ax.spines[["top", "right", "left", "bottom"]].set_visible(False)
    keys = [Patch(color=colour, label=label) for label, colour in colours.items()]
    ax.set_xlim(right=ax.get_xlim()[1] * 1.25)
    ax.legend(handles=keys, loc="center right", frameon=False)
    return figure


def photograph(stories: sc.StoryClusterer, articles: list[sc.Article]) -> None:
    """Write the picture of the report."""
    original = stories.deduplicator_.representatives_

    def edited(thread: sc.StoryThread) -> int:
        return sum(articles[row].text != articles[original[row]].text for row in thread.members)

    opened = max(stories.threads_, key=edited).label
    switches = ("headless", "no-sandbox", "disable-gpu", "hide-scrollbars", "disable-background-networking")
    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium") or ""
    for switch in switches:
        options.add_argument(f"--{switch}")
    metrics = {"width": WIDTH, "height": HEIGHT, "deviceScaleFactor": 1, "mobile": False}
    with (
        tempfile.TemporaryDirectory() as folder,
        webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver"))) as browser,
    ):
        page = Path(folder, "report.html")
        stories.to_html(page, title="Newsdesk")
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.get(f"{page.as_uri()}#from=2024-01-01&page=1&open={opened}")
        browser.execute_script(
            "document.querySelectorAll('details.tree, details.copies').forEach(d => { d.open = true; });"
            "scrollTo(0, 0)"
        )
        browser.execute_async_script("setTimeout(arguments[0], 300)")
        browser.save_screenshot(str(EXAMPLES / "report.png"))
    with Image.open(EXAMPLES / "report.png") as picture:
        few = picture.convert("RGB").quantize(COLOURS)
    few.save(EXAMPLES / "report.png", optimize=True)
    shutil.copyfile(EXAMPLES / "report.png", IMAGES / "report.png")


if __name__ == "__main__":
    main()
