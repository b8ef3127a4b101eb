"""The picture of the report in the README: the example corpus, in Chromium.

    python benchmarks/make_pictures.py

Wants selenium, chromium and chromedriver. Writes examples/report.png.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

import storyclust as sc
from common import EXAMPLES

WIDTH, HEIGHT = 1120, 1790
LATIN = ("en", "fr")  # a machine without other fonts would draw boxes


def main() -> None:
    """Write examples/report.png."""
    articles = [a for a in sc.read_articles(EXAMPLES / "newsdesk.jsonl") if a.lang in LATIN]
    stories = sc.StoryClusterer().fit(articles)
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
    print(f"{EXAMPLES / 'report.png'}: {(EXAMPLES / 'report.png').stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
