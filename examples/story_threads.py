"""Group the example corpus into story threads, and print the biggest with their events."""

from pathlib import Path

import storyclust as sc

articles = sc.read_articles(Path(__file__).parent / "newsdesk.jsonl")
stories = sc.StoryClusterer().fit(articles)

for thread in stories.threads_[:5]:
    print(thread.headline.upper())
    print(thread.summary)
    for event in thread.events:
        print(f"    {event.start:%d %b %Y}: {event.headline} ({len(event.members)} articles)")
    print()

gold = [article.record["story"] for article in articles]
scores = sc.evaluate(gold, stories.labels_.tolist())
print(f"Against the labels in the file: precision {scores.precision:.2f}, recall {scores.recall:.2f}.")
