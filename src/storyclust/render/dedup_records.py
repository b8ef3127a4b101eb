"""Records of copies and excerpts, with the passage that is evidence for each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from storyclust.articles.article import Article
from storyclust.dedup.evidence import longest_passage

if TYPE_CHECKING:
    from storyclust.dedup.deduplicator import Deduplicator


def dedup_records(
    dedup: Deduplicator,
    articles: Iterable[Article],
    ids: Sequence[str],
    reference_ids: Sequence[str] = (),
    reference: Sequence[Article] = (),
) -> Iterator[dict[str, Any]]:
    """Yield one record for each copy and excerpt: its original, the similarity, the longest shared passage.

    Parameters
    ----------
    dedup : Deduplicator
        Fitted.
    articles : iterable of Article
        The articles it was fitted to; only the texts of copies, excerpts and their originals are kept.
    ids : sequence of str
        Their ids.
    reference_ids : sequence of str
        Ids of the reference articles.
    reference : sequence of Article
        The reference articles.

    Yields
    ------
    record : dict
        id, kept, relation (exact, near or excerpt), similarity and doubtful, or containment; and passage.
    """
    copies = [
        (int(row), group, float(similarity))
        for group in dedup.groups_
        for row, similarity in zip(group.members, group.similarities, strict=True)
        if row != group.representative
    ]
    excerpts = list(zip(dedup.excerpts_.tolist(), dedup.containments_.tolist(), strict=True))
    needed = {row for pair, _ in excerpts for row in pair}
    needed |= {place for row, group, _ in copies for place in (row, group.representative)}
    texts = {row: article.content for row, article in enumerate(articles) if row in needed}
    for row, group, similarity in copies:
        kept, match = group.representative, group.reference
        yield {
            "id": ids[row],
            "kept": reference_ids[match] if match >= 0 else ids[kept],
            "relation": "exact" if similarity == 1.0 else "near",
            "similarity": round(similarity, 4),
            "doubtful": group.doubtful,
            "passage": _passage(texts[row], reference[match].content if match >= 0 else texts[kept]),
        }
    for (part, whole), share in excerpts:
        yield {
            "id": ids[part],
            "kept": ids[whole],
            "relation": "excerpt",
            "containment": round(share, 4),
            "passage": _passage(texts[part], texts[whole]),
        }


def _passage(text: str, other: str) -> str:
    passage = longest_passage(text, other)
    return passage.text_a if passage else ""
