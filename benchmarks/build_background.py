"""Count the English news background that storyclust ships: figures only, no text.

    STORYCLUST_DATA=... python benchmarks/build_background.py

Reads allsides_12k of the folder named by STORYCLUST_DATA and writes, for every word found in five or more
of its articles, the hash of the word and the number of articles.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from common import data_set
from storyclust.article import as_articles
from storyclust.vectorize import count_terms

TARGET = Path(__file__).parent.parent / "src" / "storyclust" / "data" / "english.npz"


def main() -> None:
    """Build the file."""
    articles = as_articles(data_set("allsides_12k"))
    terms, df = np.unique(count_terms(articles, (1, 1)).terms, return_counts=True)
    kept = df >= 5
    np.savez_compressed(TARGET, terms=terms[kept], df=df[kept].astype(np.uint16), n_articles=len(articles))
    print(f"{kept.sum():,} words of {len(articles):,} articles, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
