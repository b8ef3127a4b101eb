"""Stories made part by part against stories made at once, on every labelled set.

    python benchmarks/compare_parts.py

Each set is cut into shards, its terms into partitions, its vectors into blocks and its components into bins,
and goes through the functions that a cluster runs, here one after the other; every array on the way and the
labels in the end have to equal those of `StoryClusterer`, to the last bit. Prints a table; writes nothing.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

from bench_stories import labelled_sets
from common import EXAMPLES, data_folder, data_set, table

sys.path.insert(0, str(EXAMPLES.parent / "tests"))
from in_parts import Cut, compare

CUTS = ((2, 1, 0.6), (6, 5, 0.2))  # shards, partitions, and the share of articles in a block


def main() -> None:
    """Compare and print; ends with an error where anything differs."""
    sets = {name: articles for name, _, articles in labelled_sets() if not name.startswith("multiling")}
    if data_folder() is not None:
        sets["multiling2011"] = data_set("multiling2011")  # all languages at once
    rows: list[dict[str, Any]] = []
    for name, articles in sets.items():
        n = len(articles)
        for shards, partitions, share in CUTS:
            bounds = np.linspace(0, n, shards + 1).astype(int).tolist()
            cut = Cut(bounds, partitions, int(share * n) + 1, shards == 2, shards > 2, 1000)
            parts, differing = compare(articles, cut)
            edges = sum(len(part.values) for part in parts.edges)
            found = {"set": name, "articles": n, "shards": shards, "blocks": len(parts.edges), "edges": edges}
            rows.append({**found, "what differs": ", ".join(differing) or "nothing"})
    print(table(rows))
    if any(row["what differs"] != "nothing" for row in rows):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
