"""Records of copies, doubtful copies and excerpts, with the passage that is evidence for each."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from storyclust.articles.article import Article
from storyclust.dedup.editions import edition_marker
from storyclust.dedup.evidence import longest_passage

if TYPE_CHECKING:
    from storyclust.dedup.fitted_copies import FittedCopies

REMEMBERED = 256  # pairs of texts whose passage is held


def dedup_records(
    dedup: FittedCopies,
    articles: Iterable[Article],
    ids: Sequence[str],
    reference_ids: Sequence[str] = (),
    reference: Sequence[Article] = (),
) -> Iterator[dict[str, Any]]:
    """Yield one record for each copy and excerpt: its original, the similarity, the longest shared passage.

    Parameters
    ----------
    dedup : FittedCopies
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
        id, kept, relation, similarity (of excerpts, containment) and passage. The relation is exact, near,
        excerpt, or doubtful: both articles are kept, but their texts are copies. Records of copies have
        doubtful, too; and with the policy 'latest-version' reason, which says why the article is kept.
    """
    copies = [
        (int(row), group, float(similarity))
        for group in dedup.groups_
        for row, similarity in zip(group.members, group.similarities, strict=True)
        if row != group.representative
    ]
    excerpts = list(zip(dedup.excerpts_.tolist(), dedup.containments_.tolist(), strict=True))
    doubtful = list(zip(dedup.doubtful_.tolist(), dedup.doubtful_similarities_.tolist(), strict=True))
    needed = {row for pair, _ in (*excerpts, *doubtful) for row in pair}
    needed |= {place for row, group, _ in copies for place in (row, group.representative)}
    listed = {row: article for row, article in enumerate(articles) if row in needed}
    passage = functools.lru_cache(REMEMBERED)(_passage)  # one text may have thousands of copies
    for row, group, similarity in copies:
        kept, match = group.representative, group.reference
        original = reference[match] if match >= 0 else listed[kept]
        record = {
            "id": ids[row],
            "kept": reference_ids[match] if match >= 0 else ids[kept],
            "relation": "exact" if similarity == 1.0 else "near",
            "similarity": round(similarity, 4),
            "doubtful": group.doubtful,
            "passage": passage(listed[row].content, original.content),
        }
        if dedup.keep == "latest-version" and match < 0:
            record["reason"] = _reason(original)
        yield record
    for (row, other), similarity in doubtful:
        yield {
            "id": ids[row],
            "kept": ids[other],
            "relation": "doubtful",
            "similarity": round(similarity, 4),
            "doubtful": True,
            "passage": passage(listed[row].content, listed[other].content),
        }
    for (part, whole), share in excerpts:
        yield {
            "id": ids[part],
            "kept": ids[whole],
            "relation": "excerpt",
            "containment": round(share, 4),
            "passage": passage(listed[part].content, listed[whole].content),
        }


def _reason(kept: Article) -> str:
    """Why an article is kept by the policy 'latest-version'."""
    marker = edition_marker(kept)
    return f"latest version, marked {marker!r}" if marker else "earliest, no version is marked"


def _passage(text: str, other: str) -> str:
    passage = longest_passage(text, other)
    return passage.text_a if passage else ""
