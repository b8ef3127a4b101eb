"""Count the English news background that storyclust ships: words and figures, no text.

    STORYCLUST_DATA=... python benchmarks/build_background.py

Reads allsides_12k of the folder named by STORYCLUST_DATA and writes, for every word found in five or more
of its articles, the number of articles; the number of all articles first.
"""

from __future__ import annotations

import gzip
from collections import Counter
from pathlib import Path

from common import data_set
from storyclust.text.features import WORD_MASK, stop_hashes
from storyclust.text.tokens import hash_tokens

TARGET = Path(__file__).parent.parent / "src" / "storyclust" / "data" / "english.tsv.gz"


def words_of(text: str) -> set[str]:
    """Distinct words of a text, lower-cased, less stop words and single letters."""
    tokens = hash_tokens([text])
    stop = set(stop_hashes().tolist())
    places = zip(tokens.starts, tokens.ends, (tokens.hashes & WORD_MASK).tolist(), strict=True)
    data = tokens.data.tobytes()
    words = {data[start:end].decode().lower() for start, end, word in places if word not in stop}
    return {word for word in words if len(word) > 1}


def main() -> None:
    """Build the file."""
    articles = data_set("allsides_12k")
    df = Counter(word for article in articles for word in words_of(f"{article.title}\n{article.text}"))
    kept = sorted((word, count) for word, count in df.items() if count >= 5)
    lines = [f"\t{len(articles)}", *(f"{word}\t{count}" for word, count in kept)]
    TARGET.write_bytes(gzip.compress("\n".join(lines).encode("utf-8"), mtime=0))
    print(f"{len(kept):,} words of {len(articles):,} articles, {TARGET.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
