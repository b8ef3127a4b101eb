"""Summarise the reports of one story, and name the article each sentence is taken from."""

from pathlib import Path

import storyclust as sc

articles = sc.read_articles(Path(__file__).parent / "newsdesk.jsonl")
story = [article for article in articles if article.record["story"] == "japan-india-two-plus-two"]
summary = sc.summarize(story, max_words=100)

print(summary.headline)
for sentence in summary.sentences:
    print(f"- {sentence}  [{story[sentence.article].source}]")
print("Key terms:", ", ".join(summary.keywords))
