"""Find the copies in the example corpus, and show what is kept and why."""

from pathlib import Path

import storyclust as sc

articles = sc.read_articles(Path(__file__).parent / "newsdesk.jsonl")
dedup = sc.Deduplicator(threshold=0.8, keep="earliest").fit(articles)

for group in dedup.groups_:
    kept = articles[group.representative]
    print(f"{kept.source} published first: {kept.title}")
    for row, similarity in zip(group.members, group.similarities, strict=True):
        if row != group.representative:
            print(f"    {similarity:.0%} the same: {articles[row].source}, {articles[row].title}")

print(f"{dedup.keep_.sum()} of {len(articles)} articles kept.")
