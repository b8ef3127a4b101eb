"""The pictures in the README, of the example corpus: the report in Chromium, and figures.

    python benchmarks/make_pictures.py

Wants matplotlib, selenium, chromium and chromedriver. Writes report.png, dendrogram.png and
similarities.png into examples.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import storyclust as sc
from common import EXAMPLES
from storyclust.figures.similarities import plot_similarities
from storyclust.figures.trees import plot_dendrogram

WIDTH, HEIGHT = 1120, 2080
COLOURS = 64  # a third of the bytes, and the eye sees no difference
LATIN = ("en", "fr")  # a machine without other fonts would draw boxes


def main() -> None:
    """Write the pictures."""
    articles = [a for a in sc.read_articles(EXAMPLES / "newsdesk.jsonl") if a.lang in LATIN]
    stories = sc.StoryClusterer().fit(articles)
    draw(stories, articles)
    photograph(stories, articles)
    for name in ("report", "dendrogram", "similarities"):
        print(f"{name}.png: {(EXAMPLES / f'{name}.png').stat().st_size / 1000:.0f} KB")


def draw(stories: sc.StoryClusterer, articles: list[sc.Article]) -> None:
    """Write the figures."""
    mpl.use("Agg")
    ferry = next(row for row, article in enumerate(articles) if article.id == "selka-ferry-a")
    figures = {
        "dendrogram": plot_dendrogram(stories, int(stories.labels_[ferry])),
        "similarities": plot_similarities(stories),
    }
    for name, ax in figures.items():
        ax.figure.savefig(EXAMPLES / f"{name}.png", dpi=96, metadata={"Software": None})
    plt.close("all")


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


if __name__ == "__main__":
    main()
