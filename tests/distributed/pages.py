"""Articles on scraped pages: footers of sources, inserted headlines, links, and lines in another language."""

import random

COMMON = "the of and in on was by to with that for it as at from were".split()
SYLLABLES = [a + b for a in "bdfgklmnprst" for b in "aeiou"]
FOOTERS = {
    "Ledger": "Write to the night desk of the Ledger under the usual number before noon on any working day",
    "Bote": "Alle Rechte sind der Zeitung und der Redaktion vorbehalten, die das nicht auf sich beruhen",
    "Herald": "Herald of Aldmouth",
}
INSERTED = [
    "Harbour board balks at lengthy dredging dispute Mayor goes local to save the old fish market",
    "Seven ways to keep a roof dry in the wettest month that the coast has ever seen",
]
SOURCES = ["Ledger", "Ledger", "Bote", "Herald", "Post", "", None]


def word(rng):
    return "".join(rng.choice(SYLLABLES) for _ in range(3))


def make_pages(n, seed, sources=SOURCES):
    """Records of articles on some stories, most of them with something that belongs to their pages."""
    rng = random.Random(seed)  # noqa: S311
    stories = [[word(rng) for _ in range(14)] for _ in range(n // 5 + 1)]
    records = []
    for k in range(n):
        if records and rng.random() < 0.1:
            records.append({**rng.choice(records), "id": f"n{k}"})
            continue
        own, source = rng.choice(stories), rng.choice(sources)
        text = [
            rng.choice(own) if rng.random() < 0.4 else rng.choice([rng.choice(COMMON), word(rng)])
            for _ in range(rng.choice([0, 6, 30, 60]))
        ]
        if rng.random() < 0.4:
            text[len(text) // 2 : len(text) // 2] = rng.choice(INSERTED).split()
        if rng.random() < 0.3:
            text.append("https://t.co/x1 @desk")
        body = " ".join(text)
        if source in FOOTERS and rng.random() < 0.8:
            body += f"\n\n{FOOTERS[source]}"
        record = {"id": f"n{k}", "text": body or "-", "title": " ".join(own[:4])}
        record |= {"source": source} if source is not None else {}
        record |= {"published": f"2024-03-{1 + rng.randrange(20):02d}"} if rng.random() < 0.8 else {}
        records.append(record)
    return records
